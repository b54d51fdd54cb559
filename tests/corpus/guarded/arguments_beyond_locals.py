"""More arguments than locals: they are stored over the value stack and what lies behind the frame.

A plain 2.7.18 is killed by signal 11, sooner or later. That happens before the first instruction runs."""
CodeType, FunctionType = type((lambda: 0).func_code), type(lambda: 0)
code = CodeType(200, 0, 1, 0x43, 'd\0\0S', (None,), (), (), '<asm>', 'asm', 1, '')
for i in range(50):
    try:
        FunctionType(code, globals())(*range(200))
    except SystemError, error:
        last = error
print last
print 'done'
