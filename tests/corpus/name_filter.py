"""Several code objects share a name, nest and recurse into others: what `-n work` keeps of them."""


def work(n):
    def helper(m):
        return m * 2

    class work(object):
        def work(self, k):
            return helper(k) + n
    return work().work(n)


def other(n):
    return work(n) + 1 if n % 2 else work(n)


def generator():
    work = lambda: 3
    yield work()
    yield globals()['work'](1)


print [other(i) for i in range(3)], list(generator())
exec compile('def work():\n  return 0\nprint work()', '<work>', 'exec') in {}
print (lambda work: work(5))(other)
