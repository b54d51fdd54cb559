"""A generator whose YIELD_VALUE has a prefix goes on in the prefix: one byte behind where the instruction began."""
CodeType, FunctionType = type((lambda: 0).func_code), type(lambda: 0)


def op(number, argument=None):
    return chr(number) + ('' if argument is None else chr(argument & 255) + chr(argument >> 8))


def generator(parts, consts):
    code = CodeType(0, 1, 20, 0x63, ''.join(parts), (None,) + consts, (), ('v',), '<asm>', 'asm', 1, '')
    return FunctionType(code, globals())()


def drive(g):
    print g.next(),
    try:
        while True:
            print g.send('sent'),
    except StopIteration:
        print 'end'

# EXTENDED_ARG 0x0909, YIELD_VALUE 0x0909: resumed at the first 9, a NOP, it yields what was sent
drive(generator([op(100, 1), op(145, 0x0909), op(86, 0x0909), op(1), op(100, 0), op(83)], ('first',)))
# the prefix hides POP_TOP, LOAD_CONST; its constant is YIELD_VALUE's number and the byte behind
sent = tuple('constant %d' % i for i in range(90))
drive(generator([op(100, 1), op(145, 0x6401), op(86, 0x0100), op(100, 0), op(83)], sent))
# in a try block: what is thrown in is caught as ever
g = generator([op(121, 15), op(100, 1), op(145, 0x0909), op(86, 0x0909), op(87), op(100, 2), op(83), op(9),
               op(1), op(1), op(1), op(100, 3), op(86), op(1), op(100, 0), op(83)], ('try', 'never', 'caught'))
print g.next(), g.throw(KeyError)
