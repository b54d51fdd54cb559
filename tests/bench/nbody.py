"""Bodies that attract one another: floats and subscripts, few calls. The size is the number of steps."""
import math
import sys


class Body(object):
    def __init__(self, mass, distance, angle):
        self.mass = mass
        self.place = [distance * math.cos(angle), distance * math.sin(angle), distance * 0.01]
        speed = 1.0 / math.sqrt(distance) if distance else 0.0
        self.speed = [-speed * math.sin(angle), speed * math.cos(angle), 0.0]


def pairs_of(bodies):
    return [(one, other) for i, one in enumerate(bodies) for other in bodies[i + 1:]]


def rest(bodies):
    """Takes the common movement away, so that the whole stays where it is."""
    mass = sum(body.mass for body in bodies)
    for axis in xrange(3):
        drift = sum(body.mass * body.speed[axis] for body in bodies) / mass
        for body in bodies:
            body.speed[axis] -= drift


def advance(bodies, pairs, time, steps):
    for _ in xrange(steps):
        for one, other in pairs:
            x = one.place[0] - other.place[0]
            y = one.place[1] - other.place[1]
            z = one.place[2] - other.place[2]
            square = x * x + y * y + z * z
            pull = time / (square * math.sqrt(square))
            from_one, from_other = one.mass * pull, other.mass * pull
            speed = one.speed
            speed[0] -= x * from_other
            speed[1] -= y * from_other
            speed[2] -= z * from_other
            speed = other.speed
            speed[0] += x * from_one
            speed[1] += y * from_one
            speed[2] += z * from_one
        for body in bodies:
            place, speed = body.place, body.speed
            place[0] += time * speed[0]
            place[1] += time * speed[1]
            place[2] += time * speed[2]


def energy(bodies, pairs):
    total = 0.0
    for body in bodies:
        total += body.mass * sum(v * v for v in body.speed) / 2
    for one, other in pairs:
        square = sum((a - b) ** 2 for a, b in zip(one.place, other.place))
        total -= one.mass * other.mass / math.sqrt(square)
    return total


bodies = [Body(1.0, 0.0, 0.0)] + [Body(0.001 / n, 1.0 + 0.7 * n, 2.0 * n) for n in xrange(1, 5)]
rest(bodies)
pairs = pairs_of(bodies)
before = energy(bodies, pairs)
advance(bodies, pairs, 0.001, int(sys.argv[1]))
print '%.6f %.6f' % (before, energy(bodies, pairs))
