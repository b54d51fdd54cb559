"""String concatenation in loops, join, translate, unicode and str mixed, slicing, methods by the dozen."""


def grow(n):
    text, wide = '', u''
    for i in xrange(n):
        text += chr(65 + i % 26)
        wide = wide + text[-1:]
        if len(text) % 7 == 0:
            text = text[:-2] + '-'
    return text, wide == text


def caesar(text, n):
    return ''.join(chr((ord(c) - 97 + n) % 26 + 97) if c.isalpha() else c for c in text)


def run_lengths(text):
    out, i = [], 0
    while i < len(text):
        j = i
        while j < len(text) and text[j] == text[i]:
            j += 1
        out.append((text[i], j - i))
        i = j
    return out


print grow(40), caesar(caesar('hello, world', 5), -5), run_lengths('aaabccdddd')
print 'a,b,c'.split(','), 'x'.join('123'), 'Mixed Case'.swapcase(), 'abc'.translate('x' * 256)
print u'a' + 'b', 'abc' < u'abd', u'%s' % 'c', repr('\x00\xff\n'), repr(u'\xe9\u20ac')
