"""Subscripts: get, set, delete on lists, dicts, tuples and a class; the errors."""


class Table(object):
    def __init__(self):
        self.log = []

    def __getitem__(self, key):
        self.log.append(('get', key))
        return len(self.log)

    def __setitem__(self, key, value):
        self.log.append(('set', key, value))

    def __delitem__(self, key):
        self.log.append(('del', key))


table = Table()
table['a'] = table[1]
table[2, 3] += 4
del table[None]
print table.log
d = {}
d['x'], d[1], d[()] = 1, 2, 3
del d[1]
items = [5, 6, 7]
items[-1] = items[0]
del items[1]
print sorted(d.items()), items, 'abc'[1], (1, 2)[0]
for f in (lambda: d['no'], lambda: items[9], lambda: 5[0], lambda: (1,)['a'],
          lambda: {}[[]]):
    try:
        f()
    except (KeyError, IndexError, TypeError), error:
        print type(error).__name__, error
