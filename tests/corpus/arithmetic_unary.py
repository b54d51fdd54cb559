"""Every unary operator, back quotes included, on builtins and on a class."""


class Number(object):
    def __pos__(self):
        return 'pos'

    def __neg__(self):
        return 'neg'

    def __invert__(self):
        return 'invert'

    def __nonzero__(self):
        return False

    def __repr__(self):
        return '<Number>'


def unary(x):
    return +x, -x, ~x, not x, `x`


print unary(5)
print unary(-(2 ** 65))
print unary(Number())
for bad in ('s', None):
    try:
        print -bad
    except TypeError, error:
        print error
