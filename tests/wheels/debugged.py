"""What debuggers run: a call, a loop, an exception that is handled, a generator."""


def square(n):
    result = n * n
    return result


def fragile(n):
    if n == 2:
        raise ValueError(n)
    return n


def numbers(count):
    for n in range(count):
        yield n


def main():
    total = 0
    for n in numbers(4):
        try:
            total += square(fragile(n))
        except ValueError:
            total += 100
    if total < 0:
        print 'never'
    return total


print main()
