"""hunter traces a small program with predicates, by its C tracer or by the one in Python."""
import os
import sys

import hunter
from hunter import CallPrinter, CodePrinter, Q, VarsPrinter


def leaf(n):
    total = n + 1
    return total


def root(items):
    seen = []
    for item in items:
        if item % 2:
            seen.append(leaf(item))
    try:
        leaf('x')
    except TypeError as error:
        seen.append(type(error).__name__)
    return seen


def generate(n):
    for i in xrange(n):
        yield i


print hunter.Tracer.__module__, sys.gettrace() is None

options = dict(stream=sys.stdout, force_colors=False)
here = Q(filename_endswith='hunter_smoke.py')

with hunter.trace(here, action=CodePrinter(**options)):
    print root(range(4))

with hunter.trace(here & Q(function='leaf') & ~Q(kind='line'), action=CallPrinter(**options)):
    print root([1, 3])

calls = []
with hunter.trace(here & Q(function='generate', kind_in=['call', 'return']),
                  action=lambda event: calls.append((event.kind, event.arg, event.depth))):
    print sum(generate(2))
print calls

with hunter.trace(here & Q(function='leaf', kind='line'), VarsPrinter('n', **options)):
    root([5])

with hunter.trace(here & Q(module='__main__') & Q(function='root', kind='exception'),
                  action=lambda event: sys.stdout.write('exception %s\n' % event.arg[0].__name__)):
    root([])
print sys.gettrace() is None, os.path.basename(__file__)
