"""One LOAD_CONST reached through its EXTENDED_ARG and by a jump past it: two operands at one offset."""
CodeType, FunctionType = type((lambda: 0).func_code), type(lambda: 0)


def op(number, argument=None):
    return chr(number) + ('' if argument is None else chr(argument & 255) + chr(argument >> 8))


def assemble(parts, consts=(), names=(), varnames=(), name='asm'):
    code = CodeType(0, len(varnames), 20, 0x43, ''.join(parts), (None,) + consts, names, varnames,
                    '<asm>', name, 1, '')
    return FunctionType(code, globals())

consts = ('low',) + (0,) * 65535 + ('high', True)
# 0 LOAD_CONST None, STORE_FAST; 6 EXTENDED_ARG 1; 9 LOAD_CONST 1 -> high; then once more from 9 -> low
f = assemble([op(100, 0), op(125, 0),
              op(145, 1), op(100, 1),
              op(124, 0), op(115, 27), op(100, 1), op(125, 0), op(113, 9),
              op(102, 2), op(83)], consts, (), ('seen',))
print f()
print f()
