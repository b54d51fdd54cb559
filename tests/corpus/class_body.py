"""Class bodies are code: loops, conditions, LOAD_LOCALS, nested classes, names that shadow."""
x = 'module'


class Busy(object):
    """Docstring."""
    for i in range(3):
        exec 'power%d = %d' % (i, 2 ** i)
    if x == 'module':
        x = x + ' seen from class'
    else:
        del x
    names = sorted(n for n in locals().keys() if n[:2] != '__' and n != 'names')

    class Inner:
        y = x
        z = [i for i in 'ab']

    def method(self):
        return x, self.x
    try:
        undefined
    except NameError:
        fallback = Inner.z
    del i


print Busy.names, Busy.Inner.y, Busy.x, Busy().method(), Busy.fallback, Busy.power2
print Busy.__doc__, Busy.__module__, hasattr(Busy, 'i')


def factory(name, base=object):
    class Local(base):
        title = name

        def get(self):
            return name, self.title
    return Local


print factory('n')().get(), factory('m', dict)({1: 2}).get()
