"""An operand with the top bit set (EXTENDED_ARG 0x8000) before opcodes that bear it."""
CodeType, FunctionType = type((lambda: 0).func_code), type(lambda: 0)


def op(number, argument=None):
    return chr(number) + ('' if argument is None else chr(argument & 255) + chr(argument >> 8))


def assemble(parts, consts=(), names=(), varnames=(), name='asm'):
    code = CodeType(0, len(varnames), 20, 0x43, ''.join(parts), (None,) + consts, names, varnames,
                    '<asm>', name, 1, '')
    return FunctionType(code, globals())


def ext(number, argument=0, prefix=0x8000):
    return op(145, prefix) + op(number, argument)


# BUILD_SLICE takes two unless the operand is 3; BUILD_MAP takes it as a hint
print assemble([op(100, 1), op(100, 2), ext(133), op(83)], (1, 2))()
print assemble([ext(105), op(83)])()
# NOP, POP_TOP and RETURN_VALUE do not look at it
print assemble([ext(9, 65535, 65535), op(100, 1), op(4), ext(1), ext(83, 1)], ('ignored',))()
for prefix in (0x8000, 0xffff, 1):
    try:
        assemble([op(100, 1), ext(130, 4, prefix)], ('x',))()
    except SystemError, error:
        print error
