"""More than 65,536 constants in a function: LOAD_CONST beyond index 65,535, with the compiler's EXTENDED_ARG."""

lines = ['def f(flag):', '    if flag:', '        return [%s]' % ', '.join(map(str, xrange(1000, 66600)))]
lines += ['    def inner(a=987654, b=(7.25, "late")):', '        return a, b',
          '    return 900001, "beyond", 900002.5, inner(), (lambda: 3)(), u"wide"']
exec '\n'.join(lines)
print f(0), len(f.func_code.co_consts)
