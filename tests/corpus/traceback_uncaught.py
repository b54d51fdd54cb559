"""An uncaught exception from nested frames: traceback on stderr, status 1."""


class Failure(Exception):
    pass


def inner(n):
    if n == 0:
        raise Failure('at the bottom', n)
    inner(n - 1)


print 'before'
try:
    inner(2)
finally:
    print 'finally runs'
print 'never'
