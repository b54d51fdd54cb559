"""Number constants as LOAD_CONST operands: ints, longs, floats and complexes, corner cases included."""


def numbers():
    return [0, 1, -1, 255, 2147483647, 2147483648, -2147483648, 9223372036854775807,
            9223372036854775808, 0L, -5L, 123456789012345678901234567890, 8]


def floats():
    return [0.0, 1.0, 0.1, 0.1 + 0.2, 1e15, 1e16, 1e17, 1e22, 1e-4, 1e-5, 123456789.123456789,
            1.7976931348623157e308, 5e-324, 2.2250738585072014e-308, 1e400, -1e400,
            1e400 - 1e400, 100000000000.0, 999999999999.5, 1 / 3.0, 3.0e5]


def complexes():
    return [1j, 0j, 2.5j, 1e400j, 1 + 2j, 1.5 - 0.5j, 1e100 + 1e-7j, (1e400 - 1e400) * 1j]


print numbers()
print floats()
print complexes()
print [str(x) for x in floats()]
print 10 ** 30, -(2 ** 64), 1L, True, None, False, Ellipsis
