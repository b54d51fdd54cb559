"""Cells: LOAD_CLOSURE, LOAD_DEREF, STORE_DEREF, MAKE_CLOSURE with and without defaults; unbound cells."""


def counter(start):
    count = [start]
    step = 1

    def up(by=step):
        count[0] += by
        return count[0]

    def reset(to=0, *more, **named):
        count[0] = to
        return start, step
    step = 5
    return up, reset


def deep(a):
    def middle(b):
        def inner(c):
            return a, b, c
        return inner
    return middle


def unbound(bind):
    if bind:
        value = 1

    def reader():
        return value
    return reader


def own_cell():
    if unbound is None:
        late = 1
    lambda: late
    return late


up, reset = counter(10)
print up(), up(2), reset(), up()
print deep(1)(2)(3), deep.func_code.co_cellvars, up.func_closure[0].cell_contents
for f in (unbound(True), unbound(False), own_cell):
    try:
        print f()
    except NameError, error:
        print type(error).__name__, error
fib = (lambda f: lambda n: n if n < 2 else f(f)(n - 1) + f(f)(n - 2))
print fib(lambda g: fib(g))(10)
