"""A marshalled code object whose co_code is a unicode object: its memory is taken for a string's.

A plain 2.7.18 executes the middle of the unicode object, to whatever end."""
import marshal

CodeType = type((lambda: 0).func_code)
code = CodeType(0, 0, 1, 0x43, 'd\0\0S', (None,), (), (), '<asm>', 'asm', 1, '')
bytecode = 's\4\0\0\0d\0\0S'
text = marshal.dumps(code)
print text.count(bytecode)
odd = marshal.loads(text.replace(bytecode, 'u' + bytecode[1:]))
print repr(odd.co_code)
try:
    exec odd
except SystemError, error:
    print error
print 'done'
