"""Endless recursion that nobody catches: RuntimeError, a traceback of a thousand frames, status 1.

Ours only: see recursion_limit.py."""


def down(n):
    if n:
        return down(n + 1)


print 'going down'
down(1)
