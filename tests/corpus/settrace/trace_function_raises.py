"""A trace function that raises: the exception reaches the program and its tracing ends; ours goes on."""
import sys


def tracer(frame, event, arg):
    if event == 'line' and frame.f_code.co_name == 'f' and frame.f_lineno > frame.f_code.co_firstlineno + 1:
        raise KeyError('from the trace function')
    return tracer


def f():
    a = 1
    b = 2
    return a + b


sys.settrace(tracer)
try:
    f()
except KeyError, error:
    print error, sys.gettrace()
print f()
