"""Runs random bytecode: mostly well-formed, so that it gets somewhere, and sometimes not.

    random_code.py FIRST COUNT

Each number is a code object, with others in its constants that it may make functions of. All jumps lead forward and
there are no prefixes, so that all of it ends. Under the guard none may end the process."""
import sys

CodeType, FunctionType = type((lambda: 0).func_code), type(lambda: 0)
# Opcode, values that it takes and leaves, bound of its operand (None if it has none).
PLAIN = '''1:1:0 2:2:2 3:3:3 4:1:2 5:4:4 9:0:0 10:1:1 11:1:1 12:1:1 13:1:1 15:1:1 19:2:1 20:2:1 22:2:1 23:2:1
23:2:1 24:2:1 25:2:1 30:1:1 31:2:1 32:2:1 33:3:1 40:2:0 43:4:0 50:1:0 53:3:0 54:3:1 55:2:1 55:2:1 60:3:0 61:2:0
68:1:1 68:1:1 73:2:0 74:1:0 80:0:0 81:2:1 81:4:3 82:0:1 83:1:0 84:1:0 85:3:0 86:1:1 87:0:0 87:0:0 88:1:0 88:3:0
89:3:1 0:0:0 7:0:0'''
WIDE = '''90:1:0:3 91:0:0:3 92:1:2:3 93:1:2:20 94:2:1:2 95:2:0:3 96:1:0:3 97:1:0:3 98:0:0:3 99:2:4:4 100:0:1:23
100:0:1:23 100:0:1:23 100:0:1:9 100:0:1:9 100:0:1:9 100:0:1:23 100:0:1:23 101:0:1:3 102:2:1:4 103:2:1:4 104:2:1:4 105:0:1:3 106:1:1:3 107:2:1:11
108:2:1:3 109:1:2:3 110:0:0:20 111:1:0:0 112:1:0:0 113:0:0:0 114:1:0:0 115:1:0:0 116:0:1:3 119:0:0:0 120:0:0:30
121:0:0:30 121:0:0:30 122:0:0:30 122:0:0:30 143:1:2:30 124:0:1:2 124:0:1:2 125:1:0:2 125:1:0:2 126:0:0:2 130:1:0:4
131:1:1:3 131:1:1:3 132:1:1:2 133:2:1:4 134:2:1:2 135:0:1:2 136:0:1:2 137:1:0:2 140:2:1:2 141:2:1:2 142:3:1:2
146:2:1:2 147:3:1:2'''
ABSOLUTE = (111, 112, 113, 114, 115, 119)


def table(text):
    return [[int(number) for number in row.split(':')] for row in text.split()]


PLAIN, WIDE = table(PLAIN), table(WIDE)


class Random(object):
    """Numbers that are the same everywhere: a linear congruential generator of 64 bits."""
    def __init__(self, seed):
        self.state = seed * 2 + 1
        self.below(2)

    def below(self, bound):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) & 0xffffffffffffffff
        return (self.state >> 33) % bound

    def of(self, choices):
        return choices[self.below(len(choices))]


class Context(object):
    def __enter__(self):
        return self

    def __exit__(self, *exception):
        return True


class Old:
    pass


def produce():
    yield 1
    yield 2


def code_object(numbers, level):
    consts = [None, 1, 2, 3, 7, 8, 64, 16, 5, 'ab', 'c', (1, 2), KeyError, Context(), iter('abc'), [1], {1: 2},
              produce(), Old, True, 999]
    consts += [code_object(numbers, level - 1) for i in range(2)] if level else [len, dict]
    size, length = numbers.of([2, 5, 10, 20]), numbers.of([20, 60, 120])
    parts, offset, depth = [], 0, 0
    for i in range(numbers.of([0, 4, 12])):
        parts.append(chr(numbers.of([120, 121, 121, 121, 122])) + chr(numbers.below(length)) + '\0')
        offset += 3
    while offset < length:
        row = numbers.of(numbers.of([PLAIN, WIDE, WIDE]))
        careless = numbers.below(40) == 0
        if not careless and (depth < row[1] or depth - row[1] + row[2] > size):
            continue
        depth = max(0, depth - row[1]) + row[2]
        part = chr(row[0])
        if len(row) > 3:
            operand = numbers.of([0, 1, 2, 3, 5, 200, 600]) if careless else numbers.below(row[3] or 30)
            if row[0] in ABSOLUTE:
                operand += offset + 1 + numbers.below(4)
            part += chr(operand & 255) + chr(operand >> 8)
        parts.append(part)
        offset += len(part)
    flags = numbers.of([0, 1, 2, 3, 3, 0x23, 0x43, 0x43])
    return CodeType(0, 2, size, flags, ''.join(parts), tuple(consts), ('len', 'dict', '__name__'), ('a', 'b'),
                    '<random>', 'random', 1, '', ('free',) if level < 2 and numbers.below(3) == 0 else (),
                    numbers.of([(), ('cell',)]))


def run(seed):
    numbers = Random(seed)
    code = code_object(numbers, 2)
    builtins = {'len': len, 'dict': dict, '__import__': lambda *args: Old}
    function = FunctionType(code, {'__builtins__': builtins, '__name__': 'random'})
    try:
        result = function()
        if type(result) is type(produce()):
            result = list(result)
        return 'ran'
    except SystemError, error:
        return 'refused' if str(error).startswith('random, offset ') else 'failed'
    except:     # classes of the old style as well
        return 'failed'


if __name__ == '__main__':
    first, count = int(sys.argv[1]), int(sys.argv[2])
    ends = {}
    output, sys.stdout = sys.stdout, Old()
    sys.stdout.write = lambda text: None
    for seed in range(first, first + count):
        end = run(seed)
        ends[end] = ends.get(end, 0) + 1
    sys.stdout = output
    print ' '.join('%s: %d' % end for end in sorted(ends.items()))
