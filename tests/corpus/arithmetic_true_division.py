"""BINARY_TRUE_DIVIDE and INPLACE_TRUE_DIVIDE under the future import."""
from __future__ import division


def halves(n):
    total = n / 2
    total /= 4
    return total, n // 2, 7 / -2


print halves(9)
print eval('1 / 2'), eval(compile('1 / 2', '<classic>', 'eval', 0, 1))
try:
    halves('x')
except TypeError, error:
    print error
