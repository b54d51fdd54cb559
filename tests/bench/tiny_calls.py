"""The worst for what records calls: the smallest functions, called in tight loops, from Python and
from C. The size is the number of rounds."""
import sys


def nothing():
    pass


def same(x):
    return x


class Small(object):
    __slots__ = ('value',)

    def __init__(self, value):
        self.value = value

    def get(self):
        return self.value

    def __add__(self, other):
        return other

    def __cmp__(self, other):
        return 0

    def __getitem__(self, at):
        return at

    twice = property(lambda self: self.value)


def numbers():
    while True:
        yield 1


small, tick = Small(1), numbers().next
hundred = range(100)
total = 0
for _ in xrange(int(sys.argv[1])):
    for i in hundred:
        nothing()
        nothing()
        total += same(i)
        same(same(i))
        small.get()
        small + i
        small[i]
        small.twice
        small == i
        tick()
        Small(i)
    total += sum(map(same, hundred))
    total += sum(map(lambda x: x, hundred))
    hundred.sort(key=same)
    hundred.sort(cmp=lambda x, y: x - y)
    total += reduce(lambda x, y: y, hundred)
print total
