"""CONTINUE_LOOP: continue inside try within a loop, and break through finally."""


def walk(items):
    log = []
    for item in items:
        try:
            if item == 1:
                continue
            if item == 2:
                break
            log.append(item)
        finally:
            log.append('f%d' % item)
    else:
        log.append('else')
    while items:
        try:
            items.pop()
            try:
                continue
            except KeyError:
                pass
        except IndexError:
            break
        log.append('unreached')
    return log


print walk([0, 1, 3])
print walk([0, 1, 2, 3])
for i in range(4):
    try:
        if i % 2:
            continue
        print i
    except ValueError:
        pass
