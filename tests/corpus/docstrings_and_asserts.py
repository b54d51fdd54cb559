"""Docstrings, assert with and without message, pass, ellipsis of statements on one line, __debug__."""


def checked(n):
    """Only positive."""
    assert n > 0
    assert n < 100, 'too large: %d' % n
    if __debug__:
        n += 1
    if not __debug__:
        n = 0
    pass
    return n; n = 5


class Empty:
    """Nothing here."""
    pass


for n in (5, 0, 500):
    try:
        print checked(n)
    except AssertionError, error:
        print 'assertion', error
print checked.__doc__, Empty.__doc__, __doc__.split(',')[0]
if 0:
    print 'never compiled'
while 1:
    break
while 0:
    pass
else:
    print 'else of while 0'
if 1: x = 1; y = 2
print x, y, 1 if x else 2, 60 * 60 * 24, 'a' 'b', -1 ** 2, (1, 2)[0], "".join(())
