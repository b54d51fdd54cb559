"""Reading and writing through a file made by os.tmpfile: iteration, writelines, softspace, print to it."""
import os

f = os.tmpfile()
print >>f, 'first', 1
f.writelines(line + '\n' for line in ('second', 'third'))
f.write('last without newline')
f.seek(0)
for number, line in enumerate(f):
    print number, repr(line)
f.seek(0)
print f.readline().strip(), f.read(3), [line.strip() for line in f.readlines()], f.tell()
with f:
    f.seek(6)
    print f.read(1)
print f.closed
try:
    f.read()
except ValueError, error:
    print error
try:
    with open(os.path.join(os.sep, 'nonexistent', 'file')) as g:
        pass
except IOError, error:
    print error.errno, error.strerror
