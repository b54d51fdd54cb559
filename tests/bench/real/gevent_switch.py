"""gevent: greenlets that pass items through a queue and sleep. The size is the number of items."""
import sys

import gevent
import gevent.queue

size = int(sys.argv[1])
queue = gevent.queue.Queue(maxsize=8)
total = [0]


def produce(start):
    for item in xrange(start, size, 4):
        queue.put(item)
        if item % 64 == 0:
            gevent.sleep(0)


def consume():
    while True:
        item = queue.get()
        if item is None:
            return
        total[0] += sum(divmod(item, 7))


consumers = [gevent.spawn(consume) for _ in range(4)]
gevent.joinall([gevent.spawn(produce, start) for start in range(4)])
for _ in consumers:
    queue.put(None)
gevent.joinall(consumers)
print total[0]
