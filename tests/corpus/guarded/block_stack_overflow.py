"""SETUP_LOOP in a loop: more than 20 blocks are a fatal error.

A plain 2.7.18 ends in a fatal error, signal 6, at each attempt but the last."""
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


attempt([op(120, 0), op(113, 0)])
attempt([op(120, 0)] * 21)
attempt([op(120, 0)] * 20 + [op(87)] * 20 + [op(100, 1), op(83)], ('twenty blocks are well',))
print 'done'
