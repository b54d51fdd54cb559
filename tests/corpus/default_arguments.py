"""Defaults: evaluated once, mutable ones kept, lambdas as defaults, defaults in loops."""


def collect(item, into=[], make=lambda n: n * 2, count=len('four')):
    into.append(make(item))
    return into, count


print collect(1), collect(2), collect(3, []), collect(4, make=str)
adders = [lambda x, i=i: x + i for i in range(3)]
print [add(10) for add in adders]
print collect.func_defaults[0], collect.func_defaults[2]
collect.func_defaults = ([], abs, 9)
print collect(-5)


def outer(a, b=None):
    def inner(c=a, d=b or 'none'):
        return c, d
    return inner


print outer(1)(), outer(1, 2)(3), outer([])(d=4)
