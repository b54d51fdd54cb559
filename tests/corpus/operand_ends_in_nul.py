"""The last instruction's operand is cut short: its high byte is the string's terminating NUL."""
CodeType, FunctionType = type((lambda: 0).func_code), type(lambda: 0)


def run(raw):
    code = CodeType(0, 1, 5, 0x43, raw, (None, 'value', 3, 1), (), ('n',), '<asm>', 'short', 1, '')
    return FunctionType(code, {})()


# JUMP_ABSOLUTE 7; LOAD_CONST 1, RETURN_VALUE; 7 JUMP_ABSOLUTE 3, cut
print run('q\x07\0d\1\0Sq\3')
# LOAD_CONST 1; JUMP_ABSOLUTE 7; RETURN_VALUE; 7 JUMP_ABSOLUTE 6, cut
print run('d\1\0q\7\0Sq\6')
# n = 3; do n -= 1 while n, by a cut POP_JUMP_IF_TRUE; each time round, n is tested at 6:
# LOAD_FAST, POP_JUMP_IF_TRUE 16, LOAD_CONST 1, RETURN_VALUE; 16 LOAD_FAST, LOAD_CONST, subtract, STORE, JUMP 6
print run('d\2\0}\0\0|\0\0s\x10\0d\1\0S|\0\0d\3\0\x18}\0\0q\6')
