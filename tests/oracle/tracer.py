"""The oracle's tracer: writes one line per instruction that a program executes.

Run it with the oracle's interpreter (see README.md). It is two programs in one
file. As a script it reads the command line, then replaces itself by
`python -X CODE pycfile args...`. CODE runs this file again, now beside the
program and hidden from it, to install the trace function; the interpreter then
runs the program as it runs any other, with nothing of ours on its stack, in its
modules, its arguments or its environment.
"""


def install(opcode_py, fd, name, resolve, successors):
    """Trace to the file descriptor `fd` whatever this thread enters from now on.

    `opcode_py` is the library's opcode table, executed rather than imported, as
    an import would show in sys.modules and in its order.
    """
    import posix
    import sys

    table = {}
    execfile(opcode_py, table)
    opname = [None] * 256
    for known, op in table['opmap'].items():
        opname[op] = known
    operand = [None] * 256
    for kind in 'const', 'name', 'local', 'compare', 'jrel':
        for op in table['has' + kind]:
            operand[op] = kind
    recorder = make_recorder(posix.write, fd, name, resolve, successors, opname,
                             operand, table['cmp_op'], table['HAVE_ARGUMENT'])

    # Its frame is kept for the next call, and so is made here, beside the
    # program, not taken from the program's supply.
    recorder(sys._getframe(), 'call', None)

    # From here on nothing may be called. The function's globals live as long as
    # the interpreter: they must hold neither modules, which would change the
    # order in which those are torn down, nor what teardown sets to None.
    settrace = sys.settrace
    for leftover in globals().keys():
        if leftover != '__builtins__':
            del globals()[leftover]
    settrace(recorder)


def make_recorder(write, fd, only, resolve, successors, opname, operand, cmp_op,
                  have_argument, byte=ord, size=len, text=str, kind_of=type,
                  unicode=unicode, encode=unicode.encode):
    """Return the trace function. All it uses are its own variables and C
    functions, since it outlives every module. It catches nothing, as that
    would set sys.exc_type, and keeps nothing of the program alive. It remembers
    no lines either: what it has not stored cannot be stale.
    """
    def record(frame, event, arg):
        code = frame.f_code
        name = code.co_name
        if event == 'call':
            return record if only is None or name == only else None
        if arg is not None and not successors:
            return record

        # What lies behind the code's end reads as zero.
        offset = frame.f_lasti
        instruction = code.co_code[offset:offset + 3]
        if size(instruction) < 3:
            instruction += '\0\0\0'
        op = byte(instruction[0])

        if opname[op] is None:
            line = '%s> %d %d **********INVALID**********\n' % (name, offset, op)
        elif op < have_argument:
            line = '%s> %d %s\n' % (name, offset, opname[op])
        else:
            if arg is None:
                arg = byte(instruction[1]) | byte(instruction[2]) << 8
            kind = operand[op]
            if resolve and kind is not None:
                if kind == 'jrel':
                    arg += offset + 3
                else:
                    if kind == 'const':
                        values = code.co_consts
                    elif kind == 'name':
                        values = code.co_names
                    elif kind == 'local':
                        values = code.co_varnames
                    else:
                        values = cmp_op
                    arg = values[arg] if 0 <= arg < size(values) else None
                    if kind_of(arg) is unicode:
                        arg = encode(arg, 'utf-8')
            line = '%s> %d %s (%s)\n' % (name, offset, opname[op], text(arg))
        # At once, so that nothing is lost however the program ends.
        write(fd, line)
        return record
    return record


def main():
    import argparse
    import fcntl
    import opcode
    import os
    import subprocess
    import sys

    parser = argparse.ArgumentParser(
        description='Trace a Python 2.7 program, one line per instruction.')
    parser.add_argument('-t', dest='mode', choices=['all', 'only'], default='all',
                        help='trace all code objects, or only those named by -n')
    parser.add_argument('-n', dest='name', metavar='NAME',
                        help='trace only code objects with this co_name')
    parser.add_argument('-r', dest='resolve', action='store_true',
                        help='write what operands mean, not their numbers')
    parser.add_argument('--blog', action='store_true',
                        help='leave out the instruction behind EXTENDED_ARG')
    parser.add_argument('pycfile', help='the program: .pyc, .pyo or .py')
    parser.add_argument('tracefile', help='the trace, - for standard output')
    parser.add_argument('args', nargs=argparse.REMAINDER,
                        help="the program's own arguments")
    options = parser.parse_args()
    if options.mode == 'only' and options.name is None:
        parser.error('-t only needs -n NAME')
    try:
        open(options.pycfile, 'rb').close()
        if options.tracefile == '-':
            fd = 1
        else:
            fd = os.open(options.tracefile,
                         os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    except EnvironmentError as error:
        parser.error(str(error))
    # Out of the way, so that the program's own files get their usual numbers.
    high = fcntl.fcntl(fd, fcntl.F_DUPFD, 200)
    if fd != 1:
        os.close(fd)

    here = os.path.abspath(sys.argv[0])
    settings = (os.path.splitext(opcode.__file__)[0] + '.py', high, options.name,
                options.resolve, not options.blog)
    code = 'execfile(%r, {"settings": %r})' % (here, settings)
    os.execv(sys.executable,
             [sys.executable] + subprocess._args_from_interpreter_flags() +
             ['-X', code, options.pycfile] + options.args)


# execfile's namespace has no name of its own.
if globals().get('__name__') == '__main__':
    main()
else:
    install(*settings)
