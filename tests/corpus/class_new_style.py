"""New-style classes: __new__, __init__, super, the method resolution order, slots, repr."""


class Base(object):
    __slots__ = ('a', 'b')

    def __new__(cls, *args):
        self = object.__new__(cls)
        self.b = len(args)
        return self

    def __init__(self, a=0, *rest):
        self.a = a

    def __repr__(self):
        return '%s(%r, %r)' % (type(self).__name__, self.a, self.b)


class Left(Base):
    def who(self):
        return 'left'


class Right(Base):
    def who(self):
        return 'right ' + super(Right, self).__repr__()


class Both(Left, Right):
    def who(self):
        return super(Both, self).who() + '+' + super(Left, self).who()


print Base(), Left(1, 2), Both('x').who(), [c.__name__ for c in Both.__mro__]
print isinstance(Both(), Right), issubclass(Left, Right), Both.who.im_func.__name__
try:
    Base().c = 1
except AttributeError, error:
    print error
try:
    class Bad(object, Base):
        pass
except TypeError, error:
    print str(error).split('\n')[0]
