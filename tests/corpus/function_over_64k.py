"""A straight function of more than 65,536 bytes: offsets beyond 16 bits without any EXTENDED_ARG."""

source = 'def long_one(x):\n' + '    x = x + 1\n' * 7000 + '    return x\n'
exec source
print len(long_one.func_code.co_code), long_one(1)


exec 'def wide(a, b):\n' + '    a, b = b, a\n' * 6000 + '    return a, b\n'
print len(wide.func_code.co_code), wide(1, 2)
