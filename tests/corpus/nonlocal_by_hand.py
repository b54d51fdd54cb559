"""STORE_DEREF in an inner function: 2.7 has no nonlocal, its bytecode has."""
CodeType, FunctionType = type((lambda: 0).func_code), type(lambda: 0)


def outer():
    count = 10

    def inner():
        return count

    code = inner.func_code
    # LOAD_DEREF 0, LOAD_CONST 1, BINARY_ADD, DUP_TOP, STORE_DEREF 0, RETURN_VALUE
    raw = '\x88\0\0d\1\0\x17\x04\x89\0\0S'
    bump = FunctionType(CodeType(0, 0, 3, code.co_flags, raw, (None, 5), (), (), '<asm>', 'bump', 1, '',
                                 code.co_freevars), globals(), 'bump', None, inner.func_closure)
    results = [bump(), bump(), count]
    count = 100
    return results, bump(), inner(), count


print outer()
