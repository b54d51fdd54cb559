# -*- coding: utf-8 -*-
"""Unicode constants that are not ASCII: Latin, Cyrillic, CJK, combining, astral, lone surrogates, NUL.

Ours only: the reference's `str` of such a constant raises inside the trace function."""


def texts():
    yield u'é'
    yield u'Ünïcödé und ÿ'
    yield u'кириллица'
    yield u'日本語'
    yield u'e\u0301 combining'
    yield u'\U0001f600 astral'
    yield u'\ud83d\ude00 a pair'
    yield u'\ud800 lone high'
    yield u'lone low \udfff'
    yield u'\udfff\ud800 swapped'
    yield u'\x80\xff\u07ff\u0800\uffff\U00010000\U0010ffff'
    yield u'new\nline \u2028 nul \0 é'
    yield u'\ufeffmark'
    yield (u'é', u'\ud800', ('é', u'ascii'))


for text in texts():
    print repr(text), len(text) > 1
