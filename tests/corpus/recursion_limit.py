"""Recursion to the limit: RuntimeError caught at the bottom, at several limits, also through C code."""
import sys


def plain(n):
    return plain(n + 1)


def through_c(n):
    return map(through_c, [n + 1])


def generator(n):
    for item in generator(n + 1):
        yield item


def cleaning(n, log):
    try:
        return cleaning(n + 1, log)
    finally:
        log.append(n)


class Endless(object):
    def __getattr__(self, name):
        return getattr(self, name + 'x')


log = []
for limit in (60, 200):
    sys.setrecursionlimit(limit)
    for f in (lambda: plain(0), lambda: through_c(0), lambda: list(generator(0)), lambda: cleaning(0, log),
              lambda: Endless().a):
        try:
            f()
        except RuntimeError, error:
            print str(error).split(' while')[0]
print len(log) > 50, log.count(3)
