"""__getattr__, __getattribute__, __setattr__, __delattr__; an AttributeError in a property."""


class Proxy(object):
    def __init__(self, target):
        object.__setattr__(self, 'target', target)

    def __getattr__(self, name):
        print 'get', name
        return getattr(self.target, name)

    def __setattr__(self, name, value):
        print 'set', name
        setattr(self.target, name, value)

    def __delattr__(self, name):
        print 'del', name
        delattr(self.target, name)


class Strict(object):
    hidden = 1

    def __getattribute__(self, name):
        if name == 'hidden':
            raise AttributeError('no ' + name)
        return object.__getattribute__(self, name)

    def __getattr__(self, name):
        return 'instead of ' + name


class Target:
    pass


p = Proxy(Target())
p.x = 1
p.x += 1
print p.x, hasattr(p, 'y'), getattr(p, 'z', 'default')
del p.x
try:
    p.x
except AttributeError, error:
    print error
print Strict().hidden, Strict().other
