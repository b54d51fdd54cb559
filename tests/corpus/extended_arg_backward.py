"""EXTENDED_ARG 65535 makes a relative operand negative: JUMP_FORWARD goes back; blocks with such handlers are
harmless while nothing reaches them."""
CodeType, FunctionType = type((lambda: 0).func_code), type(lambda: 0)


def op(number, argument=None):
    return chr(number) + ('' if argument is None else chr(argument & 255) + chr(argument >> 8))


def assemble(parts, consts=(), names=(), varnames=(), name='asm'):
    code = CodeType(0, len(varnames), 20, 0x43, ''.join(parts), (None,) + consts, names, varnames,
                    '<asm>', name, 1, '')
    return FunctionType(code, globals())


def ext(number, argument):
    # a negative 32-bit operand as EXTENDED_ARG and opcode
    return op(145, argument >> 16 & 0xffff) + op(number, argument & 0xffff)


# 0 JUMP_ABSOLUTE 7; 3 LOAD_CONST; 6 RETURN_VALUE; 7 EXTENDED_ARG; 10 JUMP_FORWARD -10: to 13 - 10
print assemble([op(113, 7), op(100, 1), op(83), ext(110, -10)], ('backwards',))()
# the same with a two-link chain whose first link is pushed out
print assemble([op(113, 7), op(100, 1), op(83), op(145, 0x1234), ext(110, -13)], ('chained backwards',))()
# a loop that counts down: FOR_ITER over an iterator, JUMP_FORWARD back to it
print assemble([op(100, 1), op(68), op(93, 7), op(1), ext(110, -10), op(100, 2), op(83)], ('abc', 'exhausted'))()
# SETUP_LOOP with a handler before the code, popped again
print assemble([ext(120, -1), op(87), op(100, 1), op(83)], ('popped',))()
