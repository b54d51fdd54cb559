"""with: normal, exception, suppressed, return, break, continue, several managers, as targets."""


class Manager(object):
    def __init__(self, name, suppress=False):
        self.name, self.suppress = name, suppress

    def __enter__(self):
        print 'enter', self.name,
        return self.name, [1, 2]

    def __exit__(self, kind, value, tb):
        print 'exit', self.name, kind and kind.__name__, tb is not None
        return self.suppress


def leave(how):
    for i in range(2):
        with Manager(how, how == 'suppress') as (name, (a, b)):
            if how == 'return':
                return a + b
            if how == 'break':
                break
            if how == 'continue':
                continue
            if how in ('raise', 'suppress'):
                raise ValueError(how)
    else:
        return 'else'
    return 'end'


for how in ('normal', 'return', 'break', 'continue', 'raise', 'suppress'):
    try:
        print leave(how)
    except ValueError, error:
        print 'escaped', error
with Manager('a') as a, Manager('b', True) as b, Manager('c'):
    raise KeyError
box = {}
with Manager('store') as box['it']:
    print box
