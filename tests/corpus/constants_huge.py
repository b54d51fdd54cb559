"""Huge constants: a long of 3,000 digits, a string of 70,000 bytes, a tuple of 5,000 items."""

source = """
def f():
    a = %d
    b = %r
    c = %r
    d = u%r
    return a %% 1000003, len(b), c[-1], len(d)
""" % (7 ** 3550, 'spam and eggs\n' * 5000, tuple(range(5000)), 'wide ' * 999)
exec source
print f()
print eval('-%d' % 3 ** 999) < 0
