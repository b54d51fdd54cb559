"""Every binary operator of classic division, on ints, longs, floats, strings."""


def apply_all(a, b):
    return [a ** b, a * b, a / b, a // b, a % b, a + b, a - b,
            a << b, a >> b, a & b, a ^ b, a | b]


print apply_all(13, 3)
print apply_all(-13, 3)
print apply_all(2 ** 70, 5)


def floats(a, b):
    return a ** b, a * b, a / b, a // b, a % b, a + b, a - b


print floats(7.5, 2.0)
print 'ab' * 3 + 'c', '%s-%d' % ('x', 4), [1] + [2] * 2, (1,) * 3
for bad in (lambda: 1 / 0, lambda: 1 % 0, lambda: 'a' - 'b', lambda: 1 << -1):
    try:
        bad()
    except (ZeroDivisionError, TypeError, ValueError), error:
        print type(error).__name__, error
