"""Global and module names: STORE, LOAD, DELETE of names, globals and attributes; the errors when missing."""
counter = 0


def bump():
    global counter, fresh
    counter += 1
    fresh = counter * 2
    return fresh


def drop():
    global fresh
    del fresh


def missing():
    return undefined_name


def unbound():
    if counter < 0:
        local = 1
    return local


def delete_twice():
    local = 1
    del local
    del local


print bump(), bump(), fresh, counter
drop()
for f in (drop, missing, unbound, delete_twice):
    try:
        f()
    except NameError, error:
        print type(error).__name__, error
del counter
try:
    counter
except NameError, error:
    print error
try:
    del counter
except NameError, error:
    print error
print len, True
len = 5
print len
del len
print len
