"""Recursive generators that walk a tree 18 deep. The size is the number of walks."""
import sys


class Node(object):
    def __init__(self, value, children):
        self.value = value
        self.children = children

    def __iter__(self):
        yield self.value
        for child in self.children:
            for value in child:
                yield value


def tree(depth):
    # A chain with a leaf at each joint, so that most of it lies deep.
    node = Node(0, [])
    for value in xrange(1, depth):
        node = Node(value, [Node(-value, []), node])
    return node


root = tree(18)
total = 0
for _ in xrange(int(sys.argv[1])):
    for value in root:
        total += value
print total
