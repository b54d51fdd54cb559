"""A loop under the program's own `sys.settrace`, as coverage and pdb do it. The size is the number of rounds."""
import sys

lines = [0]


def trace(frame, event, argument):
    if event == 'line':
        lines[0] += 1
    return trace


def work(size):
    total = 0
    for number in xrange(size):
        if number % 3:
            total += number
        else:
            total -= 1
    return total


sys.settrace(trace)
result = work(int(sys.argv[1]))
sys.settrace(None)
print result, lines[0]
