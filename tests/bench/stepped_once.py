"""A hot loop. With a second argument, a function that jumps outside its own bytes runs once before, which only
single-stepping can record. The size is the number of rounds."""
import sys
import types


def once():
    # JUMP_FORWARD 2 into the operand of LOAD_CONST 0x5301: there RETURN_VALUE waits behind a NOP's place.
    code = once.func_code
    jumpy = types.CodeType(
        0, 0, 1, 64, 'd\x00\x00n\x01\x00d\x53\x00', (None,), (), (), code.co_filename, 'jumpy', 1, '')
    return eval(jumpy)


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
