"""Recursion, methods and closures. The size is the number of rounds."""
import sys


def fibonacci(n):
    if n < 2:
        return n
    return fibonacci(n - 1) + fibonacci(n - 2)


class Account(object):
    def __init__(self):
        self.balance = 0

    def deposit(self, amount):
        self.balance += amount
        return self

    def __len__(self):
        return self.balance


def counter():
    total = [0]

    def add(amount):
        total[0] += amount
        return total[0]
    return add


total = 0
for _ in xrange(int(sys.argv[1])):
    total += fibonacci(15)
    account, add = Account(), counter()
    for i in xrange(300):
        account.deposit(1)
        add(len(account))
    total += add(0)
print total
