"""Frames that a C extension switches between, each way that greenlet does it."""
import gc
import sys
import threading

import greenlet


def plain():
    main = greenlet.getcurrent()

    def worker(n):
        for i in range(n):
            got = main.switch(i)
            if got == 'stop':
                break
        return 'last'

    g = greenlet.greenlet(worker)
    print g.switch(3), g.switch('a'), g.switch('stop'), g.dead
    return sum(range(3))


def throws():
    def catcher():
        while True:
            try:
                greenlet.getcurrent().parent.switch('waits')
            except ValueError, e:
                greenlet.getcurrent().parent.switch(str(e))

    g = greenlet.greenlet(catcher)
    print g.switch(), g.throw(ValueError, 'thrown'), g.switch()
    try:
        g.throw(KeyError('through'))
    except KeyError, e:
        print 'out', e
    never = greenlet.greenlet(catcher)
    try:
        never.throw(IndexError, 'before it began')
    except IndexError, e:
        print e


def unfinished():
    seen = []

    def abandoned():
        try:
            greenlet.getcurrent().parent.switch()
        except greenlet.GreenletExit:
            seen.append('exit')
            raise
        finally:
            seen.append('finally')

    g = greenlet.greenlet(abandoned)
    g.switch()
    del g
    gc.collect()
    print seen


def generators():
    def numbers(n):
        for i in range(n):
            back.switch(i)
            yield i * i

    back = greenlet.getcurrent()
    shared = numbers(4)
    one = greenlet.greenlet(lambda: next(shared) + next(shared))
    print one.switch(), one.switch(), one.switch()
    two = greenlet.greenlet(lambda: list(shared))
    print two.switch(), two.switch(), two.switch()


def nested():
    def inner(value):
        return greenlet.getcurrent().parent.parent.switch(value) or 'inner ends'

    def outer():
        g = greenlet.greenlet(inner)
        return g.switch('through two')

    g = greenlet.greenlet(outer)
    print g.switch(), g.switch()


class Switching(object):
    """Switches within an instruction that calls no function by name."""

    def __init__(self, other):
        self.other = other

    def __nonzero__(self):
        self.other.switch('nonzero')
        return True

    def __getattr__(self, name):
        self.other.switch(name)
        return name

    def __iter__(self):
        return iter([1, 2])


def within():
    main = greenlet.getcurrent()

    def run():
        subject = Switching(main)
        if subject:
            print subject.attribute
        return len([x for x in subject])

    g = greenlet.greenlet(run)
    print g.switch(), g.switch(), g.switch()


def deep():
    main = greenlet.getcurrent()

    def down(n):
        if n == 0:
            return main.switch('bottom')
        return down(n - 1)

    many = [greenlet.greenlet(down) for _ in range(5)]
    print [g.switch(i) for i, g in enumerate(many)]
    print [g.switch(i) for i, g in enumerate(reversed(many))]


for function in plain, throws, unfinished, generators, nested, within, deep:
    function()
if sys.argv[1:] == ['threads']:
    # One after the other, so that the order of what is printed is known.
    for function in plain, throws, generators:
        thread = threading.Thread(target=function)
        thread.start()
        thread.join()
plain()
