"""The value of return is computed before finally and kept across calls made there."""


def note(value, log=[]):
    log.append(value)
    return len(log)


def simple():
    x = 1
    try:
        return x
    finally:
        x = 2
        note('simple')


def calls():
    try:
        return note('value'), note('second')
    finally:
        for i in range(2):
            note(i)


def nested():
    try:
        try:
            return 'inner'
        finally:
            try:
                return 'middle'
            finally:
                note('deep')
    finally:
        note('outer')


def loop():
    for i in range(5):
        try:
            if i == 2:
                return i
        finally:
            if i == 2:
                continue_later = True
                try:
                    raise KeyError
                except KeyError:
                    pass


print simple(), calls(), nested(), loop(), note.func_defaults
