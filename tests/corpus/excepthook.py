"""sys.excepthook of our own runs for an uncaught exception; status 1."""
import sys


def hook(kind, value, tb):
    depth = 0
    while tb:
        depth += 1
        tb = tb.tb_next
    print 'hook', kind.__name__, value, depth > 1


def fail():
    raise LookupError('uncaught')


sys.excepthook = hook
fail()
