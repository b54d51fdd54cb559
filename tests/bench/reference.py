"""The blog's approach, to measure against: a trace function in Python that writes each line.

    ORACLE_PYTHON reference.py program.py trace.txt args...

Needs an interpreter in which every instruction is a line event (tests/oracle). Written for this
purpose after the description of that approach; the oracle's own tracer is slower, for it writes each
line at once.
"""
import dis
import sys

names = dict((number, name) for name, number in dis.opmap.items())


def trace(frame, event, arg):
    if event == 'line':
        code = frame.f_code
        offset = frame.f_lasti
        instruction = code.co_code
        opcode = ord(instruction[offset])
        if opcode not in names:
            line = '{}> {} {} **********INVALID**********\n'.format(code.co_name, offset, opcode)
        elif opcode < dis.HAVE_ARGUMENT:
            line = '{}> {} {}\n'.format(code.co_name, offset, names[opcode])
        else:
            operand = ord(instruction[offset + 1]) | ord(instruction[offset + 2]) << 8
            line = '{}> {} {} ({})\n'.format(code.co_name, offset, names[opcode], operand)
        output.write(line)
    return trace


program, output = sys.argv[1], open(sys.argv[2], 'w')
sys.argv[:] = [program] + sys.argv[3:]
code = compile(open(program).read(), program, 'exec')
sys.settrace(trace)
eval(code)
