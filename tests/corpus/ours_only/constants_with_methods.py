"""Constants of classes with __str__ and __repr__ of their own, one that raises, one that prints.

Ours only: the reference calls these methods to format the operand, so that its own program runs more than it did."""
CodeType, FunctionType = type((lambda: 0).func_code), type(lambda: 0)


class Loud(object):
    def __str__(self):
        print 'asked for str'
        return 'loud'
    __repr__ = __str__


class Raises(object):
    def __str__(self):
        raise ValueError('no text')


class Text(str):
    def __str__(self):
        return 'not the text'


class Number(int):
    def __str__(self):
        return 'not a number'
    __repr__ = __str__


class Old:
    def __repr__(self):
        return 'old'


consts = (None, Loud(), Raises(), Text('text'), Number(5), Old(), (Number(6),), [Loud()], {Number(7): 1}, len, Old)
for i in range(len(consts)):
    code = CodeType(0, 0, 1, 0x43, 'd%c\0S' % i, consts, (), (), '<consts>', 'const', 1, '')
    print type(FunctionType(code, {})()).__name__
