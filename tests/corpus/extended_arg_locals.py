"""More than 65,536 local variables: LOAD_FAST, STORE_FAST and DELETE_FAST beyond index 65,535."""

many = '        v' + ' = 0\n        v'.join(map(str, xrange(65540))) + ' = 0'
exec """
def f(flag):
    if flag:
%s
    late = 5
    later = late + 1
    for index in (1, 2):
        later += index
    del late
    try:
        late
    except UnboundLocalError:
        return later
""" % many
print f(False), f.func_code.co_nlocals
