"""co_name empty, with newlines, braces, spaces, NUL, high bytes, very long, or looking like a trace line."""
CodeType, FunctionType = type((lambda: 0).func_code), type(lambda: 0)


def op(number, argument=None):
    return chr(number) + ('' if argument is None else chr(argument & 255) + chr(argument >> 8))


def assemble(parts, consts=(), names=(), varnames=(), name='asm'):
    code = CodeType(0, len(varnames), 20, 0x43, ''.join(parts), (None,) + consts, names, varnames,
                    '<asm>', name, 1, '')
    return FunctionType(code, globals())

for name in ('', '\n', 'a\nb', 'a\r', '{}', '%d', ' ', 'nul\0', '\xff', '\xc3\xa9', '> ', 'f> 0 NOP', '<module>',
             '0', 'x' * 3000, '\x1b[1m', '\t', 'name with spaces', '"quoted"', '-', '--', '-r', '>', '\\n'):
    print repr(assemble([op(9), op(100, 1), op(83)], (len(name),), name=name)()),
print


def inner(n):
    return n * 2


CODE = inner.func_code
for name in ('<lambda>', 'inner', 'a>b', 'work\n> 3'):
    inner.func_code = CodeType(1, 1, CODE.co_stacksize, CODE.co_flags, CODE.co_code, CODE.co_consts,
                               CODE.co_names, CODE.co_varnames, 'odd\nfile', name, -5, '\xff' * 7)
    print inner(4), inner.func_code.co_name == name
