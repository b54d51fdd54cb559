"""IMPORT_NAME, IMPORT_FROM, IMPORT_STAR and `as`, of modules made by hand; relative levels; the errors."""
import sys

ModuleType = type(sys)
for name in ('fake', 'fake.sub', 'fake.sub.leaf'):
    sys.modules[name] = module = ModuleType(name)
    module.value, module._hidden, module.__path__ = name, 1, []
sys.modules['fake'].sub = sys.modules['fake.sub']
sys.modules['fake.sub'].leaf = module
sys.modules['listed'] = listed = ModuleType('listed')
listed.__all__, listed.a, listed._b, listed.c = ['a', '_b'], 1, 2, 3

import fake, fake.sub.leaf as deep, fake.sub
from fake import value, sub as renamed
from fake.sub import *
from listed import *
print value, deep.value, renamed.value, fake.sub.leaf.value, a, _b, '_hidden' in globals(), 'c' in globals()


def inside():
    from fake.sub import leaf
    import listed as local
    exec 'from fake import *'
    return leaf.value, local.c, value


print inside()
for bad in ('import nothing_of_this_name', 'from fake import nothing', 'from . import x', 'import fake.nothing'):
    try:
        exec bad in {'__name__': '__main__'}
    except (ImportError, ValueError), error:
        print type(error).__name__, error
for name in ('fake', 'fake.sub', 'fake.sub.leaf', 'listed'):
    del sys.modules[name]
