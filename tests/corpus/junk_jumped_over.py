"""Junk behind jumps: invalid opcodes, operands out of range, cut-off instructions, never executed."""
CodeType, FunctionType = type((lambda: 0).func_code), type(lambda: 0)


def op(number, argument=None):
    return chr(number) + ('' if argument is None else chr(argument & 255) + chr(argument >> 8))


def assemble(parts, consts=(), names=(), varnames=(), name='asm'):
    code = CodeType(0, len(varnames), 20, 0x43, ''.join(parts), (None,) + consts, names, varnames,
                    '<asm>', name, 1, '')
    return FunctionType(code, globals())

JUNK = [op(255, 65535), op(100, 60000), op(116, 40000), op(124, 777), op(107, 99), op(99, 9), op(0), op(145, 65535),
        op(140, 65535), op(113, 65000), op(137, 5), chr(100)]
for i in range(len(JUNK)):
    junk = ''.join(JUNK[i:])
    # JUMP_FORWARD over it; LOAD_CONST; POP_JUMP_IF_TRUE over it
    head = op(110, len(junk)) + junk + op(100, 1)
    print assemble([head, op(115, len(head) + 3 + len(junk)), junk, op(100, 2), op(83), junk], ('yes', i))(),
print


def opaque(n):
    # what the predicate x * (x + 1) % 2 hides
    body = ''.join(JUNK)
    test = op(124, 0) + op(124, 0) + op(100, 1) + op(23) + op(20) + op(100, 2) + op(22)
    return assemble([op(100, 3), op(125, 0), test, op(115, len(test) + 13), op(110, len(body)), body,
                     op(124, 0), op(83)], (1, 2, n), (), ('x',))()


print [opaque(n) for n in range(4)]
try:
    assemble([op(121, 4), op(116, 0), op(9), ''.join(JUNK)], (), ('no_such_name',))()
except SystemError, error:
    print error
