"""Start a command and report, as one JSON object, its time and the peak of its memory.

    UNPATCHED_PYTHON peak.py trace command args...

The command is started from a process as small as this one, because Linux counts the memory that a process had
before `exec` to what comes after it. Its standard output is thrown away. Other processes that have the trace open are measured too while the command
runs: the process that writes it, which is no child of ours. Times are seconds, memory is KiB.
"""
import errno
import fcntl
import json
import os
import sys
import time

PAUSE = 0.01
TICKS = float(os.sysconf('SC_CLK_TCK'))


def holders(path, ours):
    """The processes that have the file open, apart from ours."""
    for pid in os.listdir('/proc'):
        if not pid.isdigit() or int(pid) in ours:
            continue
        folder = '/proc/%s/fd' % pid
        try:
            if any(os.readlink(os.path.join(folder, number)) == path
                   for number in os.listdir(folder)):
                yield int(pid)
        except OSError:
            pass  # it ended, or is not ours to look at


def look(pid):
    """The peak of a process's memory so far and its processor time, or nothing if it ended."""
    try:
        with open('/proc/%d/status' % pid) as status:
            peak = [int(line.split()[1]) for line in status if line.startswith('VmHWM:')]
        with open('/proc/%d/stat' % pid) as stat:
            fields = stat.read().rpartition(')')[2].split()
        return peak and (peak[0], (int(fields[11]) + int(fields[12])) / TICKS)
    except IOError as error:
        if error.errno not in (errno.ENOENT, errno.ESRCH):
            raise


def main(trace, command):
    trace = os.path.realpath(trace)
    start = time.time()
    child = os.fork()
    if child == 0:
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            os.execvp(command[0], command)
        finally:
            os._exit(127)
    writer, seen = None, None
    while True:
        pid, status, usage = os.wait4(child, os.WNOHANG)
        if pid:
            break
        if writer is None:
            writer = next(holders(trace, (child, os.getpid())), None)
        if writer is not None:
            seen = look(writer) or seen
        time.sleep(PAUSE)
    ended = time.time() - start
    if os.path.isfile(trace):
        with open(trace) as file:
            fcntl.flock(file, fcntl.LOCK_SH)  # held by the writer until the trace is complete
    json.dump({
        'status': status,
        'ended': ended,
        'finished': time.time() - start,
        'peak': usage.ru_maxrss,
        'processor': usage.ru_utime + usage.ru_stime,
        'writer_peak': seen and seen[0],
        'writer_processor': seen and seen[1],
    }, sys.stdout)


if __name__ == '__main__':
    main(sys.argv[1], sys.argv[2:])
