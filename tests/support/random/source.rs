//! Random Python 2 source: one file of many small programs, each run by a driver that catches
//! what it raises.
//!
//! What bounds them is `FUEL`, an iterator that each loop and each function takes from: when it
//! is used up, loops end and functions return at once. Numbers stay small, since whatever grows
//! fast is reduced, and nothing that shows an address is stored. Statements are in `statement`,
//! expressions in `expression`, classes and generator functions in `definition`.

mod definition;
mod expression;
mod statement;

use super::rng::Rng;

/// The names of each function's variables: numbers, then strings, a list, a dict, an object.
const NUMBERS: [&str; 4] = ["a", "b", "c", "d"];
const STRINGS: [&str; 2] = ["s", "t"];
/// What a file defines for its programs.
const CLASSES: usize = 5;
const MANAGERS: usize = 3;
const GENERATORS: usize = 4;
const HELPERS: usize = 3;

/// Names and the driver; `gc` is off, so that what dies in cycles dies at exit.
const PRELUDE: &str = r#"import gc, posix, signal, sys
gc.disable()
FUEL = iter(())
total = 0


class Trouble(Exception):
    def __init__(self, value=0):
        Exception.__init__(self, value)
        self.value = value


class Deeper(Trouble):
    pass


class Old:
    pass


class Out(object):
    def write(self, text):
        sys.stdout.write(text)


def handler(number, frame):
    global total
    total += 1
    if total % 3 == 0:
        raise Deeper(total)


def kick():
    posix.kill(posix.getpid(), signal.SIGUSR1)


def deep(n):
    return deep(n + 1)


def drive(program):
    global FUEL
    FUEL = iter(range(1, AMOUNT))
    sys.exc_clear()
    try:
        print program.__name__, program()
    except Trouble, trouble:
        print 'Trouble', trouble.value
    except:
        print sys.exc_info()[0].__name__


signal.signal(signal.SIGUSR1, handler)
"#;

/// The text of a file of `programs` programs.
pub fn file(seed: u64, programs: usize) -> String {
    let mut writer = Writer { rng: Rng::new(seed), text: String::new(), indent: 0, left: 0 };
    writer.line(&format!("\"\"\"Random programs of seed {seed}.\"\"\""));
    let amount = writer.rng.range(20, 120).to_string();
    writer.text += &PRELUDE.replace("AMOUNT", &amount);
    for number in 0..CLASSES {
        writer.class(number);
    }
    for number in 0..MANAGERS {
        writer.manager(number);
    }
    for number in 0..GENERATORS {
        writer.generator(number);
    }
    for number in 0..HELPERS {
        writer.helper(number);
    }
    for number in 0..programs {
        writer.program(number);
        writer.line(&format!("drive(program{number})"));
    }
    writer.end();
    writer.text
}

/// What is written, and where.
struct Writer {
    rng: Rng,
    text: String,
    indent: usize,
    /// Statements that the definition at hand may still have.
    left: usize,
}

/// What a statement at this place may do.
#[derive(Clone, Copy)]
struct Place {
    /// `return` and local variables.
    function: bool,
    /// `yield`, and `return` without a value.
    generator: bool,
    /// Functions inside may read the variables; otherwise `del` and a bare `exec` are allowed.
    cells: bool,
    /// The variables belong to a function outside, and are only read.
    borrowed: bool,
    /// `break`.
    looped: bool,
    /// `continue`, which a `finally` clause may not hold.
    continuing: bool,
    /// How deep blocks are nested; the compiler allows 20.
    depth: usize,
}

impl Place {
    const MODULE: Place = Place {
        function: false,
        generator: false,
        cells: false,
        borrowed: false,
        looped: false,
        continuing: false,
        depth: 0,
    };

    /// Whether a function inside may read names of any kind.
    fn functions(self) -> bool {
        self.cells || !self.function
    }

    /// The place inside a block.
    fn inside(self) -> Place {
        Place { depth: self.depth + 1, ..self }
    }

    /// The place inside a loop.
    fn loop_body(self) -> Place {
        Place { looped: true, continuing: true, ..self.inside() }
    }
}

impl Writer {
    fn line(&mut self, text: &str) {
        for _ in 0..self.indent {
            self.text.push(' ');
        }
        self.text += text;
        self.text.push('\n');
    }

    fn program(&mut self, number: usize) {
        let cells = self.rng.chance(60);
        self.line(&format!("def program{number}():"));
        self.indent += 1;
        self.variables("3");
        self.left = self.rng.range(12, 40);
        let place = Place { function: true, cells, ..Place::MODULE };
        while self.left > 0 {
            self.statement(place);
        }
        self.line("return a, b, s, l");
        self.indent -= 1;
    }

    /// Gives each variable of a function a value.
    fn variables(&mut self, first: &str) {
        let b = self.rng.below(9);
        let class = self.rng.below(CLASSES);
        self.line(&format!("a, b, c, d, s, t, l, m = {first}, {b}, 7, -1, 'ab', '', [3, 1], {{}}"));
        self.line(&format!("o = K{class}(b)"));
    }

    /// Statements of the module itself, then its end: as it comes, by an exception or by
    /// `sys.exit`, at any depth.
    fn end(&mut self) {
        self.line("FUEL = iter(range(1, 50))");
        self.variables("1");
        self.line("try:");
        self.indent += 1;
        self.left = self.rng.range(4, 10);
        while self.left > 0 {
            self.statement(Place::MODULE.inside());
        }
        self.indent -= 1;
        self.line("except Exception: print 'module'");
        self.line("print total");
        let ends = ["return", "raise Deeper(n)", "sys.exit(3)", "sys.exit('last words')", "1 / n"];
        let end = self.rng.pick(&ends);
        let managed = self.rng.below(MANAGERS);
        let depth = self.rng.below(6);
        self.text += &format!(
            "def finish(n, m):
 if not m:
  {end}
 try:
  if m % 2:
   with M{managed}(0): finish(n, m - 1)
  else: finish(n, m - 1)
 finally:
  print 'finish', n, m
finish(0, {depth})
"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_determines_the_file() {
        assert_eq!(file(7, 5), file(7, 5));
        assert_ne!(file(7, 5), file(8, 5));
    }

    /// Not that each runs: the integration tests see to that.
    #[test]
    fn every_kind_of_statement_is_written() {
        let all: String = (0..20).map(|seed| file(seed, 20)).collect();
        let wanted = [
            "for ",
            "while ",
            "else:",
            "elif ",
            "break\n",
            "continue\n",
            "return\n",
            "return (",
            "try:",
            "except:",
            "except (",
            "finally:",
            "raise\n",
            "raise Trouble",
            "with ",
            "yield ",
            ".send(",
            ".throw(",
            ".close()",
            "lambda ",
            "exec ",
            "eval(",
            "compile(",
            "class ",
            "__del__",
            "__getattr__",
            "__nonzero__",
            "__cmp__",
            "__iter__",
            "__get__",
            "property(",
            "sorted(",
            "map(",
            "filter(",
            "*rest",
            "**more",
            "global ",
            "print ",
            "print >>",
            "del ",
            "assert ",
            " if ",
            " and ",
            " or ",
            "not ",
            ".format(",
            "import ",
            "sys.exit(",
            "[:] = ",
            "reverse=",
            "@",
            " is ",
            "isinstance(",
            "`",
            "kick()",
            "deep(",
        ];
        let missing: Vec<_> = wanted.iter().filter(|text| !all.contains(**text)).collect();
        assert!(missing.is_empty(), "never written: {missing:?}");
    }
}
