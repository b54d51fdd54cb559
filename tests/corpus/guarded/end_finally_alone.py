"""END_FINALLY takes an int for the reason of unwinding, an exception or a string for the first of three.

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


attempt([op(100, 1), op(88)], (8,))              # return
attempt([op(100, 1), op(88)], (32,))             # continue
attempt([op(100, 1), op(88)], ('text',))
attempt([op(100, 1), op(88)], (KeyError,))
attempt([op(120, 9), op(100, 1), op(100, 2), op(88), op(9)], (u'no int', 32))
attempt([op(120, 9), op(100, 1), op(100, 2), op(88), op(9)], (0x40000000, 32))
attempt([op(100, 1), op(88)], (u'neither',))
print 'done'
