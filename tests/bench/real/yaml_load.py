"""PyYAML: a document dumped and loaded, by its parser in Python; its module in C is loaded too. The size is the number of documents."""
import sys

import yaml

assert yaml.__with_libyaml__ in (True, False)
data = {
    'name': 'value',
    'list': [{'number': i, 'text': 'item %d' % i, 'flag': i % 2 == 0} for i in range(10)],
    'nested': {'a': {'b': {'c': [1, 2.5, None, 'multi\nline']}}},
}
length = 0
for _ in xrange(int(sys.argv[1])):
    text = yaml.dump(data)
    assert yaml.safe_load(text) == data
    length += len(text)
print length
