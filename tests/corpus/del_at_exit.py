"""Objects and a suspended generator that live until the interpreter tears the modules down."""
import sys


class Last(object):
    def __init__(self, name, write=sys.stdout.write):
        self.name, self.write = name, write

    def __del__(self):
        self.write('del %s\n' % self.name)


def waiting(write=sys.stdout.write):
    try:
        yield 1
    finally:
        for i in range(2):
            write('generator ends %d\n' % i)


_first = Last('underscore')
kept = Last('kept')
g = waiting()
g.next()
print 'main ends'
