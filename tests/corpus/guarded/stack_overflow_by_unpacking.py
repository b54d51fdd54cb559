"""UNPACK_SEQUENCE of more values than the stack has room for.

A plain 2.7.18 writes over its heap: killed by signal 6 or 11, or later, or never."""
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


attempt([op(100, 1), op(92, 60000), op(83)], (tuple(range(60000)),))
attempt([op(100, 1), op(92, 60000), op(83)], (xrange(60000),))
# Too few: ceval raises after it has stored what there was, from the far end.
attempt([op(100, 1), op(92, 60000), op(83)], (range(10),))
print 'done'
