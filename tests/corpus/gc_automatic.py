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


held = [([], {}) for _ in range(200)]  # empties the supplies of freed lists and dicts, which starting up fills
gc.collect()  # and the counts start at nought
refs = [cycle(i) for i in range(2000)]
print len(freed) > 1000
