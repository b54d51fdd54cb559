"""os.fork: the child's instructions must not garble the trace; the parent waits for it."""
import os
import sys

sys.stdout.flush()
pid = os.fork()
if pid == 0:
    total = sum(i for i in range(50))
    os._exit(total % 7)
print os.WEXITSTATUS(os.waitpid(pid, 0)[1])
for i in range(20):
    i * i
