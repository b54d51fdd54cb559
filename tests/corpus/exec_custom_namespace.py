"""LOAD_NAME, STORE_NAME, DELETE_NAME on a mapping that is no dict, and on a dict subclass."""


class Space(object):
    def __init__(self):
        self.data = {}

    def __getitem__(self, key):
        print 'get', key,
        return self.data[key]

    def __setitem__(self, key, value):
        print 'set', key,
        self.data[key] = value

    def __delitem__(self, key):
        print 'del', key,
        del self.data[key]


class Magic(dict):
    def __getitem__(self, key):
        return 'magic ' + key


exec """
a = len
b = a
del a
e = 'text'
""" in {'__name__': 'n'}, Space()
print
print eval('unknown', {}, Magic()), eval('len("abc")', {}, {'len': lambda s: s * 2})
try:
    exec 'del nothing' in {}, Space()
except NameError, error:
    print error
