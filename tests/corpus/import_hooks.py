"""A finder and loader on sys.meta_path written in Python: find_module and load_module are traced."""
import sys

SOURCES = {
    'virtual': 'import virtual.part\nname = __name__',
    'virtual.part': 'from virtual.other import f\nresult = f(3)',
    'virtual.other': 'def f(n):\n    return [i for i in range(n)]',
    'broken': 'half = 1\nraise ValueError("in import")',
}


class Finder(object):
    def find_module(self, name, path=None):
        if name in SOURCES:
            return self

    def load_module(self, name):
        module = sys.modules.setdefault(name, type(sys)(name))
        module.__path__, module.__loader__ = [], self
        exec compile(SOURCES[name], '<%s>' % name, 'exec') in module.__dict__
        return module


finder = Finder()
sys.meta_path.insert(0, finder)
import virtual.part
print virtual.part.result, virtual.name
try:
    import broken
except ValueError, error:
    print error, sys.modules.pop('broken').half
__import__ = None
import virtual.other
print virtual.other.f(1)
sys.meta_path.remove(finder)
