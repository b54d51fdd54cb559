"""Jumps to offsets that the code does not have.

A plain 2.7.18 is killed by signal 11 at each attempt but the last."""
CodeType, FunctionType = type((lambda: 0).func_code), type(lambda: 0)


def op(number, argument=None):
    return chr(number) + ('' if argument is None else chr(argument & 255) + chr(argument >> 8 & 255))


def attempt(parts, consts=(), names=(), varnames=(), cellvars=(), size=5, flags=0x43):
    code = CodeType(0, len(varnames), size, flags, ''.join(parts), (None,) + consts, names, varnames,
                    '<asm>', 'asm', 1, '', (), cellvars)
    try:
        result = FunctionType(code, globals())()
        print 'ran:', result
    except SystemError, error:
        print error


attempt([op(145, 0x4000), op(113, 0)])           # JUMP_ABSOLUTE
attempt([op(145, 0xc000), op(113, 0)])
attempt([op(145, 0x4000), op(110, 0)])           # JUMP_FORWARD
attempt([op(100, 0), op(145, 0x4000), op(114, 0)])   # POP_JUMP_IF_FALSE
# Taken, but only PyObject_IsTrue can know; then never taken.
attempt([op(100, 1), op(145, 0x4000), op(115, 0)], ('text',))
attempt([op(100, 1), op(145, 0x4000), op(114, 0), op(100, 1), op(83)], ('text',))
print 'done'
