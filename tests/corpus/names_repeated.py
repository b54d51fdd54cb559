"""co_varnames that hold one name twice: two locals of the same name."""
CodeType, FunctionType = type((lambda: 0).func_code), type(lambda: 0)

# LOAD_CONST 1, STORE_FAST 0, LOAD_CONST 2, STORE_FAST 1, LOAD_FAST 0, LOAD_FAST 1, BUILD_TUPLE 2, RETURN_VALUE
raw = 'd\1\0}\0\0d\2\0}\1\0|\0\0|\1\0f\2\0S'
code = CodeType(0, 2, 2, 0x43, raw, (None, 'first', 'second'), (), ('same', 'same'), '<asm>', 'twice', 1, '')
print FunctionType(code, {})()
# the same decides which way a jump goes: LOAD_CONST True / False, LOAD_FAST 0, POP_JUMP_IF_TRUE
raw = 'd\1\0}\0\0d\2\0}\1\0|\0\0s\x16\0d\4\0Sd\3\0S'
code = CodeType(0, 2, 2, 0x43, raw, (None, True, False, 'right', 'merged'), (), ('', ''), '<asm>', 'jump', 1, '')
print FunctionType(code, {})()
