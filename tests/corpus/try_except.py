"""try/except: every way to match, tuples, no match, bare except, an else branch, nested tuples, a bad match."""


def handle(error, kinds):
    try:
        try:
            if error:
                raise error
        except kinds, e:
            return 'matched %s' % type(e).__name__
        except (AttributeError, (NameError, (OSError,))):
            return 'nested tuple'
        else:
            return 'else'
    except:
        return 'bare'


for error in (None, KeyError('k'), IndexError(), NameError(), OSError(2, 'no'), SystemError(), KeyboardInterrupt()):
    print handle(error, LookupError), handle(error, (KeyError, ValueError)), handle(error, ())
print handle(KeyError(), 5)


class Old:
    pass


class Derived(Old):
    pass


try:
    raise Derived()
except Old, e:
    print 'old-style', e.__class__.__name__
try:
    raise Derived
except (KeyError, Old):
    print 'class raised'
try:
    raise KeyError, ('a', 'b')
except KeyError as e:
    print e.args
