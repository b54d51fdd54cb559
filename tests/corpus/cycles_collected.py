"""gc.collect breaks cycles; weak reference callbacks run inside it; automatic collection is off."""
import gc
import _weakref

gc.disable()


class Node(object):
    pass


def ring(n, label):
    nodes = [Node() for _ in range(n)]
    for i, node in enumerate(nodes):
        node.next = nodes[(i + 1) % n]
    return _weakref.ref(nodes[0], lambda ref: log.append(label))


log = []
refs = [ring(1, 'one'), ring(3, 'three')]
print [r() is None for r in refs], log
gc.collect()
print [r() is None for r in refs], sorted(log)


class Finalized(Node):
    def __del__(self):
        log.append('del')


f = Finalized()
f.me = f
del f
gc.collect()
print len(gc.garbage), type(gc.garbage[0]).__name__
gc.garbage.pop().me = None
print log[-1]
