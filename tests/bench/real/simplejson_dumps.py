"""simplejson with its module in C, and hooks in Python that it calls. The size is the number of rounds."""
import sys

import simplejson


class Point(object):
    def __init__(self, x, y):
        self.x, self.y = x, y


def encode(value):
    return {'point': [value.x, value.y]}


def decode(pairs):
    return dict((key.lower(), value) for key, value in pairs)


data = {'Points': [Point(i, i * 0.5) for i in range(20)], 'Names': [u'name %d' % i for i in range(20)]}
length = 0
for _ in xrange(int(sys.argv[1])):
    text = simplejson.dumps(data, default=encode, sort_keys=True)
    assert len(simplejson.loads(text, object_pairs_hook=decode)) == 2
    length += len(text)
print length
