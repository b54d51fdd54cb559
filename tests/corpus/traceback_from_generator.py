"""An exception that leaves two nested generators and the module: status 1."""


def source():
    for i in (2, 1, 0):
        yield 10 / i


def doubled(items):
    for item in items:
        yield item * 2


for value in doubled(source()):
    print value
