"""generator.send: values in and out, send before the start, yield as an expression everywhere."""


def accumulate():
    total = 0
    while True:
        value = yield total
        if value is None:
            break
        total += value
    yield 'final %d' % total


def echo():
    print 'got', (yield 1), (yield 2)
    x = [(yield 3), (yield 4)]
    yield x


def run(g, values):
    return [g.send(v) for v in values]


print run(accumulate(), [None, 1, 2, 3, None])
print run(echo(), [None, 'a', 'b', 'c', 'd'])
try:
    accumulate().send(1)
except TypeError, error:
    print error
g = echo()
try:
    run(g, [None, 1, 2, 3, 4, 5])
except StopIteration:
    print 'exhausted'


def reentrant():
    yield me.next()


me = reentrant()
try:
    me.next()
except ValueError, error:
    print error
