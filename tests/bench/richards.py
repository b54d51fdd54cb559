"""The scheduler of a small operating system, simulated. The size is the number of simulations.

The simulation is the one that Martin Richards devised to compare implementations of BCPL: an idle
task that gives work to two devices, a worker that makes messages, two handlers that pass them on
byte by byte, two devices that keep them for a while. Written from that description: objects
with many small methods, linked lists, and a call through an attribute for each step. With 10,000
rounds it sends 23,246 messages and holds 9,297 times, as every implementation does.
"""
import sys

IDLE, WORKER, FIRST_HANDLER, SECOND_HANDLER, FIRST_DEVICE, SECOND_DEVICE = range(6)
FOR_DEVICES, FOR_HANDLERS = range(2)
BYTES = 4


class Message(object):
    """Travels between tasks; each task keeps what came for it in a list linked by `next`."""

    def __init__(self, owner, kind):
        self.next = None
        self.owner = owner
        self.kind = kind
        self.index = 0
        self.bytes = [0] * BYTES


class Mailbox(object):
    def __init__(self):
        self.first = None

    def put(self, message):
        message.next = None
        if self.first is None:
            self.first = message
            return
        last = self.first
        while last.next is not None:
            last = last.next
        last.next = message

    def take(self):
        message = self.first
        if message is not None:
            self.first = message.next
            message.next = None
        return message

    def is_empty(self):
        return self.first is None


class Task(object):
    """Is asked to `step` for as long as it is neither held back nor waiting for a message.

    A step returns the task that is to go on.
    """

    def __init__(self, system, name, priority, waiting=True):
        self.system = system
        self.name = name
        self.priority = priority
        self.mailbox = Mailbox()
        self.waiting = waiting
        self.held = False
        self.after = system.add(self)

    def is_blocked(self):
        return self.held or (self.waiting and self.mailbox.is_empty())

    def run(self):
        """One step; only who waited gets a message."""
        message = self.mailbox.take() if self.waiting else None
        self.waiting = False
        return self.step(message)

    def wait(self):
        self.waiting = True
        return self

    def step(self, message):
        raise NotImplementedError


class Idle(Task):
    """Lets the one or the other device go on, as a shift register of 16 bits says."""

    def __init__(self, system, rounds):
        Task.__init__(self, system, IDLE, 0, waiting=False)
        self.rounds = rounds
        self.register = 1

    def step(self, message):
        self.rounds -= 1
        if self.rounds == 0:
            return self.system.hold(self)
        if self.register & 1:
            self.register = (self.register >> 1) ^ 0xD008
            return self.system.release(self, SECOND_DEVICE)
        self.register >>= 1
        return self.system.release(self, FIRST_DEVICE)


class Worker(Task):
    """Fills what comes back with letters and sends it to the handlers in turn."""

    def __init__(self, system):
        Task.__init__(self, system, WORKER, 1000)
        self.handler = FIRST_HANDLER
        self.letter = 0

    def step(self, message):
        if message is None:
            return self.wait()
        if self.handler == FIRST_HANDLER:
            self.handler = SECOND_HANDLER
        else:
            self.handler = FIRST_HANDLER
        message.owner = self.handler
        message.index = 0
        for at in xrange(BYTES):
            self.letter = self.letter % 26 + 1
            message.bytes[at] = ord('A') + self.letter - 1
        return self.system.send(self, message)


class Handler(Task):
    """Passes the bytes of the worker's messages to its device, one in each device message."""

    def __init__(self, system, name, priority, device):
        Task.__init__(self, system, name, priority)
        self.device = device
        self.work = Mailbox()
        self.free = Mailbox()

    def sort(self, message):
        if message.kind == FOR_HANDLERS:
            self.work.put(message)
        else:
            self.free.put(message)

    def step(self, message):
        if message is not None:
            self.sort(message)
        work = self.work.first
        if work is not None:
            if work.index >= BYTES:
                self.work.take()
                work.owner = WORKER
                return self.system.send(self, work)
            carrier = self.free.take()
            if carrier is not None:
                carrier.bytes[0] = work.bytes[work.index]
                work.index += 1
                carrier.owner = self.device
                return self.system.send(self, carrier)
        return self.wait()


class Device(Task):
    """Keeps a message until the idle task lets it go on, then sends it back."""

    def __init__(self, system, name, priority, handler):
        Task.__init__(self, system, name, priority)
        self.handler = handler
        self.pending = None

    def step(self, message):
        if message is not None:
            self.pending = message
            return self.system.hold(self)
        if self.pending is None:
            return self.wait()
        message, self.pending = self.pending, None
        message.owner = self.handler
        return self.system.send(self, message)


class System(object):
    """The tasks, linked from the most urgent to the idle one."""

    def __init__(self):
        self.first = None
        self.by_name = {}
        self.sent = 0
        self.holds = 0

    def add(self, task):
        """Puts a task in front; returns the one behind it."""
        after, self.first = self.first, task
        self.by_name[task.name] = task
        return after

    def send(self, sender, message):
        self.sent += 1
        task = self.by_name[message.owner]
        was_empty = task.mailbox.is_empty()
        task.mailbox.put(message)
        return task if was_empty and task.priority > sender.priority else sender

    def hold(self, task):
        self.holds += 1
        task.held = True
        return task.after

    def release(self, sender, name):
        task = self.by_name[name]
        task.held = False
        return task if task.priority > sender.priority else sender

    def run(self):
        steps = 0
        task = self.first
        while task is not None:
            if task.is_blocked():
                task = task.after
            else:
                steps += 1
                task = task.run()
        return steps


def simulate(rounds):
    system = System()
    Idle(system, rounds)
    worker = Worker(system)
    for _ in xrange(2):
        worker.mailbox.put(Message(WORKER, FOR_HANDLERS))
    for name, priority, device in ((FIRST_HANDLER, 2000, FIRST_DEVICE),
                                   (SECOND_HANDLER, 3000, SECOND_DEVICE)):
        handler = Handler(system, name, priority, device)
        for _ in xrange(3):
            handler.mailbox.put(Message(device, FOR_DEVICES))
    Device(system, FIRST_DEVICE, 4000, FIRST_HANDLER)
    Device(system, SECOND_DEVICE, 5000, SECOND_HANDLER)
    steps = system.run()
    return steps, system.sent, system.holds


result = None
for _ in xrange(int(sys.argv[1])):
    result = simulate(250)
print result
