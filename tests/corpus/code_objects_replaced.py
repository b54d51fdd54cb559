"""func_code assigned while the function runs, copies made by CodeType, one code object in many functions."""
CodeType, FunctionType = type((lambda: 0).func_code), type(lambda: 0)


def first(n):
    if n:
        first.func_code = second.func_code
        return 'first', first(n)
    return 'first ends'


def second(n):
    return 'second', n


def copy(code, name, consts=None):
    return CodeType(code.co_argcount, code.co_nlocals, code.co_stacksize, code.co_flags,
                    code.co_code, consts or code.co_consts, code.co_names, code.co_varnames,
                    code.co_filename, name, code.co_firstlineno, code.co_lnotab)


original = first.func_code
print first(1), first(2)
first.func_code = original
print first(0)
for name in ('one', 'two', 'three'):
    consts = tuple(c == 'second' and name or c for c in second.func_code.co_consts)
    print FunctionType(copy(second.func_code, name, consts), globals())(name)
functions = [FunctionType(second.func_code, {}, 'f%d' % i) for i in range(3)]
print [f(f.__name__) for f in functions]
