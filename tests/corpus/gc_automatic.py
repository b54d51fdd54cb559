"""Cycles freed by the automatic collector: weak reference callbacks run wherever the allocation counts say."""
import _weakref
import gc

freed = []


class Node(object):
    pass


def cycle(i):
    a, b = Node(), Node()
    a.other, b.other = b, a
    return _weakref.ref(a, lambda ref: freed.append(i))


gc.collect()  # the counts start at nought, whatever was allocated before
refs = [cycle(i) for i in range(2000)]
print len(freed) > 1000
