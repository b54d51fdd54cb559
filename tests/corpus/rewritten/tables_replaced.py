"""The pointers of code objects to their bytecode and tables replaced through ctypes, between two calls."""
import ctypes

CODE, CONSTS, NAMES, VARNAMES = range(32, 64, 8)     # after four ints behind the head (Include/code.h)
kept = []


def replace(function, field, new):
    kept.append(new)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(new))
    ctypes.c_void_p.from_address(id(function.func_code) + field).value = id(new)


def other_code(argument):
    local = argument.real
    return local, 'first', 'second'


def other_consts(argument):
    local = argument.real
    return local, 'first', 'second'


def other_names(argument):
    local = argument.real
    return local, 'first', 'second'


def other_varnames(argument):
    local = argument.real
    return local, 'first', 'second'


for function, field, table in [
        (other_code, CODE, other_code.func_code.co_code.replace('d\1\0d\2\0', 'd\2\0d\1\0')),
        (other_code, CODE, other_code.func_code.co_code.replace('d', 'd')),
        (other_consts, CONSTS, (None, ('third', 'fourth'), 'fifth', 'sixth', 'seventh')),
        (other_names, NAMES, ('imag',)),
        (other_varnames, VARNAMES, ('argument_replaced', 'local_replaced'))]:
    print function(3),
    replace(function, field, table)
    print function(3), function(4)
