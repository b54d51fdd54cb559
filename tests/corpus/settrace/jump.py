"""A debugger's jump: a trace function assigns f_lineno, forwards and backwards."""
import sys


def skipping(frame, event, arg):
    if event == 'line' and frame.f_code.co_name == 'f':
        line = frame.f_lineno - frame.f_code.co_firstlineno
        if line == 2 and 'skip' not in done:
            done.append('skip')
            frame.f_lineno += 2
        elif line == 5 and 'back' not in done:
            done.append('back')
            frame.f_lineno -= 3
    return skipping


def f():
    log = ['one']
    log.append('two')
    log.append('three')
    log.append('four')
    return log


done = []
sys.settrace(skipping)
result = f()
sys.settrace(None)
print result, done


def bad(frame, event, arg):
    if event == 'line' and frame.f_lineno == g.func_code.co_firstlineno + 1 and not refused:
        refused.append(1)
        try:
            frame.f_lineno = frame.f_code.co_firstlineno + 2
        except ValueError, error:
            print error
    return bad


def g():
    for i in range(2):
        i += 1
    return i


refused = []
sys.settrace(bad)
g()
sys.settrace(None)
