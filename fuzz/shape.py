"""Fuzz the check of .pyc files in tracer.py: ./python27-traced fuzz/shape.py [COUNT [START]]

Damages the seeds of the target `pyc`. What the check accepts is then unmarshalled, which must
neither end this process nor take more memory than the data could fill; what it refuses must be
refused in its own words. Each number gives the same data each time. When the process dies, the
number is one of the BATCH from the last that is on standard error.
"""
import marshal
import os
import random
import resource
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import tracer

MEMORY = 1 << 30
BATCH = 500
TYPES = '0NFTS.ifIgxylstuR([{<>c?'
LENGTHS = (0, 1, -1, 2, 255, 256, 65535, 1 << 20, 0x7fffffff, -0x80000000)


def load_seeds():
    folder = os.path.join(HERE, 'seeds', 'pyc')
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), 'rb') as seed:
            yield seed.read()


def damage(data, seeds, choose):
    for _ in range(choose.randint(1, 4)):
        at = choose.randrange(len(data) + 1)
        end = min(len(data), at + choose.randint(1, 12))
        kind = choose.randrange(8)
        if kind == 0:
            data = data[:at]
        elif kind == 1:
            data = data[:at] + data[end:]
        elif kind == 2:
            data = data[:at] + chr(choose.randrange(256)) + data[at + 1:]
        elif kind == 3:
            data = data[:at] + choose.choice(TYPES) + data[at + 1:]
        elif kind == 4:
            data = data[:at] + struct.pack('<i', choose.choice(LENGTHS)) + data[at + 4:]
        elif kind == 5:
            other = choose.choice(seeds)
            start = choose.randrange(len(other))
            data = data[:at] + other[start:start + choose.randint(1, 60)] + data[end:]
        elif kind == 6:
            data = data[:at] + data[at:end] * choose.randint(2, 40) + data[end:]
        else:
            # Nesting, which marshal bounds and the stack of C must not.
            nest = choose.choice(('(\1\0\0\0', '[\1\0\0\0', '{', '>\1\0\0\0'))
            data = data[:at] + nest * choose.choice((3, 1999, 2001, 5000)) + data[at:]
    return data


def check(data):
    """Whether the check lets `data` through to marshal."""
    try:
        tracer.Shape(data, 0).check()
    except tracer.Refused:
        return False
    try:
        marshal.loads(data)
    except MemoryError:
        raise
    except Exception:
        # tracer.py refuses what marshal does; it only must survive.
        pass
    return True


def main(count=20000, start=0):
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    seeds = list(load_seeds())
    accepted = 0
    for number in xrange(start, start + count):
        if number % BATCH == 0:
            sys.stderr.write('%d\n' % number)
        choose = random.Random(number)
        data = damage(choose.choice(seeds), seeds, choose)
        try:
            accepted += check(data)
        except BaseException as error:
            sys.exit('shape.py: number %d: %r' % (number, error))
    print '%d data, %d accepted' % (count, accepted)


if __name__ == '__main__':
    main(*map(int, sys.argv[1:]))
