"""Exceptions: raised and caught across frames, through finally and with. The size is rounds."""
import sys


class Failure(Exception):
    pass


class Worse(Failure):
    pass


class Guard(object):
    """Swallows one kind of exception."""

    def __init__(self, log, kind):
        self.log = log
        self.kind = kind

    def __enter__(self):
        self.log[0] += 1
        return self

    def __exit__(self, kind, value, traceback):
        self.log[1] += 1
        return kind is not None and issubclass(kind, self.kind)


def sink(depth, kind):
    """Raises that many frames below."""
    if depth == 0:
        raise kind(depth)
    return sink(depth - 1, kind) + 1


def guarded(log, kind):
    with Guard(log, Worse):
        with Guard(log, KeyError):
            sink(3, kind)
    return 1


def cleanup(log, n):
    for i in xrange(n):
        try:
            try:
                if i % 3 == 0:
                    continue
                if i == n - 1:
                    break
                log[i]
            finally:
                log[2] += 1
        except IndexError:
            log[3] += 1
    return log[2]


def reraise(kind):
    try:
        sink(2, kind)
    except Worse:
        raise
    except Failure, failure:
        raise Worse(failure)


def look_up(table, key):
    try:
        return table[key]
    except KeyError:
        return table.setdefault(key % 7, key)
    else:
        return None


def returns(n):
    while True:
        try:
            return n
        finally:
            n += 1


def generator(log):
    try:
        while True:
            try:
                yield 1
            except ValueError:
                log[4] += 1
    finally:
        log[5] += 1


log = [0] * 6
total = 0
for _ in xrange(int(sys.argv[1])):
    for kind in (KeyError, Worse, Failure):
        try:
            total += guarded(log, kind)
        except Failure:
            total += 2
    for kind in (Worse, Failure):
        try:
            reraise(kind)
        except Worse:
            total += 3
    total += cleanup(log, 12) & 1
    table = {}
    for key in xrange(20):
        total += look_up(table, key)
    total += returns(1)
    numbers = generator(log)
    next(numbers)
    for _ in xrange(5):
        numbers.throw(ValueError)
    numbers.close()
    try:
        next(numbers)
    except StopIteration:
        total += 1
    assert not hasattr(numbers, 'nothing')
print total, log
