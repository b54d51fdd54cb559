"""sys.excepthook of our own runs for an uncaught exception; status 1."""
import sys


def hook(kind, value, tb):
    print 'hook', kind.__name__, value, tb is not None


def fail():
    raise LookupError('uncaught')


sys.excepthook = hook
fail()
