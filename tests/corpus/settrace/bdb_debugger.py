"""A debugger on the standard module bdb: breakpoints by function, stepping, a conditional stop."""
import bdb


class Stepper(bdb.Bdb):
    def user_line(self, frame):
        name = frame.f_code.co_name
        if name in ('f', 'g'):
            print name, frame.f_lineno - frame.f_code.co_firstlineno, sorted(frame.f_locals)
        self.set_step()

    def user_return(self, frame, value):
        if frame.f_code.co_name in ('f', 'g'):
            print 'return', frame.f_code.co_name, value


def g(y):
    return y * 2


def f(x):
    y = g(x)
    return y + 1


print Stepper().runcall(f, 3)
