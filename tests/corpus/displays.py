"""Tuple, list, set and dict displays, empty to large, with and without constants."""


def build(a, b):
    return (), (a,), (a, b), [], [a, b], {a, b}, {}, {a: b, b: a}, {1: 2, 'k': [a]}


print build(1, 2)
print (1, 2, 3), ((1, 2), 3), [1, 2], {1}, {'x': {'y': {}}}
print [(a, b, a + b) for a in (1, 2) for b in (3, 4)]
many = {0: 'a', 1: 'b', 2: 'c', 3: 'd', 4: 'e', 5: 'f', 6: 'g', 7: 'h', 8: 'i'}
print many, len({1, 1.0, True, 2}), sorted({'b', 'a'})
try:
    {[]: 1}
except TypeError, error:
    print error
try:
    {{}}
except TypeError, error:
    print error
