"""for and while with else, break, continue, nesting, over iterators of several kinds."""


class Countdown(object):
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return self

    def next(self):
        if self.n == 0:
            raise StopIteration
        self.n -= 1
        return self.n


def search(items, wanted):
    for item in items:
        if item == wanted:
            break
        if item == 1:
            continue
    else:
        return 'none of them'
    return item


print search([1, 2, 3], 3), search([1, 2], 9), search([], 0), search(Countdown(4), 2)
n = 0
while n < 10:
    n += 1
    if n == 3:
        continue
    while True:
        break
    if n == 6:
        break
else:
    print 'not reached'
while n < 8:
    n += 1
else:
    print 'ended', n
for a, b in {'k': 1}.iteritems():
    print a, b
for i in iter(Countdown(3).next, 0):
    print i,
print
