"""Blocks left while values are on the stack: calls, loops and comprehensions inside try inside for."""


def fail(n):
    if n % 3 == 0:
        raise ValueError(n)
    return n


def deep(items):
    for a in items:
        for b in (a, a + 1):
            try:
                yield [fail(x) for x in (a, b)], {fail(a): fail(b)}, (a, fail(b), fail(a + b))
            except ValueError, e:
                for c in e.args:
                    try:
                        if c == 6:
                            break
                        yield 'failed on %d' % c
                        if c:
                            continue
                    finally:
                        yield 'cleaned %d' % c
                else:
                    yield 'loop else'


for line in deep([1, 2, 5]):
    print line
print [x for x in (fail(1), fail(2))] + list(fail(i) for i in (4, 5))
