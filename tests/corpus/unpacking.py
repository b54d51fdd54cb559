"""Unpacking of tuples, lists, strings, iterators, nested targets; too few, too many; swaps."""


def swap(a, b, c):
    a, b = b, a
    a, b, c = c, a, b
    a, b, c, d = 1, c, b, a
    return a, b, c, d


class Pairs(object):
    def __getitem__(self, i):
        if i > 2:
            raise IndexError(i)
        return i * i


print swap(1, 2, 3)
a, (b, [c, d]), e = 1, ('x', (2, 3)), 'e'
print a, b, c, d, e
[p, q] = 'pq'
x, y, z = Pairs()
first, second = (n for n in (8, 9))
i = k = [0]
k[0], i = 5, k
for bad in ((1, 2), (1, 2, 3, 4), 7, iter('abcd')):
    try:
        x, y, z = bad
    except (ValueError, TypeError), error:
        print error
for n, (m, o) in [(1, (2, 3)), (4, 'ab')]:
    print n, m, o
print p, q, x, y, z, first, second, i, k
