"""END_FINALLY on values that no block has left: each reason there is, also where nothing waits for it."""
CodeType, FunctionType = type((lambda: 0).func_code), type(lambda: 0)


def op(number, argument=None):
    return chr(number) + ('' if argument is None else chr(argument & 255) + chr(argument >> 8))


def show(parts, consts=(), names=()):
    code = CodeType(0, 0, 20, 0x43, ''.join(parts), (None,) + consts, names, (), '<asm>', 'asm', 1, '')
    try:
        print FunctionType(code, globals())()
    except Exception, error:
        print type(error).__name__, error

NOT, EXCEPTION, RERAISE, RETURN, BREAK, CONTINUE = 1, 2, 4, 8, 16, 32
show([op(100, 1), op(88), op(100, 2), op(83)], (NOT, 'goes on'))
show([op(100, 1), op(88)], (EXCEPTION,))
show([op(100, 1), op(88)], (RERAISE,))
show([op(100, 1), op(100, 2), op(88)], ('returned', RETURN))
# no loop: the function is left without a value, which its caller reports
show([op(100, 1), op(88)], (BREAK,))
show([op(100, 1), op(100, 1), op(88)], (CONTINUE,))
# SETUP_LOOP 4, then the same
show([op(120, 4), op(100, 1), op(88), op(100, 2), op(83)], (BREAK, 'after the loop'))
# continues at 10, inside the loop, which then breaks
show([op(120, 8), op(100, 1), op(100, 2), op(88), op(80), op(100, 3), op(83)], (10, CONTINUE, 'after the loop'))
# a finally block between: it sees the number, and passes it on
show([op(120, 12), op(122, 4), op(100, 1), op(88), op(100, 2), op(71), op(88), op(100, 3), op(83)],
     (BREAK, 'finally', 'after the loop'))
# exceptions: a class, an instance that is none of these, no class at all
show([op(100, 0), op(100, 1), op(116, 0), op(88)], ('value',), ('KeyError',))
show([op(100, 1), op(88)], (1.5,))
# WITH_CLEANUP calls what is below a return value, and END_FINALLY returns it
show([op(116, 0), op(100, 1), op(100, 2), op(81), op(88)], ('returned', RETURN), ('max',))
