"""Calling a function that has fewer cells than its code object has free variables.

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


inner = (lambda free: lambda: free)(0).func_code
attempt([op(100, 1), op(132, 0), op(131, 0), op(83)], (inner,))
attempt([op(102, 0), op(100, 1), op(134, 0), op(131, 0), op(83)], (inner,))
attempt([op(100, 0), op(100, 1), op(134, 0), op(131, 0), op(83)], (inner,))
print 'done'
