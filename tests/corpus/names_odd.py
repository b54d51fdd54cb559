"""Names with newlines, braces, NUL, spaces, per cent signs, high bytes, or nothing: in co_names and co_varnames."""
CodeType, FunctionType = type((lambda: 0).func_code), type(lambda: 0)


def op(number, argument=None):
    return chr(number) + ('' if argument is None else chr(argument & 255) + chr(argument >> 8))


def assemble(parts, consts=(), names=(), varnames=(), name='asm'):
    code = CodeType(0, len(varnames), 20, 0x43, ''.join(parts), (None,) + consts, names, varnames,
                    '<asm>', name, 1, '')
    return FunctionType(code, globals())

ODD = ('', 'a\nb', 'c\r\nd', '{}', '{0}', '%s', '%(x)s', 'nul\0nul', ' ', 'two words', '\xff\xfe', '\xc3\xa9',
       'x> 0 LOAD_CONST (1)', ')', 'long' * 500, '"', "'", '\\', '\x1b[0m', 'None', '1', 'class')


def names(i):
    # STORE_GLOBAL, LOAD_GLOBAL, DELETE_GLOBAL of the name, RETURN_VALUE of what was loaded
    return assemble([op(100, 1), op(97, i), op(116, i), op(98, i), op(83)], ('value',), ODD)()


def locals_(i):
    # STORE_FAST, LOAD_FAST, DELETE_FAST
    return assemble([op(100, 1), op(125, i), op(124, i), op(126, i), op(83)], ('value',), (), ODD)()


def attributes(i, box):
    # STORE_ATTR, LOAD_ATTR, DELETE_ATTR on the constant
    return assemble([op(100, 2), op(100, 1), op(95, i), op(100, 1), op(106, i), op(100, 1), op(96, i), op(83)],
                    (box, 'value'), ODD)()


class Box:
    pass


for i in range(len(ODD)):
    print names(i), locals_(i), attributes(i, Box)
print [n for n in ODD if n in globals()]
try:
    assemble([op(116, 0), op(83)], (), ('not\nthere',))()
except NameError, error:
    print error
