"""co_code overwritten through ctypes between two calls, and while it runs: the bytes of one code object change.

Ours only: a string that changes breaks a rule of Python, and an oracle may read co_code once per code object.
Says so and ends where the interpreter was built without ctypes."""
import sys

CodeType, FunctionType = type((lambda: 0).func_code), type(lambda: 0)
try:
    import ctypes
except ImportError:
    print 'no ctypes'
    sys.exit()


def fresh(raw):
    # one RETURN_VALUE more makes a string of our own that nobody shares
    code = CodeType(0, 0, 3, 0x43, raw + chr(83), (None, 'one', 'two'), ('patch',), (), '<asm>',
                    'target', 1, '')
    return FunctionType(code, globals())


def poke(function, offset, text):
    raw = function.func_code.co_code
    start = ctypes.cast(ctypes.c_char_p(raw), ctypes.c_void_p).value
    ctypes.memmove(start + offset, text, len(text))


target = fresh('d\1\0\x09S')
print target()
poke(target, 1, '\2')       # LOAD_CONST 2
print target()
poke(target, 3, '\x0d')     # NOP becomes UNARY_CONVERT
print target()

# LOAD_GLOBAL patch, CALL_FUNCTION 0, POP_TOP, LOAD_CONST 1, RETURN_VALUE: patch changes the LOAD_CONST ahead
running = fresh('t\0\0\x83\0\0\x01d\1\0S')
patch = lambda: poke(running, 8, '\2')
print running()
