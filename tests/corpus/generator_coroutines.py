"""A trampoline of generators that send to one another; a generator driven from several frames."""


def producer(n):
    for i in range(n):
        reply = yield 'item', i
        if reply:
            print 'reply', reply


def consumer():
    seen = []
    while True:
        message = yield len(seen)
        if message is None:
            break
        seen.append(message)
    yield seen


def trampoline(p, c):
    c.next()
    message = p.next()
    try:
        while True:
            size = c.send(message)
            message = p.send('ok %d' % size if size % 2 else None)
    except StopIteration:
        return c.send(None)


print trampoline(producer(4), consumer())


def take(g):
    return g.next()


shared = producer(5)
print take(shared), shared.next(), [take(shared)], (lambda: shared.send('hi'))()
