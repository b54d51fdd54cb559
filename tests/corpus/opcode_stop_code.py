"""STOP_CODE reached: SystemError, `unknown opcode`, caught; ceval writes its XXX line on stderr."""
CodeType, FunctionType = type((lambda: 0).func_code), type(lambda: 0)


def op(number, argument=None):
    return chr(number) + ('' if argument is None else chr(argument & 255) + chr(argument >> 8))


def assemble(parts, consts=(), names=(), varnames=(), name='asm'):
    code = CodeType(0, len(varnames), 20, 0x43, ''.join(parts), (None,) + consts, names, varnames,
                    '<asm>', name, 1, '')
    return FunctionType(code, globals())

for parts in ([op(0), op(83)], [op(100, 0), op(1), op(0), op(100, 0), op(83)], [op(110, 1), op(9), op(0), op(0)]):
    try:
        assemble(parts)()
    except SystemError, error:
        print error
# SETUP_EXCEPT, STOP_CODE; the handler drops the three items of the exception and returns
print assemble([op(121, 1), op(0), op(1), op(1), op(1), op(100, 1), op(83)], ('handled inside',))()
