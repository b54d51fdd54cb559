"""A signal sent to ourselves: its Python handler runs before the instruction after the call, every time."""
import os
import signal

seen = []


def handler(number, frame):
    seen.append((number == signal.SIGUSR1, frame.f_code.co_name))
    for i in range(2):
        seen.append(i)


def send():
    x = 1
    os.kill(os.getpid(), signal.SIGUSR1)
    y = len(seen)
    return x, y


class Interrupted(Exception):
    pass


def raising(number, frame):
    raise Interrupted(frame.f_lineno > 0)


signal.signal(signal.SIGUSR1, handler)
print send(), seen
signal.signal(signal.SIGUSR2, raising)
try:
    os.kill(os.getpid(), signal.SIGUSR2)
    print 'not reached'
except Interrupted, error:
    print 'interrupted', error
signal.signal(signal.SIGUSR1, signal.SIG_IGN)
os.kill(os.getpid(), signal.SIGUSR1)
print len(seen), signal.getsignal(signal.SIGUSR2) is raising
