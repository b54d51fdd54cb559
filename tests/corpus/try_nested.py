"""Nested try blocks: inner handled, inner re-raised, else and finally at each level, exceptions replaced."""


def f(a, b):
    log = []
    try:
        log.append('o')
        try:
            log.append('i')
            if a:
                raise a
        except KeyError:
            log.append('ik')
            if b:
                raise b
        except IndexError:
            log.append('ii')
            raise
        else:
            log.append('ie')
        finally:
            log.append('if')
            try:
                {}[0]
            except KeyError:
                log.append('iff')
    except (ValueError, IndexError), e:
        log.append(type(e).__name__)
    else:
        log.append('oe')
    finally:
        log.append('of')
    return log


for a in (None, KeyError, IndexError, ValueError('v')):
    for b in (None, ValueError):
        print f(a, b)
try:
    f(KeyError, TypeError('escapes'))
except TypeError, error:
    print error
