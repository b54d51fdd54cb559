"""A sieve, dict updates, list comprehensions. The size is the number of rounds."""
import sys


def sieve(limit):
    prime = [True] * limit
    for i in xrange(2, limit):
        if prime[i]:
            for multiple in xrange(i + i, limit, i):
                prime[multiple] = False
    return prime.count(True)


counts, primes = {}, 0
for _ in xrange(int(sys.argv[1])):
    primes += sieve(2000)
    for i in xrange(1500):
        counts[i % 100] = counts.get(i % 100, 0) + i
    squares = [i * i for i in xrange(1000) if i % 3]
print primes, sum(counts.itervalues()), len(squares)
