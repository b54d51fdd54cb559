"""Tuple constants: nested, empty, with every kind of constant, non-ASCII text (which repr escapes)."""


def tuples():
    yield ()
    yield (1,)
    yield (1, (2, (3, (4, ()))))
    yield (None, True, False, -1, 10 ** 20, 0.1, 1e16, -0.5, 1j, 'str', u'unicode')
    yield ('two\nlines', 'nul\0', '\xff', "it's", 'say "x"', u'\xe9', u'\u20ac', u'\ud800', u'\U0001f600')
    yield (1e400, 1e400 - 1e400, 0.1, 0.25)
    yield (('a', 'b'), ('a', 'b'))[0]


for t in tuples():
    print t
print 3 in (1, 2, 3), 'x' in ('a', ('x',)), (0, 1)[1], {(1, 2): 3}[1, 2]
for a, b in ((1, 2), (3, 4)):
    print a, b,
print
