"""generator.close: fresh, suspended in try/finally, one that ignores GeneratorExit, one that returns."""


def tidy():
    try:
        yield 1
        yield 2
    finally:
        print 'tidied'


def stubborn():
    while True:
        try:
            yield 'still here'
        except GeneratorExit:
            print 'no'
            yield 'ignored'
            return


def polite():
    try:
        yield 1
    except GeneratorExit:
        return


g = tidy()
g.close()
print list(g)
g = tidy()
g.next()
print g.close(), g.close(), next(g, 'over')
g = polite()
g.next()
print g.close()
g = stubborn()
g.next()
try:
    g.close()
except RuntimeError, error:
    print error
print next(g, 'ended')
