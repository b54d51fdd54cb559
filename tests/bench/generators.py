"""Generators in chains, and exceptions that cross them. The size is the number of rounds."""
import sys


def numbers(limit):
    for i in xrange(limit):
        yield i


def odd(source):
    for i in source:
        if i % 2:
            yield i


def pairs(source):
    last = None
    for i in source:
        if last is not None:
            yield last, i
        last = i


def fails(n):
    try:
        if n % 3 == 0:
            raise ValueError(n)
        return n
    finally:
        n = None


for _ in xrange(int(sys.argv[1])):
    total = sum(a * b for a, b in pairs(odd(numbers(600))))
    for n in xrange(300):
        try:
            fails(n)
        except ValueError, error:
            total += error.args[0]
print total
