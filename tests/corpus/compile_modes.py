"""compile in its three modes, with flags, from ast; eval of code; what each leaves in the namespace."""
import _ast

space = {}
module = compile('def f(a=2):\n    "doc"\n    return a * 2\nr = f(4)\n', '<module>', 'exec')
exec module in space
expression = compile('r + f()', '<expression>', 'eval')
print eval(expression, space), eval('[r for r in range(3)]', space), eval(module, space)
exec compile('r + 1', '<single>', 'single') in space
tree = compile('x = 1 + 2 * 3\nprint x', '<tree>', 'exec', _ast.PyCF_ONLY_AST)
tree.body[0].value.left.n = 100
exec compile(tree, '<changed>', 'exec') in space
division = compile('7 / 2', '<future>', 'eval', 0x2000, 1)
print eval(division), eval('7 / 2'), space['f'].__doc__
for source, mode in (('x = 1', 'eval'), ('1\n2\n', 'single'), ('', 'eval'), ('x', 'no mode'), ('\0', 'exec')):
    try:
        print compile(source, '<bad>', mode).co_name
    except (SyntaxError, ValueError, TypeError), error:
        print type(error).__name__, str(error).split(' (')[0]
print module.co_consts[1].co_name, module.co_names, expression.co_names
