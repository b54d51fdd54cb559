"""sys.settrace with a local trace function that counts call, line, return and exception events."""
import sys

counts = {}


def tracer(frame, event, arg):
    key = frame.f_code.co_name, event
    counts[key] = counts.get(key, 0) + 1
    return tracer


def loop(n):
    total = 0
    for i in range(n):
        total += i
    return total


def generate():
    yield 1
    yield 2


def raises():
    try:
        {}[0]
    except KeyError:
        pass


sys.settrace(tracer)
loop(5)
list(generate())
raises()
sys.settrace(None)
loop(5)
for key in sorted(counts):
    print key, counts[key]
