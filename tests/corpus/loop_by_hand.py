"""Hand-made control flow: backward conditional jumps, a loop without blocks, two loops that share an end."""
CodeType, FunctionType = type((lambda: 0).func_code), type(lambda: 0)


def op(number, argument=None):
    return chr(number) + ('' if argument is None else chr(argument & 255) + chr(argument >> 8))


def assemble(parts, consts=(), names=(), varnames=(), name='asm'):
    code = CodeType(0, len(varnames), 20, 0x43, ''.join(parts), (None,) + consts, names, varnames,
                    '<asm>', name, 1, '')
    return FunctionType(code, globals())

# n = 5; total = 0; while n: total += n; n -= 1; return total -- with one JUMP_ABSOLUTE and no block
print assemble([op(100, 1), op(125, 0), op(100, 2), op(125, 1),
                op(124, 0), op(114, 42), op(124, 1), op(124, 0), op(23), op(125, 1),
                op(124, 0), op(100, 3), op(24), op(125, 0), op(113, 12),
                op(9), op(124, 1), op(83)],
               (5, 0, 1), (), ('n', 'total'))()

# do: n -= 1 while n, by a backward POP_JUMP_IF_TRUE
print assemble([op(100, 1), op(125, 0), op(124, 0), op(100, 2), op(24), op(4), op(125, 0), op(115, 6),
                op(124, 0), op(83)], (4, 1), (), ('n',))()

# SETUP_LOOP, BREAK_LOOP straight away; the block's end is an instruction in the middle of nowhere
print assemble([op(120, 5), op(80), op(100, 1), op(83), op(100, 2), op(83)], ('skipped', 'broken out'))()

# a spaghetti of forward and absolute jumps
print assemble([op(113, 9), op(100, 2), op(110, 6), op(100, 1), op(113, 3), op(102, 2), op(83)],
               ('first', 'second'))()
