"""sys._getframe: f_lasti, f_lineno, f_back, f_trace and tb_lasti as the program sees them while it is traced.

Ours only: the oracle's trace function shows as f_trace and in sys.gettrace."""
import sys


def where():
    frame = sys._getframe()
    caller = frame.f_back
    return (frame.f_lineno, frame.f_lasti, frame.f_code.co_name, caller.f_lineno, caller.f_lasti,
            caller.f_code.co_name, frame.f_trace, sorted(frame.f_locals))


def generate():
    yield sys._getframe().f_lasti
    yield sys._getframe().f_back.f_code.co_name


print where()
print list(generate())
try:
    1 / 0
except ZeroDivisionError:
    tb = sys.exc_info()[2]
    print tb.tb_lineno, tb.tb_lasti, tb.tb_frame.f_lineno, tb.tb_frame.f_code.co_name
print sys.gettrace(), sys.getprofile()
