"""finally reached normally, by exception, return, break and continue; finally that overrides each."""


def leave(how):
    for i in range(3):
        try:
            print 'try', i,
            if how == 'return':
                return 'returned'
            if how == 'break':
                break
            if how == 'continue':
                continue
            if how == 'raise':
                raise ValueError('left')
            print 'normal',
        finally:
            print 'finally', i,
    return 'end'


def override(how):
    while True:
        try:
            if how == 'return':
                return 'lost'
            raise ValueError('lost')
        finally:
            if how == 'raise':
                return 'finally returned'
            break
    return 'finally broke'


def raises():
    try:
        return 1
    finally:
        raise KeyError('from finally')


for how in ('normal', 'return', 'break', 'continue', 'raise'):
    try:
        print leave(how), override(how)
    except ValueError, error:
        print error
try:
    raises()
except KeyError, error:
    print error
