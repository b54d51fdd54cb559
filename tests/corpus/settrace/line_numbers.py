"""The line numbers that a program's own trace function sees: loops, continued lines, several on one line."""
import sys

lines = []


def tracer(frame, event, arg):
    if event == 'line':
        lines.append(frame.f_lineno - frame.f_code.co_firstlineno)
        assert frame.f_lasti >= 0
    return tracer


def sample(n):
    a = 1; b = 2
    while n:
        n -= 1
        c = (a +
             b +
             n)
    try:
        return [x for x in
                range(2)]
    finally:
        c = None


sys.settrace(tracer)
sample(2)
sys.settrace(None)
print lines
