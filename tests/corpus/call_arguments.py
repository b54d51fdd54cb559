"""Positional, keyword, default, *args and **kwargs calls in every mixture, and the errors."""


def f(a, b=2, *rest, **named):
    return a, b, rest, sorted(named.items())


def plain(a, b):
    return a - b


more, extra = (7, 8, 9), {'x': 1, 'y': 2}
print f(1), f(1, 3), f(1, 3, 5, 6), f(a=1), f(b=1, a=2), f(1, z=4)
print f(*more), f(0, *more), f(**{'a': 1}), f(1, **extra), f(1, 2, *more, **extra)
print f(1, k=3, *more), f(1, k=3, **extra), f(1, 2, k=3, *more, **extra), f(*'ab')
print plain(b=1, a=5), plain(*[4, 3]), plain(1, **{'b': 9}), dict(a=1, **{'b': 2})
for bad in (lambda: f(), lambda: plain(1), lambda: plain(1, 2, 3), lambda: plain(1, a=2),
            lambda: plain(1, 2, c=3), lambda: f(*5), lambda: f(1, **5), lambda: f(1, x=1, **extra),
            lambda: len(1, 2), lambda: 5(), lambda: f(**{1: 2})):
    try:
        bad()
    except TypeError, error:
        print error
