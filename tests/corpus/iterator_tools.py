"""Python functions called back from itertools, map, filter, zip, iter with a sentinel, enumerate, sum."""
import itertools


def chatty(name):
    for i in range(4):
        print name, i,
        yield i


print list(itertools.chain(chatty('a'), chatty('b')))
print list(itertools.takewhile(lambda x: x < 2, chatty('t')))
print [(k, list(g)) for k, g in itertools.groupby('aabbbc', lambda c: c > 'a')]
print zip(chatty('p'), chatty('q'))[1:3]
print list(itertools.islice(itertools.imap(lambda a, b: a * b, itertools.count(1), chatty('m')), 3))
a, b = itertools.tee(chatty('tee'))
print a.next(), list(b), list(a)
state = [0]


def step():
    state[0] += 3
    return state[0]


print list(iter(step, 12)), sum(chatty('s'), 10), list(enumerate(chatty('e'), 5))[-1]
print [p for p in itertools.permutations([1, 2, 3], 2) if sum(p) % 2], reversed([1, 2]).next()
print list(itertools.ifilterfalse(lambda x: x % 2, chatty('f'))), any(chatty('any')), all(chatty('all'))
