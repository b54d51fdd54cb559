"""sort and sorted with cmp, key and reverse written in Python; comparison methods; an error inside."""


class Version(object):
    def __init__(self, text):
        self.parts = map(int, text.split('.'))

    def __lt__(self, other):
        return self.parts < other.parts

    def __repr__(self):
        return '.'.join(map(str, self.parts))


words = 'the quick brown fox jumps over the lazy dog'.split()
print sorted(words, cmp=lambda a, b: cmp(len(a), len(b)) or cmp(a, b))
print sorted(words, key=lambda w: (w[-1], w)), sorted(words, key=str.upper, reverse=True)
print sorted(map(Version, ['1.10', '1.2', '1.2.1', '0.9']))
numbers = [(i * 7919) % 101 for i in range(60)]
numbers.sort(lambda a, b: b - a)
print numbers[:5], min(numbers, key=lambda n: (n - 50) ** 2)


def quicksort(items):
    if len(items) < 2:
        return items
    pivot = items[0]
    return quicksort([x for x in items[1:] if x < pivot]) + [pivot] + \
        quicksort([x for x in items[1:] if x >= pivot])


print quicksort(numbers)[:5] == sorted(numbers)[:5]
try:
    words.sort(cmp=lambda a, b: 1 / 0)
except ZeroDivisionError:
    print len(words)
