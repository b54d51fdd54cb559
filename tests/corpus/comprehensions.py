"""List, set and dict comprehensions and generator expressions, nested and filtered, over a closure."""


def table(n):
    squares = [i * i for i in range(n)]
    evens = {i for i in squares if i % 2 == 0}
    index = {i: str(i) for i in evens if i}
    pairs = [(a, b) for a in range(3) if a for b in range(a) if not b]
    nested = [[a + b for a in 'xy'] for b in 'pq']
    lazy = (n * i for i in squares if i > 2)
    deep = [{k: {a for a in range(k)} for k in range(j)} for j in range(3)]
    return squares, sorted(evens), sorted(index.items()), pairs, nested, list(lazy), deep


print table(6)
print [leaked for leaked in 'abc'], leaked
print sum(x for x in xrange(10) if x % 3), max(len(w) for w in 'a bc def'.split())
print dict((k, v) for k, v in zip('ab', (1, 2))) == {'a': 1, 'b': 2}
print [f() for f in [lambda: i for i in range(3)]]
