"""Deep and mutual recursion, bounded well below the limit; a limit reached is in ours_only."""


def depth(n):
    return 0 if n == 0 else 1 + depth(n - 1)


def even(n):
    return True if n == 0 else odd(n - 1)


def odd(n):
    return False if n == 0 else even(n - 1)


def ackermann(m, n):
    if m == 0:
        return n + 1
    if n == 0:
        return ackermann(m - 1, 1)
    return ackermann(m - 1, ackermann(m, n - 1))


def hanoi(n, a, b, c):
    if n:
        for move in hanoi(n - 1, a, c, b):
            yield move
        yield a, c
        for move in hanoi(n - 1, b, a, c):
            yield move


print depth(400), even(151), ackermann(2, 4), list(hanoi(3, 'a', 'b', 'c'))
