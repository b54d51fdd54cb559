"""A chain of objects that is longer than CPython frees at once: the rest dies when the next container is freed.

Ours only: the oracle's trace function frees tuples and frames of its own, and has the rest die there, too early and untraced."""


class Link(object):
    def __init__(self, rest, number):
        self.rest, self.number = rest, number

    def __del__(self):
        print self.number,


def make(length):
    chain = None
    for number in range(length):
        chain = Link(chain, number)
    return chain


def empty():
    pass

chain = make(60)
chain = None
print 'dropped'
number = 1
print 'no container was freed'
empty()
print 'a frame was freed'
chain = [make(30)]
chain = None
print 'held by a list, all die'
make(30)
print 'dropped by the stack'
numbers = [1]
numbers = None
print 'a list was freed'
