"""Importing `HTMLParser` and `htmlentitydefs` and parsing a small page."""
import sys

# imported afresh, whatever the tracer has imported before; the old modules stay alive for it
names = """
    re sre_compile sre_parse sre_constants HTMLParser markupbase htmlentitydefs"""
kept = [sys.modules.pop(name, None) for name in names.split()]
import HTMLParser


class Outline(HTMLParser.HTMLParser):
    def handle_starttag(self, tag, attrs):
        print '<%s%s>' % (tag, ''.join(' %s=%r' % pair for pair in attrs)),

    def handle_endtag(self, tag):
        print '</%s>' % tag,

    def handle_data(self, data):
        print repr(data),

    def handle_entityref(self, name):
        print '&' + name,

    def handle_comment(self, data):
        print 'comment', data,


parser = Outline()
parser.feed('<!DOCTYPE html><p class="a" id=b>Text &amp; <b>bold</b><!-- note --><br/>')
parser.feed('more</p><script>if (a < b) {}</script>')
parser.close()
print repr(parser.unescape('&lt;&eacute;&#65;&gt;'))
