"""f_lineno is assigned at each line, there and back, in a loop, a try statement and a generator."""
import sys


def jumper(places):
    """Jumps from a line of `f` at an event, counted from 0, by so many lines."""
    def trace(frame, event, arg):
        if frame.f_code.co_name not in ('f', 'g'):
            return None
        frame.f_trace = trace
        if event != 'call':
            place = event, frame.f_lineno - frame.f_code.co_firstlineno
            for by in places.pop(place, []):
                before = frame.f_lineno
                try:
                    frame.f_lineno += by
                    log.append((event, before, frame.f_lineno))
                except ValueError, error:
                    log.append((event, before, str(error)))
        return trace
    return trace


def run(function, places):
    del log[:]
    sys.settrace(jumper(places))
    try:
        result = function()
    except Exception, error:
        result = repr(error)
    sys.settrace(None)
    first = function.func_code.co_firstlineno
    print result, [(event, a - first, b if isinstance(b, str) else b - first) for event, a, b in log]


def f():
    out = []
    for i in (1, 2, 3):
        if i == 2:
            out.append('two')
            out.append(i)
        out.append(-i)
    try:
        out.append(1 // (i - 3))
    except ZeroDivisionError:
        out.append('zero')
        out.append('more')
    finally:
        out.append('finally')
    return out


def g():
    yield 1
    for i in (1, 2):
        yield i
        i += 1
        yield i
    yield 3


log = []
run(f, {})
for event in 'exception', 'return':
    run(f, {(event, 8): [1], (event, 14): [-1]})
for at in range(1, 8):
    for by in (-at + 1, -2, -1, 1, 2, 3):
        run(f, {('line', at): [by]})
run(f, {('line', 4): [2, -1]})
for at in range(1, 7):
    for by in (-2, -1, 1, 2):
        run(lambda: list(g()), {('line', at): [by]})
