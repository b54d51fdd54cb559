"""The same keyword twice, and no string: the message about it prints what is not there.

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


pair = op(100, 1) * 2
attempt([op(116, 0), pair, pair, op(131, 0x200), op(83)], (1,), ('dict',), size=9)
attempt([op(116, 0), pair, op(105, 0), pair, op(54), op(141, 0x100), op(83)], (1,), ('dict',), size=9)
print 'done'
