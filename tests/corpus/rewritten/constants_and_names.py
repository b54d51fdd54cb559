"""Constants, names and local names rewritten where they lie, and replaced in their tuples, through ctypes: what a traced
operand stands for is what the interpreter uses at that moment."""
import ctypes

HEAD = str.__basicsize__ - 1
POINTER = ctypes.sizeof(ctypes.c_void_p)


def poke(text, new):
    ctypes.memmove(id(text) + HEAD, new, len(new))


def replace(items, index, new):
    # the tuple owns what it has; what it had stays
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(new))
    at = id(items) + tuple.__basicsize__ + index * POINTER
    ctypes.c_void_p.from_address(at).value = id(new)


def secret():
    return 'Khoor/#zruog'


def numbers():
    return (12345, 67890.5, u'text of unicode')


def names(thing):
    local_one = thing.attribute_one
    return local_one


class Thing(object):
    attribute_one = 1
    attribute_two = 2


def callee():
    return 'callee before'


def caller():
    first = callee()
    poke(callee.func_code.co_consts[1], 'callee after!')
    second = callee()
    poke(caller.func_code.co_consts[4], 'OWN CONSTANT')
    return first, second, 'own constant'


def generator():
    yield 'one of the generator'
    yield 'two of the generator'
    yield 'one of the generator'


print secret()
poke(secret.func_code.co_consts[1], 'Hello, world')
print secret()
print numbers()
replace(numbers.func_code.co_consts, 4 if len(numbers.func_code.co_consts) > 4 else 1, ('replaced', 1))
print numbers()
print names(Thing())
replace(names.func_code.co_names, 0, 'attribute_two')
print names(Thing())
replace(names.func_code.co_varnames, 1, 'another_one')
print names(Thing())
print caller()
g = generator()
print g.next()
poke(generator.func_code.co_consts[2], 'TWO')
print g.next(), g.next()
for item in generator():
    poke(generator.func_code.co_consts[1], item[:3].upper())
    print item
