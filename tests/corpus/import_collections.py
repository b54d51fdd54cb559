"""Importing `collections` afresh: namedtuple (exec of a template), Counter; heapq and bisect."""
import sys

# imported afresh, whatever the tracer has imported before; the old modules stay alive for it
kept = [sys.modules.pop(name, None) for name in 'collections keyword heapq bisect'.split()]
import bisect
import collections
import heapq

Point = collections.namedtuple('Point', 'x y')
p = Point(1, y=2)
print p, p._replace(x=5), Point._make('ab'), p.x + p.y
count = collections.Counter('abracadabra')
count.update('aab')
print sorted(count.items()), count['zz'], count.most_common(1)
d = collections.defaultdict(lambda: 'made')
print d['new'], collections.deque([1, 2, 3], 2)
print list(heapq.merge([1, 4], [2, 3])), heapq.nsmallest(2, [5, 1, 4], key=lambda n: -n)
items = [1, 3, 5]
bisect.insort(items, 4)
print items
try:
    collections.namedtuple('Bad', 'class x')
except ValueError, error:
    print error
