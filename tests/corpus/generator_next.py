"""Generators: next, for, return inside, StopIteration, list(), an exception raised within."""


def count(n):
    i = 0
    while True:
        if i == n:
            return
        yield i
        i += 1


def fails(n):
    yield n
    raise ValueError(n)


g = count(2)
print g.next(), next(g), next(g, 'default'), list(count(3)), list(count(0))
try:
    g.next()
except StopIteration:
    print 'stopped'
g = fails(7)
try:
    for x in g:
        print x
except ValueError, error:
    print 'raised', error
print list(g), g.gi_frame, count(1).gi_running


def empty():
    if False:
        yield


print list(empty()), sum(count(5)), dict(zip(count(2), 'ab'))
