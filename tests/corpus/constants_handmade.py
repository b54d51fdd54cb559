"""Constants that no compiler makes but code objects can hold: frozenset, set, dict, list, types, -0.0, nan."""
CodeType, FunctionType = type((lambda: 0).func_code), type(lambda: 0)

CONSTS = (None, frozenset([1, 2, 3]), frozenset(), set([5]), {'k': [1]}, [1, [2]], StopIteration,
          Ellipsis, NotImplemented, int, len, -0.0, float('nan'), float('-inf'), complex(-0.0, -0.0),
          complex(0, float('nan')), True, slice(1, 2), xrange(5), bytearray('ab'), -3, (0.1, -0.0),
          'string', u'unicode', 2 ** 100, type(None), type, ((), [], {}))


def load(index):
    code = CodeType(0, 0, 1, 0x43, 'd' + chr(index) + '\0S', CONSTS, (), (), '<consts>', 'const', 1, '')
    return FunctionType(code, {})()


for i in range(len(CONSTS)):
    print i, type(load(i)).__name__, load(i) is CONSTS[i]
