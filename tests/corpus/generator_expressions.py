"""Generator expressions: nested, chained, with conditions, over closures, first iterable at once."""


def pipeline(n):
    a = (i for i in xrange(n))
    b = (i * i for i in a if i % 2)
    c = ((i, j) for i in b for j in 'xy' if i > 1)
    return list(c)


def late():
    n = 1
    g = (n + i for i in range(2))
    n = 10
    return list(g)


print pipeline(6), late()
print list(list(j for j in range(i)) for i in range(3))
print any(x > 2 for x in [1, 3]), all(x > 2 for x in [3, 1, None])
try:
    (x for x in undefined_name)
except NameError, error:
    print error
g = (1 / x for x in [1, 0, 2])
print g.next()
try:
    g.next()
except ZeroDivisionError, error:
    print error, list(g)
print ','.join(c for c in 'abc'), sum((yes for yes in (True, False)), 5)
