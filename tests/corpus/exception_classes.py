"""Exception classes: hierarchy, args, str, custom __str__, attributes, raising from C code."""


class AppError(Exception):
    code = 3

    def __str__(self):
        return 'app %d: %s' % (self.code, self.args)


class Special(AppError, KeyError):
    pass


def provoke():
    yield lambda: int('x')
    yield lambda: str(u'\xe9')
    yield lambda: unicode('\xff', 'ascii')
    yield lambda: open('/nonexistent/file')
    yield lambda: [].pop()
    yield lambda: iter([]).next()
    yield lambda: 10 ** 400 * 1.0
    yield lambda: eval('1 +')
    yield lambda: eval('  1')
    yield lambda: chr(300)
    yield lambda: {}.popitem()
    yield lambda: __import__('no_such_module_anywhere')
    yield lambda: object.__new__(int)


for f in provoke():
    try:
        f()
    except Exception, error:
        print type(error).__name__, '|', str(error)
for kind in (AppError, Special):
    try:
        raise kind('why')
    except KeyError, error:
        print 'key', error, error.message
    except AppError, error:
        print error, repr(error)
