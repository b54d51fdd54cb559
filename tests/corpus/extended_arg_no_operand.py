"""EXTENDED_ARG before opcodes without operand: they swallow two bytes all the same."""
CodeType, FunctionType = type((lambda: 0).func_code), type(lambda: 0)


def op(number, argument=None):
    return chr(number) + ('' if argument is None else chr(argument & 255) + chr(argument >> 8))


def assemble(parts, consts=(), names=(), varnames=(), name='asm'):
    code = CodeType(0, len(varnames), 20, 0x43, ''.join(parts), (None,) + consts, names, varnames,
                    '<asm>', name, 1, '')
    return FunctionType(code, globals())


def ext(number, argument=0, prefix=0):
    return op(145, prefix) + op(number, argument)


print assemble([ext(9), op(100, 1), op(83)], ('NOP',))()
print assemble([ext(9, 0x5353, 0x5353), ext(9, 65535, 65535), op(100, 1), op(83)], ('large',))()
print assemble([op(100, 1), ext(83)], ('RETURN_VALUE',))()
print assemble([op(100, 1), op(100, 2), ext(23), ext(13), ext(4), ext(2), ext(1), ext(83)], (1, 2))()
print assemble([op(100, 1), ext(71), ext(72), op(100, 1), ext(83)], ('PRINT_ITEM',))()
print assemble([op(145, 1), op(145, 0), op(9, 0), op(100, 1), op(83)], ('chained',))()
for number in (0, 8, 14, 118, 200, 255):
    try:
        assemble([op(145, 7), op(number, 9), op(83)])()
    except SystemError, error:
        print number, error
