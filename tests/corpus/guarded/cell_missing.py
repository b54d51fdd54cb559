"""co_flags say that there are no cells: the frame is made without them.

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


attempt([op(135, 0), op(83)], cellvars=('cell',))
attempt([op(136, 0), op(83)], cellvars=('cell',))
attempt([op(100, 0), op(137, 0), op(100, 0), op(83)], cellvars=('cell',))
attempt([op(100, 0), op(84), op(100, 0), op(83)], cellvars=('cell',))   # IMPORT_STAR
# With the flag cleared they are there.
attempt([op(135, 0), op(1), op(100, 1), op(83)], ('made',), cellvars=('cell',), flags=3)
print 'done'
