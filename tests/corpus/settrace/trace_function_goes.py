"""Trace functions that raise at each kind of event, end themselves or others, and change while the program runs."""
import sys


def f(n):
    total = 0
    for i in range(n):
        try:
            total += 10 // i
        except ZeroDivisionError:
            total += 1
    return total


def g(n):
    for i in range(n):
        yield f(i)


def deep(n):
    if n:
        for x in deep(n - 1):
            yield x
    yield n


def program():
    return f(3), list(g(3)), list(deep(3)), sum(x for x in g(2))


def run(trace):
    sys.settrace(trace)
    try:
        result = program()
    except Exception, error:
        result = repr(error)
    left = sys.gettrace() is trace
    sys.settrace(None)
    print result, left


def raises(wanted, count):
    seen = []

    def trace(frame, event, arg):
        if event == wanted:
            seen.append(event)
            if len(seen) == count:
                raise KeyError(wanted)
        return trace
    return trace


for event in 'call', 'line', 'exception', 'return':
    for count in 1, 2, 7, 20:
        run(raises(event, count))


def ends(wanted, count, how):
    seen = []

    def trace(frame, event, arg):
        seen.append(event)
        if event == wanted and seen.count(event) == count:
            how(frame)
        return trace
    return trace


def remove(frame):
    sys.settrace(None)


def replace(frame):
    sys.settrace(raises('line', 3))


def forget(frame):
    del frame.f_trace


def elsewhere(frame):
    # Traced frames that a trace function runs, and one that it leaves unfinished.
    print list(deep(2)), kept.next(), f(2)


for how in remove, replace, forget, elsewhere:
    for event in 'call', 'line', 'exception', 'return':
        for count in 1, 5:
            kept = deep(2)
            run(ends(event, count, how))


def once(frame, event, arg):
    seen.append(frame.f_code.co_name)


# No function is called at lines, or one of C is.
seen = []
run(once)
print len(seen)
sys.settrace(dict)
try:
    program()
except Exception, error:
    print error
sys.settrace(None)
values = []
sys.settrace(lambda frame, event, arg: values.append)
try:
    program()
except TypeError, error:
    print error
sys.settrace(None)
