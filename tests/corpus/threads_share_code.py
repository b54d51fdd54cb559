"""The same function runs in the main thread and in another, one after the other: one set of lines."""
import thread


def shared(n, log):
    for i in range(n):
        log.append(i * n)
    return len(log)


def in_thread(n, log, lock):
    shared(n, log)
    lock.release()


log = []
for n in range(4):
    lock = thread.allocate_lock()
    lock.acquire()
    thread.start_new_thread(in_thread, (n, log, lock))
    lock.acquire()
    print shared(n, log)


def generate():
    for i in range(5):
        yield i


def advance(g, out, lock):
    out.append(g.next())
    lock.release()


g, out = generate(), []
for i in range(2):
    lock.acquire(0)
    thread.start_new_thread(advance, (g, out, lock))
    lock.acquire()
    out.append(g.next())
print out
