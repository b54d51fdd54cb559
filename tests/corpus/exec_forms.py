"""EXEC_STMT: strings, code, tuples, in one and two namespaces, nested, inside functions, errors."""
x = 'module'


def unoptimised():
    x = 'local'
    exec 'y = x + "!"'
    exec 'x = "changed"'
    return x, y


def namespaces():
    g, l = {'a': 1}, {'b': 2}
    exec 'c = a + b' in g, l
    exec 'a += 10' in g
    exec ('d = a', g)
    exec ('e = a + b', g, l)
    exec compile('f = 6', '<code>', 'exec') in l
    del g['__builtins__'], l['__builtins__']
    return sorted(g.items()), sorted(l.items())


print unoptimised(), namespaces()
exec 'exec "exec \'z = 3\'"'
exec u'u = 4\nif u:\n    v = u'
exec 'def made(n):\n  return n and made(n - 1)\n' + 'print made(3), z, v'
for bad in ('exec 5', 'exec "1 +"', 'exec "q" in 5', 'exec "k" in {}, 5', 'exec ""'):
    try:
        exec bad
    except (TypeError, SyntaxError), error:
        print type(error).__name__, str(error).split(' (')[0]
