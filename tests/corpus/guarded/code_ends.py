"""The code ends in the middle of an instruction, or goes on behind its end.

A plain 2.7.18 reads up to two bytes behind the code and does as they say: mostly, an unknown opcode."""
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


attempt([op(100, 0), op(1), chr(100)])
attempt([op(9), chr(145) + chr(0) + chr(0)])
attempt([op(113, 5), op(9), op(9), chr(113) + chr(255)])
print 'done'
