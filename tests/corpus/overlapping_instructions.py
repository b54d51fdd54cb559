"""Jumps into the operands of instructions: the same bytes are read in two ways, at offsets one apart."""
CodeType, FunctionType = type((lambda: 0).func_code), type(lambda: 0)


def op(number, argument=None):
    return chr(number) + ('' if argument is None else chr(argument & 255) + chr(argument >> 8))


def assemble(parts, consts=(), names=(), varnames=(), name='asm'):
    code = CodeType(0, len(varnames), 20, 0x43, ''.join(parts), (None,) + consts, names, varnames,
                    '<asm>', name, 1, '')
    return FunctionType(code, globals())

# 0 JUMP_FORWARD 1 / 3 LOAD_CONST with operand bytes 'd' 1 / ... : offset 4 is LOAD_CONST 1
hidden = assemble([op(110, 1), chr(100), op(100, 1), op(83)], ('hidden',))
print hidden()

# LOAD_CONST 0x5364 read from offset 0 would be out of range; offset 3 jumps back into it:
#   0 JUMP_ABSOLUTE 4   3 LOAD_CONST (d 1 0 S ...)
inside = assemble([op(113, 4), chr(100) + op(100, 1) + op(83)], ('read from the middle',))
print inside()

# first pass: 0 LOAD_FAST 0, 3 POP_JUMP_IF_TRUE 13, 6 LOAD_CONST 0x0964, ...: 7 is LOAD_CONST 9 -> jumps back
both = assemble([op(124, 0), op(115, 20), op(100, 1), op(125, 0), op(110, 1), op(100), op(100, 1), op(1), op(113, 0),
                 op(9)], (True,), (), ('seen',))
# the part at 20 returns
both.func_code = CodeType(0, 1, 5, 0x43, op(100, 2) + op(125, 0) + op(124, 0) + op(115, 21) + op(100, 1) + op(125, 0)
                          + op(113, 6) + op(100, 0x64) + op(3) + op(83), (None, True, False) + tuple(range(98)),
                          (), ('seen',), '<asm>', 'both', 1, '')
print both()

# NOPs made of operands: offsets 3, 4 and 5 are each an instruction once
sled = [assemble([op(113, target), chr(100) + chr(9) + chr(9), op(100, 1), op(83)], ('sled', ) + (0,) * 2400)
        for target in (3, 4, 5, 6)]
print [f() for f in sled]
