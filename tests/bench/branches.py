"""The worst for what records branches: hardly anything between them, and no order in their outcomes.
The size is the number of rounds."""
import sys


def collatz(n):
    steps = 0
    while n != 1:
        if n & 1:
            n = 3 * n + 1
        else:
            n >>= 1
        steps += 1
    return steps


def truths(bits):
    """Locals and conditional jumps, nothing else."""
    count = 0
    for a, b, c, d in bits:
        if a and b or c and d:
            if not a:
                if b:
                    pass
                elif c:
                    count += 1
            elif not c or d and b:
                count += 2
        if a:
            if b:
                if c:
                    if d:
                        count += 3
        if a or b or c or d:
            pass
        while a:
            a = b and c
            b = c and d
            c = d
            d = None
    return count


def noise(count):
    """Numbers of no pattern, the same each time."""
    state = 12345
    for _ in xrange(count):
        state = (state * 1103515245 + 12345) & 0x7fffffff
        yield state >> 12


bits = [(n & 1, n & 2, n & 4, n & 8) for n in noise(4000)]
total = 0
for n in xrange(int(sys.argv[1])):
    total += truths(bits)
    for start in xrange(n + 1, n + 60):
        total += collatz(start)
print total
