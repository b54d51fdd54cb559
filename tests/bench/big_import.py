"""Imports of big modules of the library, again and again. The size is the number of rounds.

Every round makes all code objects again and lets those of the round before die; each piece of code
runs once, so that whatever is made for a code object is hardly used.
"""
import sys

MODULES = '''BaseHTTPServer ConfigParser HTMLParser SimpleXMLRPCServer ast bdb calendar cgi cmd codecs
compiler cookielib csv decimal difflib dis distutils.core doctest email.generator email.message
email.parser ftplib fractions heapq httplib imaplib inspect mailbox mimetypes nntplib numbers optparse
pdb pickletools plistlib poplib pprint pstats pydoc random robotparser sched sgmllib shlex smtplib
subprocess symbol tabnanny tarfile telnetlib textwrap token tokenize urllib urllib2 urlparse
xml.dom.minidom xml.sax.saxutils xmlrpclib zipfile'''.split()

before = set(sys.modules)
count = 0
for _ in xrange(int(sys.argv[1])):
    for name in MODULES:
        __import__(name)
    for name in set(sys.modules) - before:
        del sys.modules[name]
    count += len(MODULES)
print count
