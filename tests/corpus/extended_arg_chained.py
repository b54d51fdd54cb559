"""Two, three and many EXTENDED_ARG in a row: only the lowest 32 bits of the operand survive."""
CodeType, FunctionType = type((lambda: 0).func_code), type(lambda: 0)


def op(number, argument=None):
    return chr(number) + ('' if argument is None else chr(argument & 255) + chr(argument >> 8))


def assemble(parts, consts=(), names=(), varnames=(), name='asm'):
    code = CodeType(0, len(varnames), 20, 0x43, ''.join(parts), (None,) + consts, names, varnames,
                    '<asm>', name, 1, '')
    return FunctionType(code, globals())

EXT = 145
consts = ('one',) + tuple(range(65536)) + ('high',)


def load(*prefixes):
    return assemble([op(EXT, p) for p in prefixes] + [op(100, 1), op(83)], consts)()


print load(), load(0), load(0, 0), load(0, 0, 0, 0, 0), load(1), load(7, 0), load(65535, 1), load(9, 8, 7, 1)
print load(*[0] * 50)
# each before a different opcode: jumps, calls, names, tuples
print assemble([op(EXT, 3), op(EXT, 0), op(110, 4), op(100, 0), op(83), op(100, 1), op(83)], ('jumped',))()
print assemble([op(EXT, 0), op(116, 0), op(EXT, 0), op(EXT, 0), op(100, 1), op(EXT, 0), op(131, 1), op(83)],
               ('abc',), ('len',))()
print assemble([op(100, 1), op(100, 1), op(EXT, 1), op(EXT, 0), op(102, 2), op(83)], ('pair',))()
