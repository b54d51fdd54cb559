"""Metaclasses: __metaclass__ as class, function and module global; __call__; type with three arguments."""


class Meta(type):
    def __new__(mcs, name, bases, body):
        body['made_by'] = mcs.__name__
        body['members'] = sorted(k for k in body if k[:2] != '__')
        return type.__new__(mcs, name, bases, body)

    def __init__(cls, name, bases, body):
        type.__init__(cls, name, bases, body)
        cls.order = len(bases)

    def __call__(cls, *args):
        print 'creating', cls.__name__, args
        return type.__call__(cls, *args)

    def __getattr__(cls, name):
        return 'class attribute ' + name


class Made(object):
    __metaclass__ = Meta

    def __init__(self, *args):
        self.args = args


def upper(name, bases, body):
    return type(name.upper(), bases, dict((k.upper(), v) for k, v in body.items()))


class shout(object):
    __metaclass__ = upper
    word = 1


__metaclass__ = Meta


class Implicit:
    pass


print Made.made_by, Made.members, Made.nothing, Made(1).args, shout.__name__, shout.WORD
print Implicit.order, type(Implicit).__name__, type('Dyn', (Made,), {'z': 1})().z
