"""Opcodes that the compiler makes seldom or never: NOP, ROT_FOUR, DUP_TOPX, END_FINALLY on None, odd stack work."""
CodeType, FunctionType = type((lambda: 0).func_code), type(lambda: 0)


def op(number, argument=None):
    return chr(number) + ('' if argument is None else chr(argument & 255) + chr(argument >> 8))


def assemble(parts, consts=(), names=(), varnames=(), name='asm'):
    code = CodeType(0, len(varnames), 20, 0x43, ''.join(parts), (None,) + consts, names, varnames,
                    '<asm>', name, 1, '')
    return FunctionType(code, globals())


def show(*args, **kwargs):
    print assemble(*args, **kwargs)()


one_to_four = [op(100, i) for i in (1, 2, 3, 4)]
show([op(9), op(9), op(100, 1), op(9), op(83)], (1,))
show(one_to_four + [op(5), op(102, 4), op(83)], (1, 2, 3, 4))
show(one_to_four + [op(3), op(2), op(4), op(102, 5), op(83)], (1, 2, 3, 4))
show(one_to_four + [op(99, 3), op(102, 7), op(83)], (1, 2, 3, 4))
show(one_to_four + [op(99, 2), op(102, 6), op(83)], (1, 2, 3, 4))
show([op(100, 0), op(88), op(100, 1), op(83)], ('END_FINALLY of None does nothing',))
show([op(113, 7), op(100, 1), op(83), op(110, 0), op(113, 3)], ('jumped twice',))
show([op(120, 6), op(100, 1), op(83), op(9), op(9)], ('return leaves a block open',))
show([op(105, 0), op(100, 2), op(100, 1), op(54), op(100, 1), op(106, 0), op(1), op(83)], (5, 'five'), ('real',))
show([op(100, 1), op(68), op(93, 1), op(83), op(100, 2), op(83)], ('abc', 'empty'))
show([op(100, 1), op(68), op(93, 1), op(83), op(100, 2), op(83)], ('', 'empty'))
show([op(100, 1), op(92, 2), op(104, 2), op(83)], ((6, 7),))
show([op(122, 4), op(100, 1), op(83), op(100, 2), op(83)], ('try', 'finally wins'))
show([op(100, 1), op(86), op(100, 2), op(83)], ('YIELD_VALUE in a plain function', 'never'))
show([op(72), op(100, 1), op(71), op(72), op(100, 2), op(70), op(100, 0), op(83)],
     ('PRINT_ITEM', 'PRINT_EXPR'))
