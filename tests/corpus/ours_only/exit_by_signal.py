"""The process kills itself with SIGKILL: the trace must hold every instruction up to the call.

Ours only: the oracle's last buffered lines are lost."""
import os
import signal


def work(n):
    return sum(i * i for i in xrange(n))


print work(500)
os.kill(os.getpid(), signal.SIGKILL)
