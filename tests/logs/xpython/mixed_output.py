"""Output without line ends
and constants with them, so that a log with both streams is a patchwork."""
import sys


def words(n):
    while n:
        print 'word',
        sys.stdout.write('%d INFO:x-python.vm: no record;' % n)
        n -= 1
    text = """three
lines (of) a
INFO: text"""
    copy = text
    print text, copy is not text


words(2)
print 'end', words is not sys, 'e' not in sys.argv[0]
