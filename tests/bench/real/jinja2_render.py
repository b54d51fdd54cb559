"""jinja2: a page with loops, tests, filters and inheritance, rendered; markupsafe is in C. The size is the number of pages."""
import sys

import jinja2

BASE = u'''<html><head><title>{% block title %}{% endblock %}</title></head>
<body>{% block body %}{% endblock %}</body></html>'''
PAGE = u'''{% extends "base" %}{% block title %}{{ name|upper }}{% endblock %}
{% macro cell(value) %}<td>{{ value }}</td>{% endmacro %}
{% block body %}<table>{% for row in rows %}<tr class="{{ loop.cycle('odd', 'even') }}">
{% for value in row %}{% if value is divisibleby 3 %}{{ cell('<%d>' % value) }}{% else %}{{ cell(value) }}{% endif %}{% endfor %}
</tr>{% endfor %}</table>{% endblock %}'''

environment = jinja2.Environment(
    loader=jinja2.DictLoader({'base': BASE, 'page': PAGE}), autoescape=True)
rows = [range(start, start + 10) for start in range(20)]
length = 0
for number in xrange(int(sys.argv[1])):
    length += len(environment.get_template('page').render(name=u'page & more', rows=rows))
print length
