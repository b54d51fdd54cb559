"""A suspended generator that loses its last reference runs its finally blocks right there."""


def guarded(name):
    try:
        try:
            yield name
        finally:
            print 'inner', name
    except GeneratorExit:
        print 'outer', name
        raise


g = guarded('rebound')
g.next()
g = None
print 'after rebinding'
items = [guarded('in list')]
items[0].next()
items.pop()
guarded('never started')
guarded('dropped by the stack').next()
for name in guarded('left by break'):
    print name
    break
print 'end'


def raises():
    try:
        yield
    finally:
        raise ValueError('reported, not raised')


g = raises()
g.next()
del g
print 'goes on'
