"""atexit functions, with arguments, in reverse order, one raising: traced after the module's end; status 7."""
import atexit


def later(*args, **kwargs):
    print 'later', args, sorted(kwargs.items())
    if args == (2,):
        raise SystemExit(7)


@atexit.register
def last():
    for i in range(3):
        print 'last', i


atexit.register(later, 1, k='v')
atexit.register(later, 2)
print 'main ends'
