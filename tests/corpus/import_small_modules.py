"""A dozen small modules of the standard library, imported afresh and used once each."""
import sys

# imported afresh, whatever the tracer has imported before; the old modules stay alive for it
names = """
    UserList UserString UserDict bisect colorsys fnmatch fpformat getopt mimetools nturl2path ntpath
    macpath opcode dis quopri sched shlex struct StringIO statvfs string symbol textwrap this toaiff
    urlparse xdrlib commands pipes collections keyword heapq functools copy re sre_compile sre_parse
    sre_constants stringprep sets repr"""
kept = [sys.modules.pop(name, None) for name in names.split()]
import colorsys
import dis
import fnmatch
import getopt
import ntpath
import shlex
import StringIO
import textwrap
import urlparse
import UserList
import xdrlib

print colorsys.rgb_to_hsv(0.25, 0.5, 0.75), fnmatch.fnmatch('a.py', '*.p?'), dis.opmap['NOP']
print getopt.getopt(['-a', '1', '--long', 'rest'], 'a:', ['long'])
print ntpath.join('c:\\', 'x', '..', 'y'), shlex.split('a "b c" d\'e\''), urlparse.urlsplit('http://h:8/p?q#f').netloc
out = StringIO.StringIO()
print >>out, textwrap.fill('some words to wrap in a narrow column', 12)
print out.getvalue(), UserList.UserList([1, 2]) + [3]
packer = xdrlib.Packer()
packer.pack_list([1, 2], packer.pack_int)
print repr(packer.get_buffer())
dis.dis(compile('a.b(1, *c)', '<d>', 'eval'))
