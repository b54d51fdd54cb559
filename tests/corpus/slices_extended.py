"""BUILD_SLICE with two and three parts, Ellipsis and tuples of slices."""


class Show(object):
    def __getitem__(self, key):
        return key

    def __setitem__(self, key, value):
        print 'set', key, value

    def __delitem__(self, key):
        print 'del', key


show = Show()
print show[::2], show[1:2:3], show[1:2, 3:4], show[..., 1], show[...]
print show[1:2], show['k'], show[None, :], show[()]
show[1:9:2] = 'x'
show[..., ::-1] = 'y'
del show[::3], show[1, 2], show[...]
digits = range(10)
print digits[::-1], digits[8:2:-3], 'abcdef'[::2], (1, 2, 3)[::-1]
digits[::2] = 'abcde'
del digits[1::3]
print digits
try:
    digits[::2] = [1]
except ValueError, error:
    print error
