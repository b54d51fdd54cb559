"""NumPy's C code against the interpreter's: arrays, ufuncs, linear algebra, callbacks, pickles."""
import cPickle
import ctypes
import sys
import threading

import numpy as np

print np.__version__, np.dtype(np.unicode_).itemsize, np.dtype('U1').itemsize

a = np.arange(24, dtype=np.int64).reshape(2, 3, 4)
print a.sum(axis=1).tolist(), a[:, ::-1, 1:3].tolist(), a.T.strides
print np.where(a % 5 == 0, a, -1).max(axis=(0, 2)), np.einsum('ijk->k', a)

print np.add.reduce(np.sqrt(np.arange(10.0)) ** 2).round(6), np.multiply.outer([1, 2], [3, 4])
with np.errstate(divide='raise'):
    try:
        np.array([1.0]) / 0
    except FloatingPointError as error:
        print 'raised', error

m = np.array([[4.0, 1.0, 0.0], [1.0, 3.0, 1.0], [0.0, 1.0, 2.0]])
print np.linalg.solve(m, [1, 2, 3]).round(9), round(np.linalg.det(m), 9)
print np.linalg.eigvalsh(m).round(9), np.dot(m, np.linalg.inv(m)).round(9).trace()
print np.fft.fft(np.ones(8)).real.round(9)


def callback(x, y=3):
    if x > 3:
        return x * y
    return divmod(x, y)[1]


print np.vectorize(callback)(np.arange(6)), np.frompyfunc(callback, 2, 1)([1, 5], 2)
print np.apply_along_axis(lambda row: sorted(row)[-1], 1, m), np.fromiter((n * n for n in xrange(5)), int)
try:
    np.frompyfunc(lambda x: 1 / x, 1, 1)([1, 0])
except ZeroDivisionError as error:
    print 'from the callback:', error


class Celsius(object):
    """What object arrays call back to."""

    def __init__(self, degrees):
        self.degrees = degrees

    def __add__(self, other):
        return Celsius(self.degrees + other.degrees)

    def __lt__(self, other):
        return self.degrees < other.degrees


class Tagged(np.ndarray):
    def __array_finalize__(self, base):
        self.tag = getattr(base, 'tag', 'none')


warm = np.array([Celsius(n) for n in (3, 1, 2)])
print warm.sum().degrees, [celsius.degrees for celsius in np.sort(warm)]
tagged = np.arange(3).view(Tagged)
tagged.tag = 'ours'
print (tagged + 1).tag, tagged[1:].tag, type(tagged * 2).__name__

for protocol in range(3):
    again = cPickle.loads(cPickle.dumps(a, protocol))
    print protocol, again.dtype, (again == a).all(), again.flags.c_contiguous
record = np.array([(1, 2.5, 'x')], dtype=[('n', 'i4'), ('f', 'f8'), ('s', 'S3')])
print record['s'], np.frombuffer(record.tostring(), record.dtype), memoryview(a).shape

random = np.random.RandomState(27)
print random.randint(0, 1000, 6), random.normal(size=3).round(9), random.permutation(5)

before = sys.getrefcount(callback)
np.vectorize(callback)(np.arange(100))
print sys.getrefcount(callback) - before

results = []
work = lambda n: results.append(int(np.ones((n, n)).dot(np.ones(n)).sum()))
threads = [threading.Thread(target=work, args=(n,)) for n in (10, 20, 30)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print sorted(results), a.ctypes.data_as(ctypes.POINTER(ctypes.c_long))[5]
