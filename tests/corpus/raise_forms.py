"""Every form of raise: class, instance, two and three parts, bare; what cannot be raised."""
import sys


def attempt(f, *args):
    try:
        f(*args)
    except Exception, error:
        print type(error).__name__, error.args
        return sys.exc_info()[2]


def two(kind, value):
    raise kind, value


def one(value):
    raise value


def three(tb):
    raise KeyError, 'with traceback', tb


def bare():
    try:
        one(ValueError('again'))
    except ValueError:
        raise


def nothing():
    raise


class Custom(Exception):
    def __init__(self, a, b=2):
        self.args = (a, b)


attempt(two, ValueError, None)
attempt(two, ValueError, 'text')
attempt(two, ValueError, (1, 2))
attempt(two, ValueError, KeyError('k'))
attempt(two, KeyError('instance'), 'value')
attempt(one, Custom(1))
attempt(two, Custom, (1, 5))
attempt(one, 'string')
attempt(one, 5)
attempt(one, (KeyError, 'first of tuple'))
tb = attempt(bare)
attempt(three, tb)
attempt(three, 'not a traceback')
sys.exc_clear()
attempt(nothing)
