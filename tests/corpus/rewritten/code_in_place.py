"""Bytecode rewritten where it lies: of a function before, between and during its calls, of callers, suspended generators,
the module itself, by every way that ctypes has to write, from callbacks, through the library's own C functions."""
import ctypes
import operator
import struct

HEAD = str.__basicsize__ - 1


def fresh(source, name):
    space = {'poke': poke, 'ctypes': ctypes}
    exec source in space
    return space[name]


def address(function, offset):
    return id(function.func_code.co_code) + HEAD + offset


def poke(function, offset, text):
    ctypes.memmove(address(function, offset), text, len(text))


def by_memset(at):
    ctypes.memset(at, 2, 1)


def by_array(at):
    (ctypes.c_char * 1).from_address(at)[0] = '\2'


def by_value(at):
    ctypes.c_ubyte.from_address(at).value = 2


def by_raw(at):
    (ctypes.c_char * 1).from_address(at).raw = '\2'


def by_pointer(at):
    ctypes.cast(at, ctypes.POINTER(ctypes.c_ubyte))[0] = 2


def by_contents(at):
    ctypes.cast(at, ctypes.POINTER(ctypes.c_ubyte)).contents.value = 2


class Field(ctypes.Structure):
    _fields_ = [('byte', ctypes.c_ubyte)]


def by_field(at):
    Field.from_address(at).byte = 2


def by_setattr(at):
    setattr(Field.from_address(at), 'byte', 2)


def by_setitem(at):
    operator.setitem((ctypes.c_ubyte * 1).from_address(at), 0, 2)


def by_view(at):
    memoryview((ctypes.c_char * 1).from_address(at))[0] = '\2'


def by_struct(at):
    struct.pack_into('B', (ctypes.c_char * 1).from_address(at), 0, 2)


def by_map(at):
    map(ctypes.memmove, [at], ['\2'], [1])


def by_apply(at):
    apply(ctypes.memset, (at, 2, 1))


def by_star(at):
    ctypes.memset(*(at, 2, 1))


def by_sort(at):
    sorted([1], key=lambda x: ctypes.memset(at, 2, 1))


def by_slice(at):
    (ctypes.c_char * 1).from_address(at)[0:1] = '\2'


def by_callback(at):
    kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))

    def compare(a, b):
        ctypes.memset(at, 2, 1)
        return cmp(a[0], b[0])
    numbers = (ctypes.c_int * 3)(3, 1, 2)
    ctypes.pythonapi.qsort(numbers, 3, ctypes.sizeof(ctypes.c_int), kind(compare))


SOURCE = '''
def target(write, at):
    if write:
        write(at)
    return ('one', 'two')[1] and 'one' and 'two'
'''
SIMPLE = '''
def target(write, at):
    if write:
        write(at)
    x = 'one', 'two'
    return %d and 'two %d'
'''

for number, write in enumerate([by_memset, by_array, by_value, by_raw, by_pointer, by_contents, by_field, by_setattr,
                                by_setitem, by_view, by_struct, by_map, by_apply, by_star, by_sort, by_slice,
                                by_callback]):
    # the last LOAD_CONST loads constant 2 in place of the last one
    target = fresh(SIMPLE % (number + 1, number), 'target')
    code = target.func_code.co_code
    at = address(target, code.rindex('d') + 1)
    print target(None, 0),
    print target(write, at), target(None, 0)


def counts(n):
    total = 0
    for i in range(n):
        if i == 3:
            poke(counts, where, '\x38')     # INPLACE_SUBTRACT in place of INPLACE_ADD
        total += i
    return total


where = counts.func_code.co_code.index('\x37')
print counts(6), counts(3)


def recursive(n):
    if n == 0:
        poke(recursive, recursive.func_code.co_code.rindex('\x17'), '\x18')
        return 1
    return n + recursive(n - 1)


print recursive(4), recursive.func_code.co_name


def generates():
    x = 1
    yield x + 1
    yield x + 2
    yield x + 3


alive = generates()
print alive.next()
for offset, byte in enumerate(generates.func_code.co_code):
    if byte == '\x17':
        poke(generates, offset, '\x18')
print alive.next(), list(generates()), alive.next()


def raises():
    try:
        ctypes.memset(address(raises, raises.func_code.co_code.rindex('d') + 1), 0, 1)
        raise KeyError
    except KeyError:
        return 'not this'


print raises()


class Bool(object):
    def __nonzero__(self):
        flips()
        return True


def flips():
    poke(decides, decides.func_code.co_code.rindex('d') + 1, '\1')


def decides():
    if Bool():
        x = 'first'
    for item in changes():
        x = item
    return x, 'second'


def changes():
    yield 1
    decides.func_code.co_name
    poke(decides, decides.func_code.co_code.rindex('d') + 1, '\1')
    yield 2


print decides()
print decides()


def again(n):
    return 'a', 'b', n


for i in range(6):
    poke(again, 1, chr(1 + i % 2))
    print again(i)
