"""MAKE_FUNCTION and MAKE_CLOSURE take what is on top for a code object.

A plain 2.7.18 is killed by signal 11 at each attempt."""
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


attempt([op(100, 1), op(132, 0), op(83)], (7,))
attempt([op(100, 0), op(132, 0), op(83)])
attempt([op(102, 0), op(100, 1), op(134, 0), op(83)], ('text',))
print 'done'
