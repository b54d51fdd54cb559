"""sys.getrefcount of locals, code, frames and constants, seen from inside: tracing must not add to them.

Ours only: under a trace function written in Python, frame.f_locals holds the locals once more."""
import gc
import sys


def count(x):
    y = x
    return sys.getrefcount(x), sys.getrefcount(count.func_code), sys.getrefcount(None) > 1


def dropped():
    code = compile('1 + x', '<dropped>', 'eval')
    before = sys.getrefcount(code)
    eval(code, {'x': 2})
    return before, sys.getrefcount(code), len(gc.get_referrers(code)) - 1


def locals_twice():
    a = 1
    first = locals()
    b = 2
    return sorted(first), locals() is first, sorted(first)


print count(object()), count([]), dropped(), locals_twice()
gc.collect()
print gc.collect(), [g for g in gc.garbage]
