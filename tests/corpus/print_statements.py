"""PRINT_ITEM, PRINT_NEWLINE and their _TO forms, trailing commas, a file-like object, None."""
import sys


class Writer:
    def __init__(self):
        self.parts = []

    def write(self, text):
        self.parts.append(text)


print
print 1, 'two', 3.0,
print 'same line'
print 'tab\t', 'after tab'
print 'no newline yet',
sys.stdout.write('|written\n')
writer = Writer()
print >>writer, 'to', 'writer'
print >>writer, 'and',
print >>writer, 'more'
print >>writer
print >>None, 'to stdout', 5
print >>sys.stderr, 'to stderr', [1]
print writer.parts, writer.softspace
try:
    print >>5, 'nowhere'
except AttributeError, error:
    print error
