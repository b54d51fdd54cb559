"""generator.throw into a fresh, a suspended, a finished generator; caught, swallowed, turned into another."""


def worker():
    try:
        yield 1
    except KeyError, error:
        print 'caught', error
        yield 2
    except ValueError:
        raise TypeError('turned')
    finally:
        print 'finally'
    yield 3


def attempt(label, f, *args):
    try:
        print label, f(*args)
    except Exception, error:
        print label, 'raised', type(error).__name__, error


g = worker()
attempt('fresh', g.throw, KeyError('early'))
attempt('after', g.next)
g = worker()
attempt('start', g.next)
attempt('suspended', g.throw, KeyError, 'k')
attempt('then', g.next)
attempt('again', g.throw, ValueError)
attempt('finished', g.throw, IndexError('late'))
g = worker()
g.next()
attempt('turned', g.throw, ValueError)
g = worker()
g.next()
attempt('stop', g.throw, StopIteration)
attempt('bad', worker().throw, 5)
