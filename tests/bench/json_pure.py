"""json without its accelerators, to and fro. The size is the number of documents."""
import sys
import json.decoder
import json.encoder
import json.scanner

json.encoder.c_make_encoder = None
json.encoder.encode_basestring_ascii = json.encoder.py_encode_basestring_ascii
encoder = json.encoder.JSONEncoder(sort_keys=True)
indented = json.encoder.JSONEncoder(indent=2, ensure_ascii=False)
decoder = json.decoder.JSONDecoder()
decoder.parse_string = json.decoder.py_scanstring
decoder.scan_once = json.scanner.py_make_scanner(decoder)


def document(seed):
    people = []
    for i in xrange(12):
        number = seed * 31 + i
        people.append({
            'id': number,
            'name': 'person %d' % number,
            'city': u'K\xf6ln \u6771\u4eac'[number % 4:],
            'ratio': number / 8.0,
            'tags': ['a"b', 'line\n', '\\', 'plain text'][:number % 5],
            'active': number % 3 == 0,
            'parent': None,
            'nested': {'x': [number, -number, [[]], {}], 'y': {'z': 'end'}},
        })
    return {'seed': seed, 'people': people}


length = 0
for seed in xrange(int(sys.argv[1])):
    original = document(seed % 50)
    text = encoder.encode(original)
    again = decoder.decode(text)
    assert again == decoder.decode(indented.encode(original))
    length += len(text)
print length
