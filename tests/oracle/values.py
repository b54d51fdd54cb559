"""The oracle for values: the state before each instruction of a program, on plain CPython 2.7.

    python2.7 values.py OUT SIZE,DEPTH,ITEMS prog.py [args ...]

Shares nothing with the hook. `co_lnotab` of each code object that runs is replaced, so that every
byte is a line of its own; a trace function of C's kind, set by ctypes, is then called before each
instruction. It reads the stack, the blocks, the locals and the cells out of the frame's memory and
writes them as one JSON object, values as text by their exact type. A trace function of Python's kind
would refresh `f_locals`, which holds references: `str +=` would not grow in place any more.

Instructions of the program's own file and of code that it makes (`<string>`) are written, as this
file has imported modules that the program would import.
"""

import ctypes
import marshal
import posix
import sys
import types


def main():
    out, bounds, program = sys.argv[1:4]
    size, depth, items = [int(number) for number in bounds.split(',')]
    with open(program, 'rb') as source:
        text = source.read()
    if program.endswith('.pyc'):
        code = marshal.loads(text[8:])
    else:
        code = compile(text, program, 'exec', 0, True)
    output = open(out, 'wb', 1 << 20)
    # The one number that is another in each run.
    output.write('{"process":%d}\n' % posix.getpid())
    state = State(Text(size, depth, items), output.write, code.co_filename)
    sys.argv[:] = sys.argv[3:]
    sys.path[0] = program.rpartition('/')[0] or ''
    module = types.ModuleType('__main__')
    module.__dict__['__builtins__'] = sys.modules['__builtin__']
    module.__file__ = program
    module.__package__ = None
    keep = sys.modules['__main__']
    sys.modules['__main__'] = module
    status = 0
    state.start()
    try:
        exec code in module.__dict__
    except SystemExit:
        pass
    except BaseException:
        status = 1
    finally:
        state.stop()
    output.close()
    sys.stdout.flush()
    keep.exit(status)


def exit(status):
    # Without the interpreter's end: nothing of it is compared.
    posix._exit(status)


POINTER = ctypes.sizeof(ctypes.c_void_p)

# Offsets in PyFrameObject (frameobject.h), PyCodeObject (code.h), PyCellObject (cellobject.h) and
# PyTypeObject (object.h) of a build without Py_TRACE_REFS on a machine of 64 bits.
F_CODE, F_VALUESTACK, F_STACKTOP, F_LASTI, F_IBLOCK, F_BLOCKSTACK = 32, 64, 72, 120, 128, 132
F_LOCALSPLUS = 376
CO_LNOTAB = 104
CELL_REF = 16
TP_REPR = 88


def pointer_at(address):
    return ctypes.c_void_p.from_address(address).value


def int_at(address):
    return ctypes.c_int.from_address(address).value


def object_at(address):
    return ctypes.cast(address, ctypes.py_object).value


class State(object):
    CALL, LINE = 0, 2

    def __init__(self, text, write, program):
        self.text, self.write, self.program = text, write, program
        self.rewritten = {}
        import opcode
        self.opname = opcode.opname
        prototype = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p,
                                      ctypes.c_int, ctypes.c_void_p)
        self.callback = prototype(self.traced)
        self.set = ctypes.pythonapi.PyEval_SetTrace
        self.set.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
        self.set.restype = None

    def start(self):
        self.set(ctypes.cast(self.callback, ctypes.c_void_p), None)

    def stop(self):
        self.set(None, None)

    def traced(self, _, frame, what, arg):
        if what == self.CALL:
            self.rewrite(pointer_at(frame + F_CODE))
        elif what == self.LINE:
            self.line(frame)
        return 0

    def rewrite(self, address):
        """Every byte of the code is a line."""
        if pointer_at(address + CO_LNOTAB) in self.rewritten:
            return
        code = object_at(address)
        lines = '\1\1' * (len(code.co_code) + 1)
        # Kept for good, with what was there before.
        self.rewritten[id(lines)] = lines, code.co_lnotab
        ctypes.c_void_p.from_address(address + CO_LNOTAB).value = id(lines)
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(lines))

    def line(self, frame):
        code = object_at(pointer_at(frame + F_CODE))
        if code.co_filename != self.program and code.co_filename[:1] != '<':
            return
        text = self.text.quoted
        bottom, top = pointer_at(frame + F_VALUESTACK), pointer_at(frame + F_STACKTOP)
        stack = [text(pointer_at(at)) for at in xrange(bottom, top, POINTER)]
        blocks = []
        for index in xrange(int_at(frame + F_IBLOCK)):
            at = frame + F_BLOCKSTACK + 12 * index
            blocks.append('["%s",%d,%d]' % (self.opname[int_at(at)], int_at(at + 4),
                                            int_at(at + 8)))
        at = frame + F_LOCALSPLUS
        names = []
        for name in code.co_varnames[:code.co_nlocals]:
            value = pointer_at(at)
            if value:
                names.append('[%s,%s]' % (string(name), text(value)))
            at += POINTER
        cells = []
        for name in code.co_cellvars + code.co_freevars:
            value = pointer_at(pointer_at(at) + CELL_REF)
            if value:
                cells.append('[%s,%s]' % (string(name), text(value)))
            at += POINTER
        self.write('{"in":%s,"pc":%d,"stack":[%s],"blocks":[%s],"locals":[%s],"cells":[%s]}\n' % (
            string(code.co_name), int_at(frame + F_LASTI), ','.join(stack), ','.join(blocks),
            ','.join(names), ','.join(cells)))


def string(text):
    """A JSON string; bytes that are not ASCII as the code points of the same numbers."""
    return '"%s"' % ''.join(
        char if ' ' <= char <= '~' and char not in '"\\' else '\\u%04x' % ord(char)
        for char in text)


def printed(name):
    """What `%s` prints of a name."""
    return name.partition('\0')[0]


class Text(object):
    """What repr() gives, by exact type, without running code of the program."""

    MARKS = {tuple: '(...)', list: '[...]', dict: '{...}', set: 'set(...)',
             frozenset: 'frozenset(...)', slice: 'slice(...)'}
    LONG_BITS = 14284

    def __init__(self, size, depth, items):
        self.size, self.depth, self.items = size, depth, items
        self.type_dict = type.__dict__['__dict__'].__get__
        self.type_name = type.__dict__['__name__'].__get__
        self.type_module = type.__dict__['__module__'].__get__
        self.type_flags = type.__dict__['__flags__'].__get__
        self.module_dict = types.ModuleType.__dict__['__dict__'].__get__
        self.exception_args = BaseException.__dict__['args'].__get__
        self.exception_repr = pointer_at(id(BaseException) + TP_REPR)
        self.by_repr = set([
            type(None), bool, int, float, complex, type(Ellipsis), type(NotImplemented), xrange,
            types.BuiltinFunctionType, types.FunctionType, types.GeneratorType, types.CodeType,
            type(list.append), type(list.__init__), type([].__len__),
            type(types.FunctionType.func_code), type(types.FunctionType.func_globals)])

    def quoted(self, address):
        text = self.text(object_at(address), self.depth, ())
        if len(text) > self.size:
            text = text[:self.size] + '...'
        return string(text)

    def text(self, value, depth, inside):
        kind = type(value)
        if kind in self.by_repr:
            return repr(value)
        if kind is str:
            return repr(value[:self.size])
        if kind is unicode:
            return repr(value[:self.size])
        if kind is bytearray:
            return 'bytearray(b%s)' % repr(str(value[:self.size]))
        if kind is long:
            bits = value.bit_length()
            return '<long of %d bits>' % bits if bits > self.LONG_BITS else repr(value)
        is_exception = pointer_at(id(kind) + TP_REPR) == self.exception_repr
        if kind in self.MARKS or is_exception or kind is types.MethodType:
            if depth == 0 or id(value) in inside:
                return self.MARKS.get(kind, '<...>')
            inside += (id(value),)
            if is_exception:
                name = self.qualified(kind).rpartition('.')[2]
                return name + self.text(self.exception_args(value), depth - 1, inside)
            if kind is types.MethodType:
                return self.method(value, depth, inside)
            return self.container(value, kind, depth - 1, inside)
        address = hex(id(value)).rstrip('L')
        if kind is type:
            is_class = self.type_flags(value) & 1 << 9
            return "<%s '%s'>" % ('class' if is_class else 'type', self.qualified(value))
        if kind is types.ClassType:
            return '<class %s at %s>' % (self.old(value), address)
        if kind is types.InstanceType:
            return '<%s instance at %s>' % (self.old(value.__class__), address)
        if kind is types.ModuleType:
            names = self.module_dict(value) or {}
            name, origin = names.get('__name__'), names.get('__file__')
            origin = "from '%s'" % origin if type(origin) is str else '(built-in)'
            return "<module '%s' %s>" % (name if type(name) is str else '?', origin)
        if kind is file:
            return "<%s file %s, mode '%s' at %s>" % (
                'closed' if value.closed else 'open', self.text(value.name, 0, inside), value.mode,
                address)
        return '<%s object at %s>' % (self.qualified(kind), address)

    def container(self, value, kind, depth, inside):
        def text(item):
            return self.text(item, depth, inside)
        if kind is slice:
            return 'slice(%s, %s, %s)' % (text(value.start), text(value.stop), text(value.step))
        parts = []
        if kind is dict:
            for key, item in value.iteritems():
                if len(parts) == self.items:
                    break
                parts.append('%s: %s' % (text(key), text(item)))
        else:
            for item in value:
                if len(parts) == self.items:
                    break
                parts.append(text(item))
        if len(value) > self.items:
            parts.append('...')
        inner = ', '.join(parts)
        if kind is tuple:
            return '(%s,)' % inner if len(value) == 1 else '(%s)' % inner
        if kind is list:
            return '[%s]' % inner
        if kind is dict:
            return '{%s}' % inner
        return '%s([%s])' % ('set' if kind is set else 'frozenset', inner)

    def method(self, value, depth, inside):
        name = '%s.%s' % (self.short(value.im_class), self.short(value.im_func))
        if value.im_self is None:
            return '<unbound method %s>' % name
        return '<bound method %s of %s>' % (name, self.text(value.im_self, depth - 1, inside))

    def short(self, value):
        kind = type(value)
        if kind is types.FunctionType or kind is types.BuiltinFunctionType:
            return value.__name__
        if kind is types.ClassType:
            return value.__name__
        if isinstance(value, type):
            return self.type_name(value)
        return '?'

    def qualified(self, kind):
        name = self.type_name(kind)
        if self.type_flags(kind) & 1 << 9:
            module = self.type_dict(kind).get('__module__')
        else:
            module = self.type_module(kind)
        name = printed(name)
        if type(module) is not str or module == '__builtin__':
            return name
        return '%s.%s' % (printed(module), name)

    def old(self, kind):
        module = kind.__dict__.get('__module__')
        if type(module) is not str or module == '__builtin__':
            return printed(kind.__name__)
        return '%s.%s' % (printed(module), printed(kind.__name__))


if __name__ == '__main__':
    main()
