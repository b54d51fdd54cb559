"""PRINT_EXPR, made by compile's `single` mode, through sys.displayhook."""
import sys


def run(source):
    exec compile(source, '<single>', 'single')


run('1 + 1')
run('None')
run('"text"; [3]')
run('x = 5; x')
run('for i in range(3): i * 10\n')


def hook(value):
    print 'hook', value


sys.displayhook = hook
run('4 * 4')
run('None')
del sys.displayhook
try:
    run('1')
except RuntimeError, error:
    print error
