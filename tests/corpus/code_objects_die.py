"""Thousands of code objects of different names and contents are made, run and dropped, so that their
addresses come back for others."""


def make(i):
    name = 'f%d' % (i % 97)
    body = '\n'.join('    a = a %s %d' % ('+-*|'[(i + k) % 4], i + k) for k in range(i % 4))
    source = 'def %s(a, b%d=%r):\n%s\n    return a, %d\nresult = %s(%d)' % (
        name, i % 7, (i, 'c%d' % i), body, i, name, i % 5)
    space = {}
    exec compile(source, '<made %d>' % i, 'exec') in space
    return space['result'][1]


def expression(i):
    return eval('(lambda x: x %s %d)(%d)' % ('+-*^'[i % 4], i % 11, i))


total = 0
for i in xrange(1800):
    total += make(i) + expression(i)
print total
