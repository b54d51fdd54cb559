"""yield inside with, try, except, finally and loops: the block stack survives suspension."""


class Manager(object):
    def __enter__(self):
        print 'enter'

    def __exit__(self, *exc):
        print 'exit', exc[0] and exc[0].__name__
        return exc[0] is KeyError


def busy():
    for i in range(2):
        with Manager():
            try:
                yield 'try', i
                raise ValueError(i)
            except ValueError, error:
                yield 'except', error.args
            else:
                yield 'never'
            finally:
                yield 'finally', i
        while True:
            with Manager():
                yield 'with', i
                break


for step in busy():
    print step
g = busy()
for i in range(4):
    g.next()
print g.throw(KeyError)
print list(g)
g = busy()
g.next()
try:
    g.throw(IndexError)
    g.next()
except IndexError:
    print 'out'
