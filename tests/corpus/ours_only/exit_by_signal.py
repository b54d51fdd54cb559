"""The process kills itself with SIGKILL: its trace up to the call.

Ours only: see exit_at_once.py."""
import os
import signal
import sys


def work(n):
    return sum(i * i for i in xrange(n))


print work(500)
sys.stdout.flush()
os.kill(os.getpid(), signal.SIGKILL)
