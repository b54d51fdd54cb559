"""__del__, weak reference callbacks and generators' finally blocks at the exact instruction that drops a local."""
import _weakref


class Noisy(object):
    def __init__(self, name):
        self.name = name

    def __del__(self):
        print 'del', self.name


def guarded():
    try:
        yield 1
    finally:
        print 'finally'


def locals_():
    a = Noisy('a')
    b = Noisy('b')
    del a
    b = Noisy('b2')
    r = _weakref.ref(b, lambda ref: len('callback'))
    b = None
    g = guarded()
    g.next()
    g = 5
    for c in (Noisy(i) for i in range(3)):
        pass
    return 'end of function'


def arguments(x, y=None):
    x = None
    print 'x is gone'


print locals_()
arguments(Noisy('argument'))
