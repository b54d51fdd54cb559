"""Big integers: powers, factorials, division and the bases they print in."""


def factorial(n):
    result = 1
    for i in xrange(2, n + 1):
        result *= i
    return result


def power(base, exponent, modulus):
    result = 1
    while exponent:
        if exponent & 1:
            result = result * base % modulus
        base = base * base % modulus
        exponent >>= 1
    return result


big = factorial(200)
print big
print big / factorial(198), divmod(big, 10 ** 50)[1]
print power(3, 2 ** 127, 2 ** 89 - 1) == pow(3, 2 ** 127, 2 ** 89 - 1)
print hex(big)[:20], oct(2 ** 64), -(2 ** 100) >> 3, int('z' * 20, 36)
print 2 ** 62, 2 ** 63, 0x7fffffff + 1, type(0x7fffffffffffffff + 1).__name__
