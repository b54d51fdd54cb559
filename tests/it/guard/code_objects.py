"""Compiles the files named on standard input, one a line, and prints what the guard knows of their code objects.

A line each: file, name, co_code in hexadecimal, co_nlocals, the numbers of cell and free variables, co_stacksize,
co_argcount, co_flags, the number of names; then the kinds of the constants."""
import sys
import types


def kind(value):
    if value is None or isinstance(value, bool):
        return str(value)
    if isinstance(value, types.CodeType):
        return 'Code%d' % len(value.co_freevars)
    return {int: 'Int', str: 'Str', unicode: 'Unicode'}.get(type(value), 'Other')


def show(path, code):
    facts = [code.co_nlocals, len(code.co_cellvars), len(code.co_freevars), code.co_stacksize,
             code.co_argcount, code.co_flags, len(code.co_names)]
    print ' '.join([path, code.co_name, code.co_code.encode('hex')] + map(str, facts) +
                   map(kind, code.co_consts))
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            show(path, constant)


for line in sys.stdin:
    path = line.rstrip('\n')
    try:
        code = compile(open(path).read(), path, 'exec', 0, True)
    except (SyntaxError, TypeError):    # the tests' own bad examples
        continue
    show(path.replace(' ', '_'), code)
