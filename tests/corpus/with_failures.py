"""with whose __enter__ or __exit__ is missing or raises; old-style managers; nested suppression."""


class NoExit(object):
    def __enter__(self):
        pass


class NoEnter(object):
    def __exit__(self, *exc):
        pass


class EnterRaises(NoExit, NoEnter):
    def __enter__(self):
        raise ValueError('enter')


class ExitRaises(NoExit):
    def __exit__(self, kind, value, tb):
        raise KeyError('exit after %s' % (kind and kind.__name__))


class OldStyle:
    def __enter__(self):
        return self

    def __exit__(self, *exc):
        print 'old exit', exc[0]
        return 1


def use(manager, error=None):
    try:
        with manager:
            if error:
                raise error
        print 'after'
    except Exception, e:
        print type(e).__name__, e


use(NoExit())
use(NoEnter())
use(EnterRaises())
use(ExitRaises())
use(ExitRaises(), IndexError)
use(OldStyle(), TypeError)


def returns():
    with OldStyle() as o:
        with OldStyle():
            return 'returned', o.__class__.__name__


print returns()
