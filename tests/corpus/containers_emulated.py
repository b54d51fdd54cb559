"""Iteration, containment, length, reversed, and truth on classes with the container methods."""


class Deck(object):
    def __init__(self, cards):
        self.cards = list(cards)

    def __len__(self):
        return len(self.cards)

    def __getitem__(self, i):
        return self.cards[i]

    def __setitem__(self, i, card):
        self.cards[i] = card

    def __delitem__(self, i):
        del self.cards[i]

    def __reversed__(self):
        return (c.upper() for c in self.cards[::-1])


class Missing(dict):
    def __missing__(self, key):
        self[key] = len(self)
        return self[key]


deck = Deck('abcde')
del deck[0]
deck[-1] = 'z'
print list(deck), 'z' in deck, 'q' in deck, len(deck), list(reversed(deck)), bool(Deck(''))
print deck[1:3], sorted(deck, reverse=True), max(deck), zip(deck, Deck('12')), tuple(enumerate(deck))
numbers = Missing()
print [numbers[c] for c in 'abac'], sorted(numbers)
try:
    iter(5)
except TypeError, error:
    print error
