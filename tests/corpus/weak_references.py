"""Weak references and proxies at module level: callbacks run at the very instruction that frees."""
import _weakref


class Thing(object):
    def __call__(self):
        return 'called'


def gone(ref):
    print 'gone', ref() is None
    for i in range(3):
        i * i


thing = Thing()
ref = _weakref.ref(thing, gone)
second = _weakref.ref(thing, gone)
proxy = _weakref.proxy(thing, lambda p: None)
print ref() is thing, _weakref.getweakrefcount(thing), proxy()
del thing
print ref(), second()
try:
    proxy()
except ReferenceError, error:
    print error
box = [Thing()]
ref = _weakref.ref(box[0], lambda r: box.append('callback'))
box[0] = None
print box
