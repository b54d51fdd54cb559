"""Importing `tokenize` and tokenizing a program of some ten lines; `token` and `keyword` with it."""
import sys

# imported afresh, whatever the tracer has imported before; the old modules stay alive for it
names = """
    re sre_compile sre_parse sre_constants string itertools tokenize token keyword StringIO"""
kept = [sys.modules.pop(name, None) for name in names.split()]
import keyword
import tokenize

LINES = ['def f(a, b=1):\n', '    """doc\n', '    more"""\n', '    if a:  # comment\n', '        return a ** b\n',
         "    x = u'\\xe9' + r'\\d'\n", '\n', 'f(1,\n', '  0x10, 1e5, 3j)\n']
for kind, text, start, end, line in tokenize.generate_tokens(iter(LINES).next):
    print tokenize.tok_name[kind], repr(text), start, end[0] - start[0]
print sum(keyword.iskeyword(w) for w in 'if else word lambda'.split())
try:
    list(tokenize.generate_tokens(iter(['x = (\n', '1\n']).next))
except tokenize.TokenError, error:
    print error
