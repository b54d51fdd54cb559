"""SIGINT becomes KeyboardInterrupt between two instructions; caught once, then uncaught: status 1."""
import os
import signal

signal.signal(signal.SIGINT, signal.default_int_handler)


def interrupt(times):
    for i in range(times):
        try:
            os.kill(os.getpid(), signal.SIGINT)
            print 'not reached'
        except Exception:
            print 'not an Exception'
        finally:
            print 'finally', i


try:
    interrupt(2)
except KeyboardInterrupt:
    print 'caught'
interrupt(1)
