"""Recursion hundreds of frames deep, and towers of small methods. The size is the number of rounds."""
import sys


def depth(n):
    return n and 1 + depth(n - 1)


def is_even(n):
    return True if n == 0 else is_odd(n - 1)


def is_odd(n):
    return False if n == 0 else is_even(n - 1)


def ackermann(m, n):
    if m == 0:
        return n + 1
    if n == 0:
        return ackermann(m - 1, 1)
    return ackermann(m - 1, ackermann(m, n - 1))


class Leaf(object):
    def __init__(self, value):
        self.value = value

    def accept(self, visitor):
        return visitor.leaf(self)


class Fork(object):
    def __init__(self, left, right):
        self.left = left
        self.right = right

    def accept(self, visitor):
        return visitor.fork(self)


class Adder(object):
    def leaf(self, node):
        return node.value

    def fork(self, node):
        return node.left.accept(self) + node.right.accept(self)


class Layer(object):
    """Passes a call on to the layer below, through a property and keyword arguments."""

    def __init__(self, below):
        self._below = below

    @property
    def below(self):
        return self._below

    def ask(self, *arguments, **options):
        below = self.below
        if below is None:
            return len(arguments) + len(options)
        return below.ask(*arguments, **options)


def tree(n):
    return Leaf(n) if n < 1 else Fork(tree(n - 1), tree(n - 2))


def walk(n):
    """A generator for each level."""
    if n:
        for i in walk(n - 1):
            yield i
    yield n


forest, adder = tree(10), Adder()
tower = None
for _ in xrange(60):
    tower = Layer(tower)

total = 0
for _ in xrange(int(sys.argv[1])):
    total += depth(700) + is_even(501) + ackermann(2, 5)
    total += forest.accept(adder)
    total += tower.ask(1, 2, three=3)
    total += sum(walk(40))
print total
