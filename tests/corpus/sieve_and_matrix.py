"""Plain numeric work: a sieve, matrix products, collatz, gcd, floats: some 60,000 instructions."""


def sieve(n):
    marks = [True] * (n + 1)
    for i in xrange(2, int(n ** 0.5) + 1):
        if marks[i]:
            for j in xrange(i * i, n + 1, i):
                marks[j] = False
    return [i for i in xrange(2, n + 1) if marks[i]]


def product(a, b):
    return [[sum(x * y for x, y in zip(row, column)) for column in zip(*b)] for row in a]


def collatz(n):
    steps = 0
    while n != 1:
        n = 3 * n + 1 if n & 1 else n >> 1
        steps += 1
    return steps


def gcd(a, b):
    while b:
        a, b = b, a % b
    return a


def root(x, guess=1.0):
    while abs(guess * guess - x) > 1e-12:
        guess = (guess + x / guess) / 2
    return guess


print sieve(2000)[-3:], product([[1, 2], [3, 4]], [[0, 1], [1, 0]])
print max((collatz(n), n) for n in xrange(1, 60)), gcd(2 ** 40, 6 ** 20), '%.9f' % root(2)
