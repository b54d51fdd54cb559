"""Instructions that take several values, of which one or two are there.

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


one, two = op(100, 0), op(100, 0) * 2
attempt([one, op(102, 100), op(83)])             # BUILD_TUPLE
attempt([one, op(3), op(3), op(1), op(1), op(83)])   # ROT_THREE
attempt([one, op(5), op(1), op(83)])             # ROT_FOUR
attempt([one, op(131, 0x0101), op(83)])          # CALL_FUNCTION with a keyword
attempt([one, op(142, 3), op(83)])               # CALL_FUNCTION_VAR_KW
attempt([one, op(60), op(100, 0), op(83)])       # STORE_SUBSCR
attempt([two, op(89), op(83)])                   # BUILD_CLASS
attempt([two, op(85), op(100, 0), op(83)])       # EXEC_STMT
attempt([two, op(94, 200), op(83)])              # LIST_APPEND
attempt([two, op(146, 200), op(83)])             # SET_ADD
attempt([two, op(147, 200), op(83)])             # MAP_ADD
print 'done'
