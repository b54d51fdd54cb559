"""eval inside eval, eval with its own globals and locals, input-like use, execfile-like use of a string."""
x = 1


def f(x):
    return eval('x + eval("x * 10")'), eval('x', {'x': 5}), eval('x', {}, {'x': 6})


def run_file(text, name):
    space = {'__name__': name, '__builtins__': {'len': len}}
    exec compile(text, name + '.py', 'exec') in space
    return sorted(k for k in space if k[:2] != '__')


print f(3), eval('lambda: x')(), eval(' x'), eval('(x,\n x)')
print run_file('a = len("abc")\ndef b():\n    return a\nc = b()', 'part')
try:
    run_file('open("x")', 'jailed')
except NameError, error:
    print error
print [eval('%d %s %d' % (a, op, b)) for op in '+-*/' for a in (6, 9) for b in (3,)]
deep = '1'
for i in range(15):
    deep = 'eval(%r)' % deep if i < 4 else '(%s)' % deep
print eval(deep)
