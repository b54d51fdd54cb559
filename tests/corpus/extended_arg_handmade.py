"""EXTENDED_ARG of 0 before every kind of operand: constants, names, locals, jumps, comparisons, calls, blocks."""
CodeType, FunctionType = type((lambda: 0).func_code), type(lambda: 0)


def op(number, argument=None):
    return chr(number) + ('' if argument is None else chr(argument & 255) + chr(argument >> 8))


def assemble(parts, consts=(), names=(), varnames=(), name='asm'):
    code = CodeType(0, len(varnames), 20, 0x43, ''.join(parts), (None,) + consts, names, varnames,
                    '<asm>', name, 1, '')
    return FunctionType(code, globals())

EXT = op(145, 0)
print assemble([EXT, op(100, 1), op(83)], ('LOAD_CONST',))()
print assemble([EXT, op(113, 7), op(9), EXT, op(100, 1), op(83)], ('JUMP_ABSOLUTE',))()
print assemble([EXT, op(110, 4), op(100, 0), op(83), op(100, 1), op(83)], ('JUMP_FORWARD',))()
print assemble([EXT, op(100, 1), EXT, op(125, 0), EXT, op(124, 0), EXT, op(126, 0), op(83)], ('fast',), (), ('v',))()
print assemble([op(100, 1), op(100, 1), EXT, op(107, 2), EXT, op(114, 23), op(100, 2), op(83), op(9), op(9),
                op(100, 0), op(83)], (4, 'COMPARE_OP'))()
print assemble([op(116, 0), op(100, 1), EXT, op(131, 1), op(83)], ('four',), ('len',))()
print assemble([op(100, 1), EXT, op(106, 0), op(83)], (7,), ('real',))()
print assemble([op(100, 1), op(68), EXT, op(93, 1), op(83), op(100, 2), op(83)], ('first', 'empty'))()
print assemble([EXT, op(120, 5), op(80), op(100, 0), op(83), op(100, 1), op(83)], ('SETUP_LOOP',))()
print assemble([EXT, op(100, 1), EXT, op(92, 2), EXT, op(103, 2), op(83)], ('ab',))()
print assemble([op(100, 1), op(100, 2), EXT, op(99, 2), EXT, op(102, 4), op(83)], (1, 2))()
print assemble([op(100, 1), op(100, 1), EXT, op(133, 2), op(83)], (3,))()
try:
    assemble([op(116, 0), EXT, op(130, 1)], (), ('KeyError',))()
except KeyError:
    print 'RAISE_VARARGS'
