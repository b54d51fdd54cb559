"""Each exception pushes three values; the handler raises again, without end.

A plain 2.7.18 writes over its heap until signal 6 or 11 ends it."""
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


# SETUP_EXCEPT 6, RAISE_VARARGS 0; 6: JUMP_ABSOLUTE 0
attempt([op(121, 3), op(130, 0), op(113, 0)])
attempt([op(121, 3), op(130, 0), op(113, 0)], size=0)
print 'done'
