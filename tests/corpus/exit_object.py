"""SystemExit with an object that is neither number nor string: its str goes to stderr, status 1."""


class Reason(object):
    def __str__(self):
        return 'because of ' + '-'.join(['this', 'object'])


raise SystemExit(Reason())
