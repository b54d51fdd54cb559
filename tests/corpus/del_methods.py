"""__del__ run by del, rebinding, the end of a list and of a frame; one that raises is only reported."""


class Noisy(object):
    def __init__(self, name):
        self.name = name

    def __del__(self):
        print 'del', self.name
        if self.name == 'bad':
            raise ValueError(self.name)


def temporary():
    return Noisy('temporary').name


a = Noisy('a')
b = Noisy('b')
alias = a
del a
print 'alias holds it'
alias = None
b = Noisy('b2')
del b
items = [Noisy('in list'), Noisy('in list too')]
del items[:]
print temporary()
Noisy('dropped at once')


class Resurrect(object):
    def __del__(self):
        global saved
        saved = self
        print 'not yet'


x = Resurrect()
del x
print type(saved).__name__
del Resurrect.__del__, saved
