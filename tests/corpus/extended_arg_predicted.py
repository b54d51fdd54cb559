"""EXTENDED_ARG around the pairs that ceval.c predicts: before the first, before the second, before both."""
CodeType, FunctionType = type((lambda: 0).func_code), type(lambda: 0)


def op(number, argument=None):
    return chr(number) + ('' if argument is None else chr(argument & 255) + chr(argument >> 8))


def assemble(parts, consts=(), names=(), varnames=(), name='asm'):
    code = CodeType(0, len(varnames), 20, 0x43, ''.join(parts), (None,) + consts, names, varnames,
                    '<asm>', name, 1, '')
    return FunctionType(code, globals())

EXT = op(145, 0)


def compare(first, second):
    # COMPARE_OP ==, POP_JUMP_IF_FALSE to the last LOAD_CONST
    head = op(100, 1) + op(100, 1) + first + op(107, 2) + second
    return assemble([head, op(114, len(head) + 7), op(100, 2), op(83), op(100, 0), op(83)], (1, 'equal'))()


def loop(first, second, third):
    # GET_ITER, FOR_ITER, STORE_FAST, JUMP_ABSOLUTE
    head = op(100, 1) + first + (op(68, 0) if first else op(68))
    body = third + op(125, 0) + op(113, len(head))
    return assemble([head, second, op(93, len(body)), body, op(124, 0), op(83)], ('abc',), (), ('v',))()


def unpack(first, second):
    # FOR_ITER, UNPACK_SEQUENCE 2
    return assemble([op(100, 1), op(68), first, op(93, len(second) + 7), second, op(92, 2), op(102, 2), op(83),
                     op(83)], (((1, 2),),))()


for first in ('', EXT):
    for second in ('', EXT):
        print compare(first, second), loop(first, second, ''), loop(first, second, EXT), unpack(first, second)
