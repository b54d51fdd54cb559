"""A negative operand moves the top of the stack up, past values that nobody pushed.

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


attempt([op(145, 0xffff), op(104, 0xff00), op(1) * 256, op(100, 0), op(83)])  # BUILD_SET -256
attempt([op(100, 1), op(145, 0xffff), op(94, 0xff00), op(100, 0), op(83)], (1,))  # LIST_APPEND -256
print 'done'
