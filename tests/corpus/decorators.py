"""Decorators with and without arguments, stacked, on functions, methods and classes."""


def traced(f):
    def wrapper(*args, **kwargs):
        print 'call', f.__name__, args, sorted(kwargs)
        return f(*args, **kwargs)
    wrapper.__name__ = 'traced_' + f.__name__
    return wrapper


def repeat(n):
    def decorate(f):
        return lambda *args: [f(*args) for _ in range(n)]
    return decorate


def register(cls):
    cls.registered = True
    return cls


@traced
@repeat(2)
def double(x):
    return x * 2


@register
class Shape(object):
    @staticmethod
    def unit(side=1):
        return side

    @classmethod
    @traced
    def name(cls):
        return cls.__name__

    @property
    def area(self):
        return 4


print double(4), Shape.unit(), Shape().unit(2), Shape.name(), Shape().area, Shape.registered
