"""pickle in pure Python, every protocol, to and fro. The size is the number of rounds."""
import pickle
import sys


class Node(object):
    def __init__(self, name, children):
        self.name = name
        self.children = children
        self.parent = None
        for child in children:
            child.parent = self

    def count(self):
        return 1 + sum(child.count() for child in self.children)


class Old:
    def __init__(self, value):
        self.value = value

    def __getstate__(self):
        return {'value': self.value, 'twice': self.value * 2}


class Pair(tuple):
    def __reduce__(self):
        return Pair, (tuple(self),)


def tree(depth, name):
    if depth == 0:
        return Node(name, [])
    return Node(name, [tree(depth - 1, name + letter) for letter in 'ab'])


data = {
    'numbers': [0, 1, -1, 255, 65536, 1 << 31, 1 << 70, -(1 << 90), 0.5, 1e300],
    'texts': ['', 'text', 'a\nb', u'\u20ac', 'x' * 300],
    'keys': dict((i, str(i)) for i in range(40)),
    'tree': tree(4, 'root'),
    'old': [Old(i) for i in range(10)],
    'pairs': [Pair((i, (i, (i,)))) for i in range(10)],
    'others': (None, True, False, len, Node, ()),
}
data['itself'] = data

length = 0
for _ in xrange(int(sys.argv[1])):
    for protocol in range(3):
        dumped = pickle.dumps(data, protocol)
        loaded = pickle.loads(dumped)
        assert loaded['tree'].count() == 31 and loaded['itself'] is loaded
        length += len(dumped)
print length
