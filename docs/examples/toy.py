"""A toy emulator of Python 2.7 bytecode, with one mistake in it, for docs/emulator-authors.md.

    ./python27-traced toy.py program.pyc trace.jsonl

Knows enough for functions, loops and arithmetic on numbers. Writes its trace with `emit.py`.
"""

import marshal
import operator
import sys

from opcode import HAVE_ARGUMENT, cmp_op, opname

from emit import Trace

BINARY = {'ADD': operator.add, 'SUBTRACT': operator.sub, 'MULTIPLY': operator.mul,
          'MODULO': operator.mod}
COMPARE = {'<': operator.lt, '<=': operator.lt, '==': operator.eq, '!=': operator.ne,
           '>': operator.gt, '>=': operator.ge}


class Function(object):
    def __init__(self, code):
        self.code = code

    def __repr__(self):
        return '<function %s>' % self.code.co_name


def run(code, names, variables, trace, depth=1):
    stack, blocks, pc = [], [], 0
    while True:
        op, arg, after = ord(code.co_code[pc]), None, pc + 1
        if op >= HAVE_ARGUMENT:
            arg, after = ord(code.co_code[pc + 1]) + 256 * ord(code.co_code[pc + 2]), pc + 3
        trace.step(code, pc, op, arg, depth)
        name = opname[op]
        if name == 'LOAD_CONST':
            stack.append(code.co_consts[arg])
        elif name in ('LOAD_NAME', 'LOAD_GLOBAL'):
            stack.append(names[code.co_names[arg]])
        elif name == 'STORE_NAME':
            names[code.co_names[arg]] = stack.pop()
        elif name == 'LOAD_FAST':
            stack.append(variables[arg])
        elif name == 'STORE_FAST':
            variables[arg] = stack.pop()
        elif name == 'MAKE_FUNCTION':
            stack.append(Function(stack.pop()))
        elif name == 'CALL_FUNCTION':
            arguments = [stack.pop() for _ in range(arg)][::-1]
            stack.append(run(stack.pop().code, names, dict(enumerate(arguments)), trace, depth + 1))
        elif name == 'RETURN_VALUE':
            return stack.pop()
        elif name == 'COMPARE_OP':
            right = stack.pop()
            stack.append(COMPARE[cmp_op[arg]](stack.pop(), right))
        elif name.startswith(('BINARY_', 'INPLACE_')):
            right = stack.pop()
            stack.append(BINARY[name.split('_')[1]](stack.pop(), right))
        elif name == 'POP_JUMP_IF_FALSE':
            after = after if stack.pop() else arg
        elif name == 'JUMP_ABSOLUTE':
            after = arg
        elif name == 'JUMP_FORWARD':
            after += arg
        elif name == 'SETUP_LOOP':
            blocks.append(after + arg)
        elif name == 'POP_BLOCK':
            blocks.pop()
        elif name == 'POP_TOP':
            stack.pop()
        elif name == 'PRINT_ITEM':
            sys.stdout.write('%s' % stack.pop())
        elif name == 'PRINT_NEWLINE':
            sys.stdout.write('\n')
        else:
            raise NotImplementedError(name)
        pc = after


def main():
    with open(sys.argv[1], 'rb') as program:
        code = marshal.loads(program.read()[8:])
    trace = Trace(sys.argv[2])
    try:
        run(code, {}, {}, trace)
    finally:
        trace.close()


main()
