"""Imports that the source does not show: `reduce` imports functools, .encode the encodings."""
print reduce(lambda a, b: a + b, range(5))
print repr(u'caf\xe9'.encode('utf-16-be')), 'text'.encode('hex'), 'grkg'.decode('rot13')
print u'\xe9'.encode('ascii', 'replace')
try:
    'x'.encode('no such codec')
except LookupError, error:
    print error
