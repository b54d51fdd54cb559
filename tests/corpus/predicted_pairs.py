"""Pairs of opcodes that ceval.c predicts (PREDICT): each second one still is an instruction of its own."""


def pairs(items):
    total, seen = 0, []
    for item in items:
        total += item
    for a, b in zip(items, items):
        seen.append((a, b))
    evens = [i for i in items if i % 2 == 0]
    odds = {i for i in items if i % 2 != 0}
    index = {i: -i for i in items}
    while total > 3:
        total -= 3
    if total is not None and total != 7:
        total += 1
    best = total if total == 5 else 0
    worst = total == 1 or total == 2
    return total, seen, evens, sorted(odds), index[2], best, worst


class Manager(object):
    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return exc[0] is not None


def managed(error):
    with Manager():
        if error:
            raise error
        return 'returned'
    return 'suppressed'


print pairs([1, 2, 3, 4]), managed(None), managed(KeyError)
