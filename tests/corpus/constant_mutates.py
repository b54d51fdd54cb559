"""A list, a dict and a bytearray among the constants, changed between two executions of one instruction."""
CodeType, FunctionType = type((lambda: 0).func_code), type(lambda: 0)

items, table, raw, itself = [], {}, bytearray('x'), []
itself.append(itself)
consts = (None, items, table, raw, itself, (items, 'in a tuple'))
f = FunctionType(CodeType(0, 0, 9, 0x43, ''.join('d%c\0' % i for i in range(1, 6)) + 'f\5\0S', consts, (), (),
                          '<consts>', 'f', 1, ''), {})
for n in range(4):
    print f()
    items.append(n)
    table['key %d' % n] = items[:1]
    raw += 'y'
del items[:]
print f()
