"""Jumps onto operand bytes, which are no code at all, or are until something is missing.

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


# 4 is POP_TOP
attempt([op(113, 4), op(100, 1), op(83)])
# 7 is LOAD_CONST 0x5300, and an operand of the LOAD_CONST at 6, which is reached as well
attempt([op(100, 0), op(114, 7), op(100, 100), chr(83), op(83)])
# 4 is NOP, and so is 5; then on with 6
attempt([op(113, 4), op(100, 0x0909), op(100, 1), op(83)], ('overlapping code that is right',))
print 'done'
