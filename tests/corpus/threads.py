"""Only the starting thread is traced: others run Python code that must leave no line. The main thread
waits in C, on locks, so that its own instructions are the same whatever the schedule."""
import thread


def work(n, done, box):
    total = 0
    for i in xrange(n):
        total += i
    box.append(total)
    done.release()


def fails(done):
    try:
        {}['in thread']
    except KeyError:
        pass
    done.release()


locks, boxes = [], []
for n in (10, 2000, 300):
    lock, box = thread.allocate_lock(), []
    lock.acquire()
    locks.append(lock)
    boxes.append(box)
    thread.start_new_thread(work, (n, lock, box))
for lock in locks:
    lock.acquire()
print boxes
gate = thread.allocate_lock()
gate.acquire()
thread.start_new_thread(fails, (gate,))
gate.acquire()
print sum(i for i in xrange(3000))
