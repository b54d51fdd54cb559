"""A pure loop after `import uuid`, which loads ctypes. The size is the number of rounds."""
import sys
import uuid


def step(value):
    if value & 1:
        return value * 3 + 1
    return value >> 1


total = len(str(uuid.UUID(int=1)))
for number in xrange(int(sys.argv[1])):
    value = number + 1
    for _ in xrange(100):
        value = step(value)
    total += value
print total
