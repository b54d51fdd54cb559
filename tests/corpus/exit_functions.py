"""sys.exitfunc, the hook beneath atexit, runs after the module ends."""
import sys


def later():
    for i in range(3):
        print 'later', i
    try:
        raise KeyError
    except KeyError:
        print 'caught at exit'


sys.exitfunc = later
print 'main ends'
