"""Every in-place operator, on names, attributes, subscripts and slices."""


def on_local(a, b):
    a **= b
    a *= b
    a /= b
    a //= b
    a += b
    a -= b
    a <<= b
    a &= 0xffff
    a ^= b
    a |= 0x100
    a >>= b
    a %= 97
    return a


class Box(object):
    value = 5


print on_local(7, 3)
Box.value += 2
Box.value *= 3
numbers = [1, 2, 3, 4]
numbers[1] += 10
numbers[1:3] += [7, 8]
numbers[-1] **= 2
numbers += (9,)
print Box.value, numbers
words = {'a': 1}
words['a'] -= 4
print words
