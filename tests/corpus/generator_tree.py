"""A recursive tree walk: generators that delegate to generators of their own kind."""


class Node(object):
    def __init__(self, key, left=None, right=None):
        self.key, self.left, self.right = key, left, right

    def __iter__(self):
        if self.left:
            for key in self.left:
                yield key
        yield self.key
        if self.right:
            for key in self.right:
                yield key


def grow(low, high):
    if low >= high:
        return None
    middle = (low + high) // 2
    return Node(middle, grow(low, middle), grow(middle + 1, high))


def same_fringe(a, b):
    a, b = iter(a), iter(b)
    while True:
        x, y = next(a, None), next(b, None)
        if x != y:
            return False
        if x is None:
            return True


tree = grow(0, 20)
print list(tree), same_fringe(tree, grow(0, 20)), same_fringe(tree, grow(0, 19))


def permutations(items):
    if not items:
        yield ()
    for i, x in enumerate(items):
        for rest in permutations(items[:i] + items[i + 1:]):
            yield (x,) + rest


print len(list(permutations('abcd'))), next(permutations('xyz'))
