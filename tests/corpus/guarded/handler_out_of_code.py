"""A handler that is not in the code, and an exception.

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


far = op(145, 0x4000)
attempt([far, op(121, 0), op(100, 0), op(11)])                       # SETUP_EXCEPT
attempt([far, op(122, 0), op(100, 0), op(83)])                       # SETUP_FINALLY, return
attempt([far, op(121, 0), op(87), op(100, 1), op(83)], ('the handler is not used',))
print 'done'
