"""numpy: small arrays, element by element from Python, and Python functions called from C. The size is the number of rounds."""
import sys

import numpy


def callback(value):
    return value * 2 + 1


total = 0
for number in xrange(int(sys.argv[1])):
    array = numpy.arange(40).reshape(5, 8) + number
    for row in array:
        for value in row:
            total += int(value) % 7
    total += int(numpy.apply_along_axis(lambda row: row.sum(), 1, array).max())
    total += int(numpy.vectorize(callback)(array).sum()) % 11
print total
