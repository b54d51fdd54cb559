"""sys.exc_info across calls, generators and nested handlers; exc_clear; the old sys.exc_type."""
import sys


def current():
    return sys.exc_info()[0] and sys.exc_info()[0].__name__


def inner():
    try:
        raise KeyError
    except KeyError:
        return current()


def generate():
    yield current()
    try:
        raise IndexError
    except IndexError:
        yield current()
    yield current()


print current()
try:
    raise ValueError
except ValueError:
    print current(), inner(), current(), list(generate())
    try:
        raise TypeError
    except TypeError:
        print current()
    print current()
print current(), sys.exc_type.__name__
sys.exc_clear()
print current()


def function():
    try:
        raise OSError
    except OSError:
        pass
    return current()


print function(), current()
