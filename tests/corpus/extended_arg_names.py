"""More than 65,536 names in a code object: LOAD, STORE, DELETE of names, globals and attributes beyond it."""
import sys

sys.modules['late_module'] = type(sys)('late_module')
sys.modules['late_module'].late_member = 'member'


class Box(object):
    pass


many = 'if limit < 0:\n    n' + '\n    n'.join(map(str, xrange(65540)))
exec many + """
late = [1]
print late
late.append
box.late_attribute = 5
print box.late_attribute
del box.late_attribute
del late
import late_module
from late_module import late_member as m
print m
""" in {'limit': 1, 'box': Box()}
exec 'def f(limit):\n    global late_global\n    ' + many.replace('\n', '\n    ') + """
    late_global = limit
    limit = late_global
    del late_global
    return limit
"""
print f(1)
del sys.modules['late_module']
