"""json in pure Python and re compiling patterns. The size is the number of rounds."""
import sys
import json.encoder
import json.decoder
import json.scanner
import re

json.encoder.c_make_encoder = json.encoder.c_scanstring = None
encode = json.encoder.JSONEncoder(sort_keys=True).encode
decoder = json.decoder.JSONDecoder()
decoder.parse_string = json.decoder.py_scanstring
decoder.scan_once = json.scanner.py_make_scanner(decoder)
data = {'name': u'value', 'list': [{'n': i, 'text': 'item %d' % i} for i in range(20)], 'none': None}

for _ in xrange(int(sys.argv[1])):
    assert decoder.decode(encode(data)) == json.loads(encode(data))
    re.purge()
    re.compile(r'(?P<key>[a-z_]\w*)\s*=\s*("(?:[^"\\]|\\.)*"|\d+(?:\.\d*)?|true|false)$')
print encode(data)[:40]
