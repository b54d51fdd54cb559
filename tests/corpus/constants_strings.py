"""String constants: newlines, carriage returns, NUL, tabs, non-ASCII bytes, quotes, braces, per cent, unicode."""


def strings():
    yield ''
    yield 'plain'
    yield 'two\nlines\n'
    yield 'carriage\rreturn\r\n'
    yield 'nul\0inside\0'
    yield '\t\v\f\b\a\x1b[31mred\x7f'
    yield '\x80\xff\xc3\xa9 latin and utf-8'
    yield 'quotes \' " and ` and \\ backslash'
    yield 'braces {} {0} {{ }} (1) [2] <3>'
    yield 'percent %s %d %% %(name)s'
    yield 'looks like a line> 12 LOAD_CONST (3)'
    yield '\nname> 0 STOP_CODE\n'
    yield 'at 0x7f0011223344>'
    yield u''
    yield u'unicode ascii'
    yield u'unicode\nlines\0nul{}'
    yield ' leading and trailing '
    yield 'x' * 3 + 'folded' * 2


for s in strings():
    print repr(s), len(s)
