"""SLICE+0 to +3, STORE_SLICE+n and DELETE_SLICE+n on lists and on a class of the old protocol."""


class Old:
    def __getslice__(self, i, j):
        return 'get', i, min(j, 99)

    def __setslice__(self, i, j, value):
        print 'set', i, min(j, 99), value

    def __delslice__(self, i, j):
        print 'del', i, min(j, 99)

    def __len__(self):
        return 10


def use(x, i, j):
    print x[:], x[i:], x[:j], x[i:j]
    x[:] = [1, 2, 3, 4, 5, 6, 7, 8]
    x[i:] = [30, 40, 50, 60]
    x[:j] = [9]
    x[i:j] = [7, 7, 7]
    print x[:]
    del x[i:j]
    del x[:j]
    del x[i:]
    del x[:]
    print x[:]


use(range(8), 2, 4)
use(Old(), 2, -1)
try:
    5[1:2]
except TypeError, error:
    print error
print 'hello'[1:3], (1, 2, 3)[-2:], u'abc'[:1]
