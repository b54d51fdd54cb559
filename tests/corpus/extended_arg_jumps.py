"""The compiler's EXTENDED_ARG before jumps over 65,535 bytes of code, and to targets beyond them: if, while,
for, try, with, and, or, continue."""

LONG = '\n'.join(['                    x = y'] * 11000)
SOURCE = """
def f(flag, items, x=0, y=1):
    log = []
    if flag:
        if x:
%(LONG)s
    else:
        log.append('else')
    a = flag and items
    b = flag or items
    for i in items:
        if flag:
%(LONG)s
        try:
            if i == 1:
                continue
            log.append(i)
        except KeyError:
%(LONG)s
        finally:
            log.append('finally')
    while items:
        if flag:
%(LONG)s
        items.pop()
        try:
            if flag == items:
%(LONG)s
            raise ValueError
        except ValueError:
            log.append('caught')
        with manager:
            if x:
%(LONG)s
            log.append('with')
    return log, a, b, x
""" % {'LONG': LONG}


class Manager(object):
    def __enter__(self):
        pass

    def __exit__(self, *exc):
        pass


manager = Manager()
exec SOURCE
print f(False, [0, 1, 2]), len(f.func_code.co_code)
print f(True, [])
