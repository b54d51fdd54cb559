"""Operator methods, left, right and in place, with NotImplemented between two classes."""


def method(name):
    return lambda self, *args: (name,) + args if name != 'radd' else NotImplemented


class Ops(object):
    __add__, __mul__, __div__ = method('add'), method('mul'), method('div')
    __radd__, __rsub__, __rpow__ = method('radd'), method('rsub'), method('rpow')
    __iadd__, __ior__ = method('iadd'), method('ior')
    __mod__, __divmod__, __floordiv__ = method('mod'), method('divmod'), method('floordiv')
    __lshift__, __and__, __rxor__ = method('lshift'), method('and'), method('rxor')
    __call__, __getitem__ = method('call'), method('getitem')

    def __index__(self):
        return 2

    def __len__(self):
        return 7

    def __hash__(self):
        return 1

    def __enter__(self):
        return 'entered'

    def __exit__(self, *args):
        return True


o = Ops()
print o + 1, o * 2, o / 3, 5 - o, 2 ** o, o % 6, divmod(o, 7), o // 8, o << 9, o & 1, 4 ^ o
print o(1), o['k'], len(o), [1, 2, 3][o], 'abcd'[o:], hash(o), range(5)[:o]
a = b = o
a += 1
b |= 2
print a, b
try:
    1 + o
except TypeError:
    print 'unsupported'
with o as name:
    raise ValueError(name)
