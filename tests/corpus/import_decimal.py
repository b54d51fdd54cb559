"""Importing `decimal` with all it needs, and calculating with it."""
import sys

# imported afresh, whatever the tracer has imported before; the old modules stay alive for it
names = """
    re sre_compile sre_parse sre_constants collections keyword heapq decimal numbers functools
    copy string threading locale"""
kept = [sys.modules.pop(name, None) for name in names.split()]
import decimal

decimal.getcontext().prec = 30
D = decimal.Decimal
print D(1) / D(7), D('2').sqrt(), D('1.10') + D('2.20'), D('1e5').normalize(), D('-0.0'), D('NaN')
print D('123.456').quantize(D('0.1')), D(2) ** 40, max(D('1.5'), D('-2')), D('3.7') // 1, hash(D(5)) == hash(5)
for bad in (lambda: D(1) / 0, lambda: D('x')):
    try:
        bad()
    except ArithmeticError, error:
        print type(error).__name__
