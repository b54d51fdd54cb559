//! What a file's programs share: classes whose operators are Python code, context managers,
//! generator functions, and functions that call themselves.

use super::{CLASSES, Place, Writer};

/// A method, its parameters, what it returns once there is no fuel, and what it may return.
const METHODS: [(&str, &str, &str, &[&str]); 30] = [
    ("__nonzero__", "self", "False", &["self.x > b", "bool(a)", "1"]),
    ("__len__", "self", "0", &["2", "abs(int(self.x)) % 5", "-1"]),
    ("__add__", "self, a", "0", &["self.x + 1", "3", "self", "NotImplemented"]),
    ("__radd__", "self, a", "0", &["self.x - 1", "3", "a"]),
    ("__iadd__", "self, a", "0", &["self", "self.x", "a"]),
    ("__sub__", "self, a", "0", &["self.x - 1", "4"]),
    ("__mul__", "self, a", "0", &["self.x", "5"]),
    ("__mod__", "self, a", "0", &["self.x % 7", "b"]),
    ("__rmod__", "self, a", "0", &["1", "a"]),
    ("__pow__", "self, a", "0", &["2", "self.x"]),
    ("__div__", "self, a", "0", &["2", "a"]),
    ("__and__", "self, a", "0", &["self.x & 7", "1"]),
    ("__rshift__", "self, a", "0", &["1", "a"]),
    ("__neg__", "self", "0", &["-self.x", "self"]),
    ("__invert__", "self", "0", &["~int(self.x)", "self"]),
    ("__int__", "self", "0", &["7", "int(self.x)", "'no'"]),
    ("__abs__", "self", "0", &["abs(self.x)", "b"]),
    ("__coerce__", "self, a", "None", &["(2, 3)", "None"]),
    ("__index__", "self", "0", &["1", "0"]),
    ("__getitem__", "self, a", "self.stop()", &["self.stop()", "a if a < 3 else self.stop()"]),
    ("__setitem__", "self, a, d", "None", &["None"]),
    ("__delitem__", "self, a", "None", &["None"]),
    ("__getslice__", "self, a, d", "[]", &["[a, d]", "self"]),
    ("__contains__", "self, a", "False", &["a == 2", "self.x"]),
    ("__call__", "self, a=1, *rest, **more", "0", &["self.x", "a", "len(rest)"]),
    ("__getattr__", "self, a", "self.stop()", &["5", "self.stop()", "len(a)"]),
    (
        "__setattr__",
        "self, a, d",
        "None",
        &["self.__dict__.__setitem__(a, d if isinstance(d, int) else 3)"],
    ),
    ("__eq__", "self, a", "False", &["self.x == 2", "NotImplemented"]),
    ("__lt__", "self, a", "False", &["self.x < 3", "NotImplemented"]),
    ("__del__", "self", "None", &["None"]),
];

impl Writer {
    /// A class of operators. `__repr__`, `__cmp__` and `__hash__` are always there, so that no
    /// address shows or decides anything.
    pub(super) fn class(&mut self, number: usize) {
        let base = match number {
            0 => "object".into(),
            _ => match self.rng.below(4) {
                0 => "Old".into(),
                1 => format!("K{}", self.rng.below(number)),
                _ => "object".to_owned(),
            },
        };
        self.line(&format!("class K{number}({base}):"));
        self.indent += 1;
        let x = self.rng.below(5);
        self.line(&format!("x = {x}"));
        // Only a number is kept: the oracle cannot judge how long chains of objects die.
        let kept = "self.__dict__.__setitem__('x', b if isinstance(b, int) else 3)";
        self.method("__init__", "self, b", "None", &[kept]);
        self.line("def stop(self): raise (IndexError, AttributeError('a'))[next(FUEL, 0) % 2]");
        self.method("__repr__", "self", "'r'", &["'K'", "'r%s' % 1"]);
        self.method("__cmp__", "self, a", "0", &["cmp(self.x, 2)", "1", "-1"]);
        self.method("__hash__", "self", "0", &["3"]);
        let mut methods = METHODS;
        self.rng.shuffle(&mut methods);
        for (name, parameters, tired, results) in methods {
            if self.rng.chance(40) {
                self.method(name, parameters, tired, results);
            }
        }
        match self.rng.below(4) {
            0 => self.method("__iter__", "self", "iter(())", &["iter([1, 2])", "iter('ab')"]),
            1 => {
                self.line("def __iter__(self): return self");
                self.method("next", "self", "iter(()).next()", &["b", "iter(()).next()"]);
            }
            2 => {
                self.line("def __iter__(self):");
                self.line(" for x in generator0(self.x): yield x");
            }
            _ => {}
        }
        if self.rng.chance(60) {
            self.line("@property");
            self.method("described", "self", "0", &["self.x", "8"]);
            self.line("def y(self, *a): return len(a)");
            self.line("y = property(y, y, y)");
        } else {
            self.line("class Described(object):");
            self.indent += 1;
            self.method("__get__", "self, a, b", "0", &["9", "b.x"]);
            self.method("__set__", "self, a, b", "None", &["None"]);
            self.indent -= 1;
            self.line("described = Described()");
        }
        self.indent -= 1;
    }

    fn method(&mut self, name: &str, parameters: &str, tired: &str, results: &[&str]) {
        self.line(&format!("def {name}({parameters}):"));
        self.indent += 1;
        self.line(&format!("if not next(FUEL, 0): return {tired}"));
        if !parameters.contains('b') {
            self.line("b = 2");
        }
        if self.rng.chance(20) {
            // A finalizer makes no objects with finalizers: that would be a chain, too.
            self.aside(if name == "__del__" { 5 } else { 6 });
        }
        let result = self.rng.pick(results);
        self.line(&format!("return {result}"));
        self.indent -= 1;
    }

    /// A statement that needs no variables but b, of the first `kinds`.
    fn aside(&mut self, kinds: usize) {
        match self.rng.below(kinds) {
            0 => self.line("print 'aside', b"),
            1 => {
                let raised = self.rng.pick(&["Trouble(b)", "Deeper", "StopIteration", "KeyError"]);
                self.line(&format!("if next(FUEL, 0) % 3 == 0: raise {raised}"));
            }
            2 => {
                self.line("try: raise Deeper(4)");
                self.line("except Trouble, b: b = b.value");
            }
            3 => {
                self.line("try: b = b.nothing");
                self.line("except: pass");
                self.line("finally: b = 3");
            }
            4 => self.line("b = sum([x for x in range(3)])"),
            _ => self.line("for b in generator1(b): pass"),
        }
    }

    /// A context manager: what it does on the way in and out depends on its mode.
    pub(super) fn manager(&mut self, number: usize) {
        let base = if self.rng.chance(70) { "object" } else { "Old" };
        self.line(&format!("class M{number}({base}):"));
        self.indent += 1;
        self.line("def __init__(self, mode): self.mode = mode");
        self.line("def __enter__(self):");
        self.line(" if self.mode == 1: raise Deeper(1)");
        self.line(" return self.mode");
        self.line("def __exit__(self, kind, b, traceback):");
        self.indent += 1;
        self.line("if self.mode == 2: raise Trouble(2)");
        self.aside(6);
        self.line("return self.mode > 3");
        self.indent -= 2;
    }

    /// A generator function; `start` and what is sent are numbers.
    pub(super) fn generator(&mut self, number: usize) {
        self.line(&format!("def generator{number}(start):"));
        self.indent += 1;
        self.line("if not next(FUEL, 0): return");
        self.variables("start");
        self.left = self.rng.range(3, 9);
        let cells = self.rng.chance(50);
        let place = Place { function: true, generator: true, cells, ..Place::MODULE };
        while self.left > 0 {
            self.statement(place);
            if self.rng.chance(50) {
                self.line("a = yield b");
            }
        }
        self.line("yield a");
        self.indent -= 1;
    }

    /// A function of many parameters that calls itself, to a depth that fuel bounds.
    pub(super) fn helper(&mut self, number: usize) {
        let decorate = self.rng.chance(30);
        if decorate {
            self.line(&format!("def wrap{number}(f): return lambda *x, **y: f(*x, **y)"));
            self.line(&format!("@wrap{number}"));
        }
        self.line(&format!("def helper{number}(x, y=1, (z, w)=(2, 3), *rest, **more):"));
        self.indent += 1;
        self.line("if not next(FUEL, 0): return 1");
        self.variables("x");
        self.left = self.rng.range(3, 9);
        let place = Place { function: true, cells: self.rng.chance(50), ..Place::MODULE };
        while self.left > 0 {
            self.statement(place);
        }
        let class = self.rng.below(CLASSES);
        let ends = [
            format!("return helper{number}(a, b) + y"),
            format!("return helper{number}(b, *rest) if x else w"),
            "return a + len(rest) + z".into(),
            format!("return K{class}(a).x"),
        ];
        let end = &ends[self.rng.below(ends.len())];
        self.line(end);
        self.indent -= 1;
    }
}
