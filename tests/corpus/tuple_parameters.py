"""Tuple parameters of functions and lambdas, nested, with defaults."""


def distance((x1, y1), (x2, y2)=(0, 0)):
    return abs(x1 - x2) + abs(y1 - y2)


def nested(a, (b, (c, (d, e))), *rest):
    return a, b, c, d, e, rest


print distance((1, 2)), distance((5, 5), [1, 1])
print nested(1, (2, (3, 'de')), 6)
print map(lambda (k, v): k * v, [(1, 2), ('a', 3)])
print distance.func_code.co_varnames


def captured((a, b)):
    return lambda: a + b


print captured((3, 4))()
for bad in ((1,), 5, (1, 2, 3)):
    try:
        distance(bad)
    except (ValueError, TypeError), error:
        print error
