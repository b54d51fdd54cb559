"""Importing `re` afresh: its parser and compiler are Python and traced; patterns, groups, substitution."""
import sys

# imported afresh, whatever the tracer has imported before; the old modules stay alive for it
kept = [sys.modules.pop(name, None) for name in 're sre_compile sre_parse sre_constants'.split()]
import re

pattern = re.compile(r'(?P<key>\w+)\s*=\s*(?:"([^"]*)"|(\d+))(?#comment)', re.I)
for text in ('a = 1, b="two", C=3', 'none'):
    print [m.groupdict() or m.groups() for m in pattern.finditer(text)], pattern.sub(r'<\g<key>>', text)
print re.split('[,;]+', 'a,;b,c'), re.findall(r'(?<=x)\d{2,3}?', 'x1234x56'), re.escape('a.b')
print re.sub('[aeiou]', lambda m: m.group().upper(), 'replace vowels'), bool(re.match('(a|b)*$', 'abab'))
print re.compile(u'\u00e9+[^\W\d]', re.U).search(u'caf\xe9s').span()
for bad in ('(', '[z-a]', '*', '(?P<1>x)', r'\1'):
    try:
        re.compile(bad)
    except re.error, error:
        print error
