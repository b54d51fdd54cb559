"""BREAK_LOOP to a handler, CONTINUE_LOOP to a target, that are not in the code.

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
attempt([far, op(120, 0), op(80)])
attempt([op(120, 0), far, op(119, 0)])
attempt([far, op(120, 0), op(119, 11), op(9) * 2, op(100, 1), op(83)], ('the handler is not used',))
print 'done'
