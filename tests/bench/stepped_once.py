"""A hot loop. With a second argument, code that runs off its end runs once before, which only single-stepping
records. The size is the number of rounds."""
import os
import sys
import types


def once():
    # JUMP_FORWARD to the very end: the string's NUL is read as STOP_CODE.
    code = types.CodeType(0, 0, 5, 64, 'n\x02\x00d\x01', (None, 1), (), (), '<bytes>', 'once', 1, '')
    # The interpreter prints where that happened.
    errors = os.dup(2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    try:
        eval(code)
    except SystemError:
        os.dup2(errors, 2)
        return
    raise AssertionError('the code has an end')


def hot(size):
    total = 0
    for number in xrange(size):
        if number & 1:
            total += number
        else:
            total ^= number
    return total


if len(sys.argv) > 2:
    once()
print hot(int(sys.argv[1]))
