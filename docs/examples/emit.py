"""Writes py27-trace 1, the trace format for emulators; see docs/trace-format.md."""

import json


class Trace(object):
    def __init__(self, path):
        self.file, self.numbers, self.steps = open(path, 'w'), {}, 0
        self.write([('py27trace', 1), ('python', '2.7.18')])

    def step(self, code, pc, op, arg, depth):
        """To be called before each instruction runs; `arg` is None if it has no operand."""
        if code not in self.numbers:
            self.numbers[code] = len(self.numbers) + 1
            self.write([('code', self.numbers[code]), ('name', code.co_name)])
        self.steps += 1
        step = [('n', self.steps), ('d', depth), ('c', self.numbers[code]), ('pc', pc), ('op', op)]
        self.write(step + ([] if arg is None else [('arg', arg)]))

    def close(self):
        self.write([('steps', self.steps)])
        self.file.close()

    def write(self, pairs):
        self.file.write('{%s}\n' % ','.join('"%s":%s' % (key, json.dumps(value)) for key, value in pairs))
