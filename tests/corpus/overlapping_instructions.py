"""Jumps into the operands of instructions: the same bytes are read in two ways, at offsets one apart."""
CodeType, FunctionType = type((lambda: 0).func_code), type(lambda: 0)


def op(number, argument=None):
    return chr(number) + ('' if argument is None else chr(argument & 255) + chr(argument >> 8))


def assemble(parts, consts=(), names=(), varnames=(), name='asm'):
    code = CodeType(0, len(varnames), 20, 0x43, ''.join(parts), (None,) + consts, names, varnames,
                    '<asm>', name, 1, '')
    return FunctionType(code, globals())

# the junk byte at 3 would swallow the LOAD_CONST at 4; the jump steps over it
hidden = assemble([op(110, 1), chr(100), op(100, 1), op(83)], ('hidden',))
print hidden()

# NOPs made of operands: 3 is LOAD_CONST 0x0909, its operand bytes at 4 and 5 are NOPs
CONSTS = ('sled',) + tuple(range(2400))
for target in (3, 4, 5, 6):
    print assemble([op(113, target), op(100, 0x0909), op(100, 1), op(83)], CONSTS)(),
print

# one run executes the bytes from 6 on twice: as LOAD_CONST 0x0164, NOP, and from 7 as LOAD_CONST 0x0901
print assemble([op(100, 0), op(125, 0),
                chr(100) + chr(100) + chr(1), op(9),
                op(124, 0), op(115, 25), op(100, 1), op(125, 0), op(113, 7),
                op(102, 2), op(83)], CONSTS, (), ('seen',))()
