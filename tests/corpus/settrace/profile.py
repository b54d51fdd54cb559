"""sys.setprofile counts calls, returns and C calls; combined with sys.settrace."""
import sys

events = []


def profiler(frame, event, arg):
    events.append(event if event[:2] != 'c_' else '%s %s' % (event, arg.__name__))


def f(n):
    return abs(n) + len(str(n))


sys.setprofile(profiler)
f(-5)
try:
    int('x')
except ValueError:
    pass
sys.setprofile(None)
print events
del events[:]
sys.settrace(lambda frame, event, arg: None)
sys.setprofile(profiler)
f(7)
sys.setprofile(None)
sys.settrace(None)
print events
