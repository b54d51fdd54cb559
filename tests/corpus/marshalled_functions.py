"""Functions rebuilt from marshalled code: closures' code refused, constants of every kind survive."""
import marshal

FunctionType = type(lambda: 0)


def sample(a, b=(1, 2.5, 'x', u'y', None, 3j, 2 ** 80, True)):
    def inner():
        return [a, Ellipsis, -7, 'text']
    for item in b:
        yield item, inner()[2]


def freed():
    return free_variable


free_variable = 'global'
data = marshal.dumps(sample.func_code)
again = FunctionType(marshal.loads(data), globals(), 'again', sample.func_defaults)
print list(again(1)) == list(sample(1)), marshal.dumps(again.func_code) == data
print FunctionType(marshal.loads(marshal.dumps(freed.func_code)), {'free_variable': 'other'})()
try:
    FunctionType(marshal.loads(data).co_consts[1], globals())
except TypeError, error:
    print error
for i in (0, 3, len(data) / 2, len(data) - 1):
    try:
        marshal.loads(data[:i])
    except (EOFError, ValueError, TypeError), error:
        print type(error).__name__
