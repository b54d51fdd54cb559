"""LOAD_ATTR, STORE_ATTR, DELETE_ATTR on instances, classes, modules, functions; the errors."""
import sys


class Thing(object):
    kind = 'class'

    def __init__(self):
        self.own = []


thing = Thing()
thing.own.append(1)
thing.kind = 'instance'
thing.a = thing.b = thing
print thing.own, thing.kind, Thing.kind, thing.a.b.a.own is thing.own
del thing.kind
print thing.kind
del Thing.kind
for f in (lambda: thing.kind, lambda: None.x, lambda: setattr(3, 'x', 1),
          lambda: delattr(thing, 'nope'), lambda: sys.not_there):
    try:
        f()
    except AttributeError, error:
        print error


def function():
    function.calls += 1


function.calls = 0
function()
function()
print function.calls, function.__name__, function.func_code.co_names
sys.own_attribute = 4
print sys.own_attribute
del sys.own_attribute
