"""The Python code of `json` and `pickle`: encoding and decoding nested data, instances with hooks."""
import sys

# imported afresh, whatever the tracer has imported before; the old modules stay alive for it
names = """
    re sre_compile sre_parse sre_constants json json.decoder json.encoder json.scanner pickle StringIO
    struct copy"""
kept = [sys.modules.pop(name, None) for name in names.split()]
import json
import pickle


class Point(object):
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __getstate__(self):
        return self.x, self.y

    def __setstate__(self, state):
        self.x, self.y = state


data = {'list': [1, 2.5, None, True], 'nested': {'k': u'\xe9', 'e': []}, 'text': 'a "quoted" line\n'}
text = json.dumps(data, sort_keys=True, indent=1)
print text.replace('\n', '') , json.loads(text) == data
print json.dumps(Point(1, 2), default=lambda p: [p.x, p.y]), json.loads('{"a": 1}', object_hook=sorted)
for protocol in (0, 1, 2):
    again = pickle.loads(pickle.dumps([data['list'], Point(protocol, 2), (), 2 ** 70, len], protocol))
    print again[0] == data['list'], again[1].x, again[1].y, again[3:]
for bad in ('{', '[1,]', 'nul'):
    try:
        json.loads(bad)
    except ValueError, error:
        print error
