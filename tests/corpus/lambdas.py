"""Lambdas: nested, immediate, recursive, in containers and as keys; map, filter, reduce, sorted."""
from _functools import reduce  # the builtin one imports functools at its first call

print (lambda: None)(), (lambda x, *y, **z: (x, y, z))(1, 2, k=3)
compose = lambda *fs: reduce(lambda f, g: lambda x: f(g(x)), fs)
print compose(str, lambda x: x + 1, lambda x: x * 2)(5)
print map(lambda x, y: (x, y), [1, 2], 'abc'), filter(lambda x: x % 2, range(6))
print sorted('bCaD', key=lambda c: c.lower()), max([3, 1, 2], key=lambda n: -n)
dispatch = {'add': lambda a, b: a + b, 'sub': lambda a, b: a - b}
for name in sorted(dispatch):
    print name, dispatch[name](5, 3)
y = lambda f: (lambda x: x(x))(lambda x: f(lambda *args: x(x)(*args)))
print y(lambda self: lambda n: 1 if n == 0 else n * self(n - 1))(10)
print (lambda: (yield))().next()
print filter(None, [0, 1, '']), map(None, 'ab', 'c'), reduce(lambda a, b: a, [], 'start')
