"""dicts and sets with keys whose __hash__ and __eq__ are Python: how often each is called."""


class Key(object):
    calls = []

    def __init__(self, n):
        self.n = n

    def __hash__(self):
        self.calls.append('h%d' % self.n)
        return self.n % 3

    def __eq__(self, other):
        self.calls.append('e%d' % self.n)
        return self.n == other.n


keys = [Key(i) for i in range(6)]
table = dict((k, k.n) for k in keys)
print table[Key(4)], Key(9) in table, len(table)
table[Key(4)] = 'new'
del table[Key(0)]
print set(keys[:3]) & set([Key(1), Key(7)]) and 'common', len(Key.calls), Key.calls[-4:]


class Bad(Key):
    def __eq__(self, other):
        raise ValueError('no comparing')


try:
    {Bad(1): 1, Bad(4): 2}
except ValueError, error:
    print error
try:
    hash([])
except TypeError, error:
    print error
d = {'a': 1}
try:
    for k in d:
        d[k + 'b'] = 2
except RuntimeError, error:
    print error
