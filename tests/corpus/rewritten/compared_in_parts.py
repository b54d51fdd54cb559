"""A long function that foreign code interrupts a hundred times, so that it is compared in parts, before its constants,
names and instructions are rewritten: ahead, behind a jump, in a handler, in what a generator goes on with, while it waits."""
import collections
import ctypes
import functools
import operator

HEAD = str.__basicsize__ - 1
beat = ctypes.pythonapi.Py_IsInitialized


def poke(text, new):
    ctypes.memmove(id(text) + HEAD, new, len(new))


def constant(function, text):
    return [item for item in function.func_code.co_consts if str(item).lower() == text][0]


SOURCE = r"""
def long_one(way, write=None, at=None, new=None):
    first_local, second_local, third_local = 'one of the constants', 'two of the constants', 'three of them'
    if way == 'never':
        # what makes parts worth while
        first_local = ['never used, number 00', 'never used, number 01', 'never used, number 02', 'never used, number 03',
                       'never used, number 04', 'never used, number 05', 'never used, number 06', 'never used, number 07',
                       'never used, number 08', 'never used, number 09', 'never used, number 10', 'never used, number 11',
                       'never used, number 12', 'never used, number 13', 'never used, number 14', 'never used, number 15',
                       'never used, number 16', 'never used, number 17', 'never used, number 18', 'never used, number 19',
                       'never used, number 20', 'never used, number 21', 'never used, number 22', 'never used, number 23',
                       'never used, number 24', 'never used, number 25', 'never used, number 26', 'never used, number 27',
                       'never used, number 28', 'never used, number 29', 'never used, number 30', 'never used, number 31']
    beat()
    if way == 'write':
        write(at, new)
        first_local = 'constant right behind'
    beat()
    if way == 'ahead':
        write(at, new)
    for number in range(2):
        beat()
        if way == 'jump' and number:
            write(at, new)
            continue
        second_local = first_local, 'constant in the loop', number
    try:
        beat()
        if way == 'raise':
            write(at, new)
            raise ValueError('constant that is raised')
        third_local = 'constant of no exception', third_local.upper().lower().strip().title()
    except ValueError, error:
        third_local = 'constant of the handler', error.args
    finally:
        beat()
        fourth_local = 'constant of finally'
    if way == 'branch':
        write(at, new)
        if number:
            second_local = 'constant behind a branch'
    if way == 'loop':
        write(at, new)
        for letter in 'ab':
            third_local = 'constant in a loop of its own'
    try:
        if way == 'fails':
            write(at, new)
            number + way
    except:
        first_local = 'constant behind a failure'
    while way == 'while':
        write(at, new)
        fourth_local = 'constant of while'
        break
    return first_local, second_local, third_local, fourth_local, 'constant at the end'


def generates(write=None, at=None, new=None):
    for number in range(3):
        one, two, three = 'yielded by the first', 'yielded by the second', 'yielded by the third'
        beat()
        yield one, 'constant of the generator', number
        beat()
        if write:
            write(at, new)
        yield two, three, 'constant behind yield', number


def waits(function, *rest):
    before, behind = 'constant of who waits', 'another one of who waits'
    function(*rest)
    beat()
    return before, behind, 'constant after waiting', len(rest)
"""


def fresh(name):
    # of its own for each case: what was rewritten is recorded in another way from then on
    space = {'beat': beat}
    exec SOURCE in space
    function = space[name]
    for round in range(100):
        if name == 'long_one':
            for way in 'none', 'none', 'other':
                function(way)
        elif name == 'generates':
            list(function())
        else:
            function(beat)
    return function


for way, text in [('write', 'constant right behind'), ('ahead', 'constant in the loop'), ('jump', 'constant in the loop'),
                  ('raise', 'constant of the handler'), ('raise', 'constant that is raised'), ('while', 'constant of while'),
                  ('fails', 'constant behind a failure'), ('branch', 'constant behind a branch'),
                  ('loop', 'constant in a loop of its own'),
                  ('write', 'constant at the end'), ('ahead', 'constant of finally'), ('none', 'one of the constants')]:
    long_one = fresh('long_one')
    text = constant(long_one, text)
    print long_one(way, poke, text, text.swapcase())
    print long_one('none')

generates = fresh('generates')
text = constant(generates, 'constant behind yield')
print list(generates(poke, text, text.swapcase()))
waits = fresh('waits')
text = constant(waits, 'constant after waiting')
print waits(poke, text, text.swapcase())
long_one = fresh('long_one')
poke(long_one.func_code.co_varnames[0], 'WAY')
print long_one('none')
poke(long_one.func_code.co_varnames[0], 'way')


class Array(collections.deque):
    """A container of the interpreter's, with a method that is foreign."""
    fill = staticmethod(ctypes.memset)
    __getitem__ = staticmethod(lambda index: index)


class Union(ctypes.Union):
    _fields_ = [('byte', ctypes.c_ubyte), ('other', ctypes.c_ubyte)]
    plain = property(operator.attrgetter('byte'))
    cleared = property(lambda self: self.byte, lambda self, value: ctypes.memset(ctypes.addressof(self), value, 1))


class Holder(object):
    own = 1
    getter = operator.attrgetter('byte')
    __call__ = staticmethod(ctypes.memset)
    __add__ = ctypes.memset


def by_method(at):
    Array().fill(at, 2, 1)


def by_call(at):
    Holder()(at, 2, 1)


def by_property(at):
    Union.from_address(at).cleared = 2


def by_item(at):
    setattr(Union.from_address(at), 'other', 2)


def by_map(at):
    map(Array.fill, (at,), (2,), (1,))


def by_key(at):
    sorted([3, 1], key=lambda item: ctypes.memset(at, 2, 1))


def by_sum(at):
    class Number(object):
        __radd__ = lambda self, other: ctypes.memset(at, 2, 1)
    sum([Number()])


def by_hash(at):
    class Key(object):
        __hash__ = lambda self: ctypes.memset(at, 2, 1) and 1
    set([Key()])


def by_descriptor(at):
    class Owner(object):
        class Descriptor(object):
            def __get__(self, instance, owner):
                return ctypes.memset(at, 2, 1)
        field = Descriptor()
    Owner().field, operator.attrgetter('field')(Owner())


def by_static_method(at):
    class Item(object):
        __getitem__ = staticmethod(functools.partial(ctypes.memset, at, 2))
    Item()[1]


def by_next(at):
    class Iterator(object):
        __iter__ = lambda self: self
        next = staticmethod(functools.partial(ctypes.memset, at, 2, 1))
    for item in Iterator():
        break


def by_format(at):
    class Text(object):
        __str__ = staticmethod(functools.partial(ctypes.memset, at, 2, 1))
    try:
        '%s' % Text()
    except TypeError:
        pass


def by_super(at):
    class Derived(Union):
        def clear(self):
            super(Derived, self).__setattr__('byte', 2)
    Derived.from_address(at).clear()


for number, write in enumerate([by_method, by_call, by_property, by_item, by_map, by_key, by_sum, by_hash, by_descriptor,
                                by_static_method, by_next, by_format, by_super]):
    space = {}
    # the last LOAD_CONST loads constant 2 in place of the last one
    exec '''
def target(write, at):
    if write:
        write(at)
    x = 'one', 'two'
    return %d and 'two %d'
''' % (number + 1, number) in space
    target = space['target']
    at = id(target.func_code.co_code) + HEAD + target.func_code.co_code.rindex('d') + 1
    print target(None, 0), target(write, at), target(None, 0)
