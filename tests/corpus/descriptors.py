"""Descriptors: data and non-data, properties with setters and deleters, __getattribute__, __get__ on a function."""


class Logged(object):
    def __init__(self, name):
        self.name = name

    def __get__(self, obj, cls):
        return self if obj is None else obj.__dict__.get(self.name, 'unset')

    def __set__(self, obj, value):
        print 'set', self.name, value
        obj.__dict__[self.name] = value

    def __delete__(self, obj):
        del obj.__dict__[self.name]


class Weak(object):
    def __get__(self, obj, cls):
        return cls.__name__


class Owner(object):
    field, weak = Logged('field'), Weak()
    _t = 0

    @property
    def temperature(self):
        return self._t

    @temperature.setter
    def temperature(self, t):
        self._t = t

    @temperature.deleter
    def temperature(self):
        self._t = -1


o = Owner()
print o.field, o.weak, Owner.field.name
o.field, o.weak = 4, 5
o.temperature = 30
print o.field, o.weak, o.temperature
del o.field, o.temperature
print o.field, o.temperature
try:
    Owner.__dict__['weak'].__set__
except AttributeError, error:
    print error
print (lambda self: self * 2).__get__(21)()
