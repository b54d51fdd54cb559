"""Endless recursion that nobody catches: RuntimeError, a traceback of a thousand frames, status 1."""


def down(n):
    if n:
        return down(n + 1)


print 'going down'
down(1)
