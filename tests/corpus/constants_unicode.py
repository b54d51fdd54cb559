"""Unicode constants that are not ASCII: Latin, Cyrillic, CJK, combining, astral, lone surrogates, NUL."""


def texts():
    yield u'\u00e9'
    yield u'\u00dcn\u00efc\u00f6d\u00e9 und \u00ff'
    yield u'\u043a\u0438\u0440\u0438\u043b\u043b\u0438\u0446\u0430'
    yield u'\u65e5\u672c\u8a9e'
    yield u'e\u0301 combining'
    yield u'\U0001f600 astral'
    yield u'\ud83d\ude00 a pair'
    yield u'\ud800 lone high'
    yield u'lone low \udfff'
    yield u'\udfff\ud800 swapped'
    yield u'\x80\xff\u07ff\u0800\uffff\U00010000\U0010ffff'
    yield u'new\nline \u2028 nul \0 \u00e9'
    yield u'\ufeffmark'
    yield (u'\u00e9', u'\ud800', ('\xc3\xa9', u'ascii'))


for text in texts():
    print repr(text), len(text) > 1
