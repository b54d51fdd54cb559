"""A failed operation leaves NULL where its operand was, below the level of the block that catches.

A plain 2.7.18 is killed by signal 11 at each attempt but the last: storing a NULL unbinds the local."""
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


# LOAD_CONST 'text', SETUP_EXCEPT 7, UNARY_NEGATIVE; 7: POP_TOP the exception, then use what is below
failed = [op(100, 1), op(121, 1), op(11), op(1) * 3]
attempt(failed + [op(1), op(100, 0), op(83)], ('text',))             # POP_TOP
attempt(failed + [op(4), op(83)], ('text',))                         # DUP_TOP
attempt(failed + [op(100, 0), op(23), op(83)], ('text',))            # BINARY_ADD
attempt(failed + [op(13), op(83)], ('text',))                        # UNARY_CONVERT
attempt(failed + [op(125, 0), op(100, 0), op(83)], ('text',), (), ('n',))   # STORE_FAST
print 'done'
