"""Exceptions and a buffer among the constants: their str is C code, and shows the arguments and the contents.

Ours only: no marshalled code can hold them, and the hook writes them as object.__repr__ does."""
CodeType, FunctionType = type((lambda: 0).func_code), type(lambda: 0)

CONSTS = (None, buffer('contents'), buffer('abc', 1), Exception('e', 1), KeyError('k'), ValueError(), IndexError('text'),
          IOError(2, 'none', 'file'), SyntaxError('bad', ('f', 1, 2, 'line')), UnicodeDecodeError('ascii', '\xff', 0, 1, 'why'))


def load(index):
    code = CodeType(0, 0, 1, 0x43, 'd' + chr(index) + '\0S', CONSTS, (), (), '<consts>', 'const', 1, '')
    return FunctionType(code, {})()


for i in range(len(CONSTS)):
    print i, type(load(i)).__name__, str(load(i))
