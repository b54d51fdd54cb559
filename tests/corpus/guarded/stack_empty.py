"""POP_TOP, RETURN_VALUE and others on an empty value stack.

A plain 2.7.18 is killed by signal 11 at each attempt but YIELD_VALUE, which finds a 0 and returns it."""
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


attempt([op(4), op(113, 0)])                     # DUP_TOP, JUMP_ABSOLUTE 0
attempt([op(1)] * 50)                            # POP_TOP
attempt([op(100, 0), op(1), op(83)])             # RETURN_VALUE
attempt([op(86)])                                # YIELD_VALUE
attempt([op(68)])                                # GET_ITER
attempt([op(130, 3)])                            # RAISE_VARARGS
print 'done'
