def total(n):
    result = 0
    i = 0
    while i <= n:
        if i % 2 == 0:
            result += i
        i += 1
    return result


print total(10)
