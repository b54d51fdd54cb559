"""Code without RETURN_VALUE at its end: the string's terminating NUL is read as STOP_CODE."""
CodeType, FunctionType = type((lambda: 0).func_code), type(lambda: 0)


def run(raw):
    code = CodeType(0, 0, 5, 0x43, raw, (None, 'value'), (), (), '<asm>', 'f%d' % len(raw), 1, '')
    try:
        print FunctionType(code, {})()
    except SystemError, error:
        print len(raw), error


run('')
run('\x09')
run('d\1\0')
run('d\1\0\x01')
run('n\2\0d\1')               # JUMP_FORWARD to the very end
run('y\x01\0\0\x09')          # SETUP_EXCEPT, STOP_CODE: the handler runs off the end as well
