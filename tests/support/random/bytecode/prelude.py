import gc, posix, signal, sys
gc.disable()
kill, PID, SIGNAL = posix.kill, posix.getpid(), signal.SIGUSR1
FUEL = iter(())
p, q, r = 1, 2, 3
maker = type(lambda: 0)


class Trouble(Exception):
    pass


class Deeper(Trouble):
    pass


class Manager(object):
    def __init__(self, mode):
        self.mode = mode

    def __enter__(self):
        if self.mode == 1:
            raise Deeper(1)
        return self.mode

    def __exit__(self, kind, value, traceback):
        if self.mode == 2:
            raise Trouble(2)
        return self.mode > 3


M0, M1, M2, M3, M4 = map(Manager, range(5))


def turn(self, *rest):
    step = next(FUEL, 0)
    if step % 7 == 6:
        raise (Trouble, TypeError('turn'), StopIteration, IndexError)[step % 4]
    return step % 5


class Object(object):
    x = 3

    def __repr__(self):
        return 'object %d' % turn(self)

    def __nonzero__(self):
        return turn(self) > 1

    def __iter__(self):
        for x in range(4):
            yield x + turn(self)

    def __cmp__(self, other):
        return turn(self) - 2

    def __getattr__(self, name):
        return turn(self)

    def __setattr__(self, name, value):
        turn(self)

    def __delattr__(self, name):
        turn(self)

    def __call__(self, *rest, **more):
        return turn(self) + len(rest)

    def __hash__(self):
        return 3

    def __contains__(self, item):
        return turn(self)


for operator in '''add radd iadd sub rsub isub mul rmul imul div rdiv idiv truediv itruediv
        floordiv ifloordiv mod rmod imod pow rpow ipow lshift rlshift ilshift rshift rrshift
        irshift and rand iand xor rxor ixor or ror ior neg pos invert int len getitem setitem
        delitem getslice setslice delslice'''.split():
    setattr(Object, '__%s__' % operator, maker(turn.func_code, globals(), operator))
OBJ = Object()


class Out(object):
    def write(self, text):
        sys.stdout.write(text)


OUT = Out()


class Star(object):
    __all__ = ['p', 'star']

    @property
    def star(self):
        return turn(self)

    p = star


STAR = Star()


def helper(*rest, **more):
    if len(rest) > 3:
        raise Trouble(len(more))
    return len(rest) + len(more)


def generate(start=0):
    try:
        while next(FUEL, 0) and start < 5:
            start = yield start
            start = start or 4
    finally:
        print 'generate'


def handler(number, frame):
    if next(FUEL, 0) % 3 == 0:
        raise Deeper(number)


def refuel():
    global FUEL
    FUEL = iter(range(1, 60))
    sys.exc_clear()


def run(f):
    refuel()
    try:
        result = f()
        if type(result) is type(generate()):
            print [type(item).__name__ for item in result]
        print type(result).__name__
    except:
        kind = sys.exc_info()[0]
        print getattr(kind, '__name__', 'no class')


signal.signal(SIGNAL, handler)
