"""Old-style classes: instances, inheritance depth first, __getattr__, coercion, class and instance methods."""


class A:
    x = 'A'

    def __init__(self, n=1):
        self.n = n

    def hello(self):
        return 'hello from', self.x, self.n


class B(A):
    pass


class C(A):
    x = 'C'

    def __getattr__(self, name):
        if name[:2] == '__':
            raise AttributeError(name)
        return 'made up ' + name

    def __coerce__(self, other):
        return self.n, other

    def __cmp__(self, other):
        return cmp(self.n, other)


class D(B, C):
    pass


d = D(5)
print d.hello(), d.x, d.anything, A.hello(d), D.__bases__[0] is B
print C(3) + 4, 10 - C(3), C(3) * C(4), C(3) < 5, type(d).__name__, d.__class__.__name__
d.__class__ = B
try:
    print d.anything
except AttributeError, error:
    print error
try:
    A.hello()
except TypeError, error:
    print error
