"""Every opcode that 2.7 does not define, reached: below 90 without, from 90 on with an operand."""
CodeType, FunctionType = type((lambda: 0).func_code), type(lambda: 0)


def op(number, argument=None):
    return chr(number) + ('' if argument is None else chr(argument & 255) + chr(argument >> 8))


def assemble(parts, consts=(), names=(), varnames=(), name='asm'):
    code = CodeType(0, len(varnames), 20, 0x43, ''.join(parts), (None,) + consts, names, varnames,
                    '<asm>', name, 1, '')
    return FunctionType(code, globals())

# written out, since importing `opcode` would be traced or not, as the tracer has imported it or not
DEFINED = [0, 1, 2, 3, 4, 5, 9, 10, 11, 12, 13, 15] + range(19, 34) + range(40, 44) + range(50, 69) + \
    range(70, 117) + [119, 120, 121, 122, 124, 125, 126] + range(130, 138) + range(140, 148)
unknown = [i for i in range(256) if i not in DEFINED]
messages = {}
for number in unknown + [118, 255]:
    try:
        assemble([op(9), op(number), op(9), op(9), op(83)], name='invalid%d' % number)()
    except SystemError, error:
        messages[str(error)] = messages.get(str(error), 0) + 1
print len(unknown), messages
