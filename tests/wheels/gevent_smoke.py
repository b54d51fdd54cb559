"""Gevent's hub: greenlets that wait for each other, in an order that is always the same."""
import gevent
from gevent.event import Event
from gevent.pool import Pool
from gevent.queue import Queue


def producer(queue, n):
    for i in range(n):
        queue.put(i)
        gevent.sleep(0)
    queue.put(StopIteration)


def consumer(queue, out):
    for item in queue:
        out.append(item * 2)


def fails(n):
    gevent.sleep(0)
    try:
        return 1 // n
    except ZeroDivisionError:
        gevent.sleep(0)
        return 'failed'


def waits(event, out):
    event.wait()
    out.append('waited')


def main():
    queue, out = Queue(), []
    gevent.joinall([gevent.spawn(producer, queue, 5), gevent.spawn(consumer, queue, out)])
    print out
    print Pool(2).map(abs, [-1, 2, -3])
    print gevent.spawn(fails, 0).get()
    event, out = Event(), []
    waiting = [gevent.spawn(waits, event, out) for _ in range(3)]
    gevent.sleep(0)
    event.set()
    gevent.joinall(waiting)
    killed = gevent.spawn(waits, Event(), out)
    gevent.sleep(0)
    killed.kill()
    print out, killed.dead


main()
