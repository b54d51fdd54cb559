"""Importing `difflib` and `pprint` and comparing two texts."""
import sys

# imported afresh, whatever the tracer has imported before; the old modules stay alive for it
names = """
    re sre_compile sre_parse sre_constants collections keyword heapq difflib pprint functools cStringIO
    StringIO copy"""
kept = [sys.modules.pop(name, None) for name in names.split()]
import difflib

a = 'one two three four five six'.split()
b = 'one 2 three five six seven'.split()
print '|'.join(difflib.unified_diff(a, b, 'a', 'b', lineterm=''))
print '|'.join(difflib.ndiff(a[:3], b[:3]))
matcher = difflib.SequenceMatcher(None, 'private void', 'private int')
print round(matcher.ratio(), 3), matcher.get_opcodes()
print difflib.get_close_matches('appel', ['ape', 'apple', 'peach'])
