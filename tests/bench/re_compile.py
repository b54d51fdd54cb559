"""Regular expressions: the compiler, which is Python, and matching with callbacks. The size is rounds."""
import re
import sys

PATTERNS = [
    r'(?P<key>[a-z_]\w*)\s*=\s*("(?:[^"\\]|\\.)*"|\d+(?:\.\d*)?|true|false)',
    r'\b(?:https?|ftp)://[^\s/:]+(?::\d{2,5})?(?:/[^\s]*)?',
    r'(\d{4})-(\d\d?)-(\d\d?)(?:[T ](\d\d):(\d\d))?',
    r'(?:foo|bar|bazaar|ba[rz]+|[^a-mx-z0-4])+?(?=end|$)',
    r'(?i)^\s*#\s*(?:include|define)\b(.*)$',
    r'((?:a|b)*c{2,7}?)(?(1)x|y)\1',
]
TEXT = '''
width = 40.5   name = "a \\"quoted\\" text"  flag = true
see http://example.org:8080/a/b?c=d and ftp://example.net
from 2017-03-05 to 2020-04-19T10:30
#include <stdio.h>
# define ENDLESS foobarbazaarend
''' * 3
WORD = re.compile(r'[A-Za-z]+')
SPACE = re.compile(r'\s+')


def swap(match):
    word = match.group()
    if len(word) > 3:
        return word[1:] + word[0]
    return word.upper()


found = 0
for _ in xrange(int(sys.argv[1])):
    re.purge()
    for pattern in PATTERNS:
        for match in re.finditer(pattern, TEXT, re.MULTILINE):
            found += match.end() - match.start()
    found += len(WORD.sub(swap, TEXT))
    for part in SPACE.split(TEXT):
        if WORD.match(part):
            found += len(part)
print found
