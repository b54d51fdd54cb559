"""Every comparison of COMPARE_OP, chained comparisons, and rich comparison methods."""


def compare(a, b):
    return [a < b, a <= b, a == b, a != b, a > b, a >= b, a is b, a is not b]


class Odd(object):
    def __lt__(self, other):
        return 'lt'

    def __eq__(self, other):
        return NotImplemented

    def __cmp__(self, other):
        return -1

    def __contains__(self, item):
        return item == 3


print compare(1, 2), compare(2.0, 2), compare('b', u'a'), compare(None, 0)
print 1 in [1, 2], 3 not in (1, 2), 'b' in 'abc', 'k' in {'k': 1}
odd = Odd()
print odd < 1, odd <= 1, odd == 1, odd != 1, odd > 1, 3 in odd, 4 not in odd
for x in (0, 5, 10):
    print 1 < x < 9, 0 <= x != 5 <= 10, x == 5 == 5.0
try:
    print 1j < 2
except TypeError, error:
    print error
print KeyError in (KeyError, ValueError), cmp([1, 2], [1, 3])
