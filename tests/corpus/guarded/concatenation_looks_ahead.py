"""After adding two strings ceval looks at what the next instruction would store to.

A plain 2.7.18 is killed by signal 11 at all attempts but the second, which may go well, and the last."""
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


# a string that the stack and one local hold; then STORE_FAST, STORE_DEREF, STORE_NAME
text = [op(100, 1), op(100, 2), op(23), op(4), op(125, 0), op(100, 2), op(55)]
attempt(text + [op(125, 0xffff), op(100, 0), op(83)], ('a', 'b'), (), ('s',))
attempt(text + [op(137, 0xffff), op(100, 0), op(83)], ('a', 'b'), (), ('s',))
attempt(text + [op(90, 0xffff), op(100, 0), op(83)], ('a', 'b'), (), ('s',))
attempt(text + [op(90, 0), op(100, 0), op(83)], ('a', 'b'), ('name',), ('s',))
attempt(text + [op(137, 0), op(100, 0), op(83)], ('a', 'b'), (), ('s',), ('cell',))
attempt(text + [op(125, 0), op(124, 0), op(83)], ('a', 'b'), (), ('s',))
print 'done'
