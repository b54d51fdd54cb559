"""and, or, not and conditional expressions: every conditional jump, taken and not."""


def short(a, b, c):
    both = a and b and c
    either = a or b or c
    mixed = (a or b) and not c
    choice = 'yes' if a and not b else 'no'
    if a and (b or c):
        return both, either, mixed, choice, 1
    elif not (a or b):
        return both, either, mixed, choice, 2
    while a and b:
        return both, either, mixed, choice, 3
    return both, either, mixed, choice, 4


class Falsy:
    def __len__(self):
        return 0


for a in (0, 1):
    for b in ('', 'b'):
        for c in ([], [3]):
            print short(a, b, c)
print Falsy() and 1 or 2, [] or {} or () or 'last', 1 and 2 and 3
assert Falsy() or True, 'never said'
