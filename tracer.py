"""Trace the execution of a Python 2.7 program, one line for each bytecode instruction.

    ./python27-traced tracer.py factorial.pyc trace.txt
    ./python27-traced tracer.py -t only -n recur_factorial -r factorial.pyc trace.txt

Checks the program first and refuses what cannot be run. Then it replaces its own process with a
fresh interpreter that runs the program, so the program sees nothing of this file and runs as under
plain `python prog.pyc args...`. The interpreter itself does the tracing.
"""

import sys

if sys.version_info[:2] != (2, 7):
    sys.stderr.write('tracer.py: this is Python %d.%d; start me with `./python27-traced '
                     'tracer.py ...`\n' % sys.version_info[:2])
    sys.exit(2)

import codecs
import errno
import getopt
import hashlib
import imp
import marshal
import os
import stat
import struct
import types
import zipimport

# The first and last magic number that a version of CPython has written (Python/import.c,
# Lib/importlib/_bootstrap_external.py); imp.get_magic() recognizes 2.7 itself.
MAGICS = (
    (20121, 20121, '1.5'), (50428, 50428, '1.6'), (50823, 50823, '2.0'), (60202, 60202, '2.1'),
    (60717, 60717, '2.2'), (62011, 62021, '2.3'), (62041, 62061, '2.4'), (62071, 62131, '2.5'),
    (62151, 62161, '2.6'), (62171, 62201, '2.7 before its release'), (62212, 62212, '2.7 -U'),
    (62218, 62218, 'PyPy 2.7'), (3000, 3131, '3.0'), (3141, 3151, '3.1'), (3160, 3180, '3.2'),
    (3190, 3230, '3.3'), (3250, 3310, '3.4'), (3320, 3351, '3.5'), (3360, 3379, '3.6'),
    (3390, 3394, '3.7'), (3400, 3413, '3.8'), (3420, 3425, '3.9'), (3430, 3439, '3.10'),
    (3450, 3495, '3.11'), (3500, 3531, '3.12'), (3550, 3571, '3.13'), (3600, 3627, '3.14'),
)

# The note that ours carries at the start of its file, where the system has such notes (shim/c/hook.c).
NOTE = struct.pack('=III16s', 16, 4, 1, 'python27-traced')

COOKIE = 'MEI\014\013\012\013\016'  # PyInstaller's mark near the end of an executable.

# What people try that holds programs, and what to do about it.
ARCHIVES = (
    ('PYZ\0', 'is an archive of PyInstaller that holds many modules; extract it, and trace one of '
              'them'),
    (COOKIE, 'is an executable made by PyInstaller; extract it, and trace the program in it'),
)

MOST_DECOMPRESSED = 64 << 20  # bytes

ZIP_END = 'PK\5\6'  # Starts the last record of a zip file, which `zipimport` wants at its end.
ZIP_TAIL = 22  # bytes

HEADER = 8  # bytes before the code object in a .pyc of 2.7: magic and modification time


HELP = """\
usage: tracer.py [-h] [-t {all,only}] [-n NAME] [-r] [--blog] [--raw]
                 [--format {text,flow}] [--compress] [--follow-fork]
                 [--threads {one,all}] [--limit N] [--max-bytes SIZE]
                 [--guard] [--values] [--value-size N] [--depth N] [--items N]
                 (pycfile | -m MODULE) tracefile [args ...]

Run a Python 2.7 program and write each bytecode instruction that it executes
to a file.

operands:
  pycfile               the program: a .pyc or .pyo file, a .py file, which is
                        compiled in memory, or a zip file or directory with a
                        __main__, as `python` runs them
  -m MODULE, --module MODULE
                        run this module or package instead, as `python -m`
                        does
  tracefile             the file where to write the trace; `-` is standard
                        output
  args                  the program's own arguments

options:
  -h, --help            show this help message and exit
  -t {all,only}, --trace {all,only}
                        trace all code objects, or only those whose co_name is
                        given with -n (default: all)
  -n NAME, --name NAME  trace only code objects of this co_name, whatever -t
                        says
  -r, --resolve         write what an operand means in place of its number:
                        the constant, the name, the comparison, the target of
                        a relative jump
  --blog                write the very bytes of the blog's tracer: leave out
                        the instruction that follows EXTENDED_ARG
  --raw                 the program is a marshalled code object without the
                        header of a .pyc, as in the archives of PyInstaller
  --format {text,flow}  what to write: the lines of the trace, or a recording
                        that `trace27 expand` turns into them (default: flow
                        if the name of tracefile ends in .flow or .flow.zst)
  --compress            compress it while it is written, as a name that ends
                        in .zst does too
  --follow-fork         trace forked children too, each to a file of its own:
                        tracefile.PID
  --threads {one,all}   trace the thread that starts the program, or every
                        thread, each to a file of its own beside tracefile
                        (default: one)
  --limit N             end the trace, not the program, after N instructions
                        are written, those that -n keeps; a recording keeps
                        all. With --threads all each file has its own limit
  --max-bytes SIZE      end the trace, not the program, before the file, each
                        for itself, is larger than SIZE bytes; K, M and G
                        behind the number multiply it by 1024
  --guard               check each instruction before it runs; what would
                        crash the interpreter raises SystemError
  --values              record every value that an instruction produces, and
                        what frames are given; for a recording only
  --value-size N        record N bytes of a string (default: 256)
  --depth N             record containers inside containers, N deep
                        (default: 4)
  --items N             record N members of a container (default: 32)
"""

UNITS = {'K': 1 << 10, 'M': 1 << 20, 'G': 1 << 30}
LARGEST = (1 << 64) - 1  # The settings hold numbers of 64 bits.


class Refused(Exception):
    """What is wrong with the program or a file, and what to do about it."""


def main():
    options = parse_arguments(sys.argv[1:])
    subject = options.pycfile if options.module is None else options.module
    try:
        check_interpreter()
        if not options.tracefile:
            subject = options.tracefile
            raise Refused('is an empty name; name a file for the trace, or `-` for standard '
                          'output')
        if options.module is not None:
            data = None
            check_module(options.module)
        else:
            data = check_program(options.pycfile, options.raw)
            if same_file(options.pycfile, options.tracefile):
                raise Refused('is the program itself; name another file for the trace')
        start(options, data)
    except Refused as refusal:
        complain('`%s` %s' % (subject, refusal))


def parse_arguments(arguments):
    """Options may come before and between the operands, not after them."""
    options = Options()
    operands = []
    while len(operands) < (1 if options.module is not None else 2):
        try:
            found, arguments = getopt.getopt(arguments, 'ht:n:rm:', Options.LONG)
        except getopt.GetoptError as error:
            misused(str(error))
        for name, value in found:
            options.take(name, value)
        if options.module is not None and operands:
            misused('`%s` and `-m %s` both name a program' % (operands[0], options.module))
        if not arguments:
            needed = 'tracefile is' if options.module is not None else 'pycfile and tracefile are'
            misused('too few arguments: %s needed' % needed)
        operands.append(arguments.pop(0))
    options.tracefile = operands.pop()
    if operands:
        options.pycfile, = operands
    options.args = arguments
    if options.module is not None and options.raw:
        misused('`--raw` is for a file, and `-m %s` names a module' % options.module)
    if options.format is None:
        is_flow = options.tracefile.endswith(('.flow', '.flow.zst'))
        options.format = 'flow' if is_flow else 'text'
    if options.format == 'flow' and (options.name is not None or options.resolve or options.blog):
        misused('a recording holds everything; give `-n`, `-r` and `--blog` to `trace27 expand`')
    if options.values and options.format != 'flow':
        misused('`--values` needs a recording; name a file that ends in .flow')
    if options.trace == 'only' and options.name is None:
        misused('`--trace only` needs a name; give it with `--name NAME`')
    return options


class Options(object):
    """The command that was typed, as HELP shows it."""

    LONG = ['help', 'trace=', 'name=', 'resolve', 'blog', 'raw', 'format=', 'compress',
            'follow-fork', 'threads=', 'limit=', 'max-bytes=', 'guard', 'module=', 'values',
            'value-size=', 'depth=', 'items=']
    SHORT = {'-h': '--help', '-t': '--trace', '-n': '--name', '-r': '--resolve', '-m': '--module'}
    CHOICES = {'trace': ('all', 'only'), 'format': ('text', 'flow'), 'threads': ('one', 'all')}

    name = format = limit = max_bytes = pycfile = module = None
    trace, threads = 'all', 'one'
    value_size = depth = items = None
    resolve = blog = raw = compress = follow_fork = guard = values = False

    MOST = {'value-size': 65536, 'depth': 16, 'items': 1000}  # shim/src/settings.rs

    def take(self, option, value):
        # The original's examples have `-t=only -n=NAME`.
        if option in ('-t', '-n') and value.startswith('='):
            value = value[1:]
        option = self.SHORT.get(option, option)[2:]
        if option == 'help':
            sys.stdout.write(HELP)
            sys.exit(0)
        elif option in self.LONG:
            value = True
        elif value not in self.CHOICES.get(option, (value,)):
            misused('invalid choice of --%s: `%s`; choose from %s'
                    % (option, value, ', '.join(self.CHOICES[option])))
        elif option in ('limit', 'max-bytes') or option in self.MOST:
            value = self.number(option, value)
        setattr(self, option.replace('-', '_'), value)

    def number(self, option, text):
        unit, digits = 1, text
        if option == 'max-bytes' and text[-1:].upper() in UNITS:
            unit = UNITS[text[-1].upper()]
            digits = text[:-1]
        number = int(digits) * unit if digits.isdigit() else 0
        largest = self.MOST.get(option, LARGEST)
        if not 1 <= number <= largest:
            units = '; K, M or G may follow it' if option == 'max-bytes' else ''
            misused('`--%s %s` is not a number from 1 to %d%s' % (option, text, largest, units))
        return number


def misused(message):
    sys.stderr.write(HELP.partition('\n\n')[0] + '\n\n')
    complain(message)


def complain(message):
    """Prints one line and ends with status 2.

    A name or a message may come from a hostile file: what a terminal would obey is escaped.
    """
    sys.stderr.write('tracer.py: %s\n' % shown(message))
    sys.exit(2)


def shown(text):
    """The text with its control characters, and bytes that are not UTF-8, written as `\\x1b`."""
    return text.decode('utf-8', 'escape').translate(CONTROLS).encode('utf-8')


def escape(error):
    """What stands for the bytes that cannot be decoded."""
    invalid = error.object[error.start:error.end]
    return u''.join(u'\\x%02x' % ord(byte) for byte in invalid), error.end


codecs.register_error('escape', escape)
CONTROLS = {number: u'\\x%02x' % number for number in range(0x20) + range(0x7f, 0xa0)}


def check_interpreter():
    """Any other 2.7 would run the program and write no trace, without a word."""
    try:
        with open(sys.executable, 'rb') as executable:
            head = executable.read(4096)
            knows_us = NOTE in head or 'PYTHON27_TRACED_FILE' in head + executable.read()
    except EnvironmentError as error:
        raise Refused('cannot be traced: the interpreter `%s` cannot be read: %s'
                      % (sys.executable, error.strerror.lower()))
    if not knows_us:
        raise Refused('cannot be traced by `%s`, which is a plain Python; start me with '
                      '`./python27-traced tracer.py ...`' % sys.executable)


def check_module(name):
    """Refuse a module that `python -m` would not find, without running code to look for it."""
    first = name.partition('.')[0]
    if not first:
        raise Refused('names no module; give `-m` the name of one, without a dot before it')
    import pkgutil
    for path in [os.curdir] + sys.path[1:]:
        importer = pkgutil.get_importer(path)
        if importer is not None and importer.find_module(first) is not None:
            return
    if not imp.is_builtin(first) and not imp.is_frozen(first):
        raise Refused('is no module that can be found; `-m` looks in this directory and in '
                      '`PYTHONPATH`, and takes a name without `.py`')


def check_program(path, raw):
    """The bytes of the program; `None` for a directory."""
    if not path:
        raise Refused('is an empty name; name a .pyc, .pyo or .py file')
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            check_directory(path, raw)
            return None
        if not stat.S_ISREG(status.st_mode):
            raise Refused('is no regular file and cannot be read twice; copy it to a file first')
        data = read(path)
    except EnvironmentError as error:
        if error.errno == errno.ENOENT:
            raise Refused('does not exist; name a .pyc, .pyo or .py file')
        raise Refused('cannot be read: ' + error.strerror.lower())
    if raw:
        check_code(data, 0)
    elif ZIP_END in data[-ZIP_TAIL:] and is_archive(path):
        # Whatever its name and its first bytes: `python` tries this first.
        check_archive(path)
    elif data[:4] == imp.get_magic():
        check_header(data)
        check_code(data, HEADER)
    elif not path.endswith(('.py', '.pyw')):
        refuse_header(data)
    return data


def read(path):
    with open(path, 'rb') as program:
        return program.read()


def check_directory(path, raw):
    """Refuse what `python DIRECTORY` would not run, or what would crash it."""
    main = os.path.join(path, '__main__')
    if raw or not (os.path.isdir(main) or any(os.path.isfile(main + suffix)
                                              for suffix in ('.py', '.pyc', '.pyo'))):
        raise Refused('is a directory%s; name the program inside it'
                      % ('' if raw else ' without a `__main__.py`'))
    compiled = main + ('.pyc' if __debug__ else '.pyo')
    if not os.path.isfile(main + '.py') and os.path.isfile(compiled):
        data = read(compiled)
        if data[:4] == imp.get_magic():
            check_code(data, HEADER)


def is_archive(path):
    try:
        zipimport.zipimporter(path)
    except zipimport.ZipImportError:
        return False
    return True


def check_archive(path):
    """Refuse what `python ARCHIVE` would not run, or what would crash it."""
    archive = zipimport.zipimporter(path)
    if archive.find_module('__main__') is None:
        raise Refused('is a zip file without a `__main__.py`')
    for suffix in '.pyc', '.pyo':
        try:
            data = archive.get_data('__main__' + suffix)
        except EnvironmentError:
            continue
        if data[:4] == imp.get_magic():
            check_code(data, HEADER)


def refuse_header(data):
    if not data:
        raise Refused('is empty')
    if len(data) < HEADER:
        raise Refused('is cut short: %d bytes, and the header alone is %d' % (len(data), HEADER))
    magic, = struct.unpack('<H', data[:2])
    if data[2:4] == '\r\n':
        for first, last, version in MAGICS:
            if first <= magic <= last:
                raise Refused('was compiled by Python %s (magic %d), this is 2.7; use a '
                              'file that 2.7 compiled' % (version, magic))
    if is_code(data, 0):
        raise Refused('is a code object without the header of a .pyc; give `--raw`')
    for mark, what in ARCHIVES:
        if mark in (data if mark == COOKIE else data[:4]):
            raise Refused(what)
    unpacked = decompressed(data)
    if unpacked is not None:
        for start, hint in (0, 'trace what is in it with `--raw`'), (HEADER, 'trace what is in it'):
            if is_code(unpacked, start):
                raise Refused('is compressed with zlib, as in the archives of PyInstaller; '
                              'decompress it to a file, and ' + hint)
    raise Refused('is no .pyc of Python 2.7: it starts with %s, not %s; a code object '
                  'without a header is traced with `--raw`, source must be named .py'
                  % (data[:4].encode('hex'), imp.get_magic().encode('hex')))


def decompressed(data):
    """What a zlib stream holds, up to a size that no code object has; `None` if it is none."""
    try:
        import zlib
    except ImportError:
        return None
    try:
        return zlib.decompressobj().decompress(data, MOST_DECOMPRESSED)
    except zlib.error:
        return None


def check_header(data):
    """Refuse a code object of 2.7 that has the header of a later version before it."""
    for size in 12, 16:
        if is_code(data, size) and not is_code(data, HEADER):
            raise Refused('has a header of %d bytes, as a .pyc of Python 3; one of 2.7 has %d: '
                          'remove the %d bytes after the first %d'
                          % (size, HEADER, size - HEADER, HEADER))


def is_code(data, start):
    try:
        check_code(data, start)
    except Refused:
        return False
    return True


def check_code(data, start):
    """Refuse what does not unmarshal to a code object.

    The shape is checked before marshal sees it: marshal takes memory as a length field says, and
    a code object whose names are no strings ends the interpreter.
    """
    if len(data) <= start:
        raise Refused('is cut short: %d bytes, and no code object' % len(data))
    Shape(data, start).check()
    try:
        code = marshal.loads(data[start:])
    except Exception as error:
        raise Refused('is damaged: %s' % error)
    if not isinstance(code, types.CodeType):
        raise Refused('holds %s and no code object' % type(code).__name__)


class Shape(object):
    """Walks marshalled data (Python/marshal.c, r_object) without making objects of it."""

    # Bytes that follow the type byte.
    FIXED = {'0': 0, 'N': 0, 'F': 0, 'T': 0, 'S': 0, '.': 0, 'i': 4, 'I': 8, 'g': 8, 'y': 16,
             'R': 4}
    STRINGS = 'stR'

    # What is still to come, each with a count where it has one.
    OBJECTS, BYTES, PAIRS, STRING, NAMES = range(5)

    # The fields of a code object, the last one first (w_object).
    CODE = ((STRING, 1), (BYTES, 4), (STRING, 2), (NAMES, 4), (OBJECTS, 1), (STRING, 1),
            (BYTES, 16))

    def __init__(self, data, at):
        self.data = data
        self.at = at

    def check(self):
        pending = [(self.OBJECTS, 1)]
        while pending:
            what, count = pending.pop()
            if what == self.BYTES:
                self.take(count)
                continue
            if count > 1:
                pending.append((what, count - 1))
            start = self.at
            kind = self.take(1)
            if what == self.STRING and kind not in self.STRINGS:
                raise Refused('is damaged: a code object has no string at byte %d' % start)
            if what == self.NAMES:
                if kind != '(':
                    raise Refused('is damaged: a code object has no names at byte %d' % start)
                what = self.STRING
            elif what == self.PAIRS:
                if kind == '0':
                    continue
                pending += [(self.PAIRS, 1), (self.OBJECTS, 1)]
                what = self.OBJECTS
            else:
                what = self.OBJECTS
            self.body(kind, start, what, pending)

    def body(self, kind, start, items, pending):
        if kind in self.FIXED:
            self.take(self.FIXED[kind])
        elif kind in 'stu':
            self.take(self.length(start))
        elif kind == 'f':
            self.take(ord(self.take(1)))
        elif kind == 'x':
            self.take(ord(self.take(1)))
            self.take(ord(self.take(1)))
        elif kind == 'l':
            digits, = struct.unpack('<i', self.take(4))
            self.take(2 * abs(digits))
        elif kind in '([<>':
            count = self.length(start)
            if count:
                pending.append((items, count))
        elif kind == '{':
            pending.append((self.PAIRS, 1))
        elif kind == 'c':
            pending.extend(self.CODE)
        else:
            raise Refused('is damaged: no object of type %r at byte %d' % (kind, start))

    def length(self, start):
        length, = struct.unpack('<i', self.take(4))
        # Whatever is counted takes a byte at the least.
        if length < 0 or length > len(self.data) - self.at:
            raise Refused('is cut short or damaged: %d items or bytes at byte %d, and the file '
                          'has %d left' % (length, start, len(self.data) - self.at))
        return length

    def take(self, count):
        taken = self.data[self.at:self.at + count]
        if len(taken) < count:
            raise Refused('is cut short: it ends at byte %d, inside an object'
                          % len(self.data))
        self.at += count
        return taken


def same_file(one, other):
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


def start(options, data):
    environment = dict(os.environ)
    environment['PYTHON27_TRACED_FILE'] = options.tracefile
    wishes = [wish.replace('_', '-')
              for wish in ('resolve', 'blog', 'raw', 'compress', 'follow_fork', 'guard',
                           'values')
              if getattr(options, wish)]
    wishes.append(options.format)
    if options.threads == 'all':
        wishes.append('threads')
    for wish in 'limit', 'max_bytes', 'value_size', 'depth', 'items':
        if getattr(options, wish) is not None:
            wishes.append('%s=%d' % (wish.replace('_', '-'), getattr(options, wish)))
    environment['PYTHON27_TRACED_OPTIONS'] = ','.join(wishes)
    environment.pop('PYTHON27_TRACED_PROGRAM', None)
    if data is not None:
        environment['PYTHON27_TRACED_PROGRAM'] = hashlib.sha256(data).hexdigest()
    environment.pop('PYTHON27_TRACED_NAME', None)
    if options.name is not None:
        environment['PYTHON27_TRACED_NAME'] = options.name
    if options.module is not None:
        program = ['-m', options.module]
    elif options.pycfile.startswith('-'):
        program = [os.path.join(os.curdir, options.pycfile)]
    else:
        program = [options.pycfile]
    command = interpreter() + program + options.args
    try:
        os.execve(sys.executable, command, environment)
    except OSError as error:
        raise Refused('cannot be started: ' + error.strerror.lower())


def interpreter():
    """The interpreter's name and options, as this file was started with."""
    try:
        with open('/proc/self/cmdline', 'rb') as cmdline:
            command = cmdline.read().split('\0')[:-1]
        return command[:len(command) - len(sys.argv)]
    except IOError:
        from subprocess import _args_from_interpreter_flags
        return [sys.executable] + _args_from_interpreter_flags()


if __name__ == '__main__':
    main()
