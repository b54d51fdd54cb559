"""Another thread rewrites what this one runs, while this one waits."""
import ctypes
import thread

HEAD = str.__basicsize__ - 1
go, done = thread.allocate_lock(), thread.allocate_lock()
go.acquire()
done.acquire()


def work():
    go.acquire()
    ctypes.memset(id(waits.func_code.co_code) + HEAD + waits.func_code.co_code.rindex('d') + 1, 1, 1)
    done.release()


def waits():
    go.release()
    done.acquire()
    return 'one' and 'two'


thread.start_new_thread(work, ())
print waits()
