"""Bytecode rewritten by writes to /proc/self/mem, buffered and not, in a running loop."""
import os
import io

HEAD = str.__basicsize__ - 1


def by_file(at, text):
    file = open('/proc/self/mem', 'r+b', 0)
    file.seek(at)
    file.write(text)
    file.close()


def by_descriptor(at, text):
    one = os.open('/proc/%d/mem' % os.getpid(), os.O_RDWR)
    two = os.dup(one)
    os.close(one)
    os.lseek(two, at, 0)
    os.write(two, text)
    os.close(two)


def by_io(at, text):
    file = io.open('/proc/thread-self/mem' if os.path.exists('/proc/thread-self') else '/proc/self/mem', 'r+b')
    file.seek(at)
    file.write(text)
    file.close()


def poke(function, offset, text, write):
    write(id(function.func_code.co_code) + HEAD + offset, text)


def g(n, write):
    out = []
    for i in range(n):
        if i == 2:
            poke(g, g.func_code.co_code.index('\x72'), '\x73', write)
        if i == 5:
            break
        out.append(i)
    return out


print g(9, by_file)
print g(4, by_descriptor)
print g(4, by_io)
