//! Statements: each kind writes itself, and a block of others inside it.

use super::expression::quoted;
use super::{CLASSES, GENERATORS, HELPERS, MANAGERS, NUMBERS, Place, STRINGS, Writer};

/// Blocks deeper than this hold simple statements only.
const DEEPEST: usize = 7;

impl Writer {
    /// One statement.
    pub(super) fn statement(&mut self, place: Place) {
        self.left = self.left.saturating_sub(1);
        if place.depth >= DEEPEST || self.left == 0 || self.rng.chance(45) {
            return self.simple(place);
        }
        match self.rng.below(18) {
            0..=1 => self.branch(place),
            2..=4 => self.for_loop(place),
            5 => self.while_loop(place),
            6..=8 => self.try_except(place),
            9..=11 => self.try_finally(place),
            12..=13 => self.with(place),
            14 => self.consume(place),
            15 if place.functions() => self.inner_function(place),
            16 if place.functions() => self.inner_class(place),
            _ => self.executed(place),
        }
    }

    fn block(&mut self, place: Place) {
        self.indent += 1;
        for _ in 0..self.rng.range(1, 3) {
            self.statement(place);
        }
        if place.generator && self.rng.chance(30) {
            self.line("yield b");
        }
        if self.rng.chance(25) {
            self.leave(place);
        }
        self.indent -= 1;
    }

    /// A way out of a block.
    fn leave(&mut self, place: Place) {
        let x = self.number(place, 1);
        match self.rng.below(7) {
            0 if place.looped => self.line("break"),
            1 if place.continuing => self.line("continue"),
            2 if place.generator => self.line("return"),
            2 if place.function => self.line(&format!("return ({x})")),
            3 if place.looped => self.line("if c: break"),
            4 if place.continuing => self.line("if d: continue"),
            5 => self.line("raise"),
            _ => {
                let raised = ["Trouble", "Deeper(a)", "KeyError", "Trouble, 3", "StopIteration"];
                let raised = self.rng.pick(&raised);
                self.line(&format!("raise {raised}"));
            }
        }
    }

    fn simple(&mut self, place: Place) {
        // A function inside another owns but some of the names that it reads.
        let owned: &[&str] = if place.borrowed { &NUMBERS[2..] } else { &NUMBERS };
        let name = self.rng.pick(owned);
        let x = self.number(place, 3);
        let line = match self.rng.below(30) {
            0..=5 => format!("{name} = {x}"),
            6..=7 => {
                let op = self.rng.pick(&["+=", "-=", "%=", "//=", "/=", "|=", "&=", "^=", ">>="]);
                format!("{name} {op} {x}")
            }
            8 if !place.borrowed => format!("a, b = b, {x}"),
            9 if !place.borrowed => format!("(a, (b, c)), d = ({x}, l), a"),
            10 => format!("c, d = {}", self.numbers(place, 1)),
            11..=12 => {
                let text = self.string(place, 2);
                format!("{} = {text}[:30]", if place.borrowed { "s" } else { "t" })
            }
            13..=14 => format!("print {x}, {}", self.string(place, 2)),
            15 => format!("print >>{}, {x},", self.rng.pick(&["Out()", "None", "a"])),
            16 => format!("l[:] = {}", self.numbers(place, 2)),
            17 => {
                let x = self.simple_number();
                let forms = [
                    format!("l[{x}:] = [{x}, 2]"),
                    format!("l[::2] = [{x}, 1]"),
                    format!("del l[{x}:{x}]"),
                    format!("del l[{x}]"),
                    format!("l[{x}] = {x}"),
                    "l.pop()".into(),
                    format!("l.insert(0, {x})"),
                ];
                forms[self.rng.below(forms.len())].clone()
            }
            18 => format!("m[int({x}) % 9] = {}", self.simple_number()),
            19 => format!("assert {}, {x}", self.condition(place, 2)),
            20 => {
                let forms = [
                    "o.x = 2",
                    "del o.x",
                    "o[1] = 3",
                    "del o[2]",
                    "o.y = 1",
                    "del o.y",
                    "o.described = 4",
                    "o += 1",
                    "setattr(o, 'x', 5)",
                    "del o[1:2]",
                ];
                self.rng.pick(&forms).into()
            }
            21 if place.function && !place.cells && !place.borrowed => {
                format!("del {name}")
            }
            22 => format!("o = K{}({x})", self.rng.below(CLASSES)),
            23 => {
                format!("print 'exc', sys.exc_info()[0] is {}", self.rng.pick(&["None", "Deeper"]))
            }
            24 => self
                .rng
                .pick(&[
                    "import sys as module",
                    "from sys import maxint",
                    "import sys.no",
                    "from sys import nothing",
                    "pass",
                    "sys.exc_clear()",
                ])
                .into(),
            25 => format!("l.sort({})", self.rng.pick(&["", "reverse=1", "cmp", "key=abs"])),
            26 => format!(
                "exec {} in globals(), {{'a': {x}, 'l': [2]}}",
                quoted("b = a\nfor a in l: b += a\nprint b")
            ),
            27 => "posix.kill(posix.getpid(), signal.SIGUSR1)".into(),
            28 => self.rng.pick(&["kick()", "kick()", "kick()", "kick()", "d = deep(1)"]).into(),
            _ => {
                let text = self.numbers(place, 3);
                format!("print {text}")
            }
        };
        self.line(&line);
    }

    fn branch(&mut self, place: Place) {
        let condition = self.condition(place, 3);
        self.line(&format!("if {condition}:"));
        self.block(place.inside());
        if self.rng.chance(40) {
            let condition = self.condition(place, 2);
            self.line(&format!("elif {condition}:"));
            self.block(place.inside());
        }
        if self.rng.chance(50) {
            self.line("else:");
            self.block(place.inside());
        }
    }

    fn for_loop(&mut self, place: Place) {
        let (target, iterable) = match self.rng.below(5) {
            0 => ("c, d", "enumerate(l[:4])".into()),
            1 => ("c, d", "zip(l, [1, 2, 3])".into()),
            _ => ("d", self.iterable(place, 2)),
        };
        self.line(&format!("for {target} in {iterable}:"));
        self.line(" if not next(FUEL, 0): break");
        self.block(place.loop_body());
        self.otherwise(place);
    }

    fn while_loop(&mut self, place: Place) {
        let condition = self.condition(place, 2);
        self.line(&format!("while next(FUEL, 0) and {condition}:"));
        self.block(place.loop_body());
        self.otherwise(place);
    }

    fn otherwise(&mut self, place: Place) {
        if self.rng.chance(30) {
            self.line("else:");
            self.block(place.inside());
        }
    }

    fn try_except(&mut self, place: Place) {
        self.line("try:");
        self.block(place.inside());
        for _ in 0..self.rng.range(0, 2) {
            let caught = [
                "Deeper",
                "(Trouble, KeyError)",
                "TypeError, d",
                "Trouble",
                "(), d",
                "AttributeError",
                "(ValueError, (IndexError, ZeroDivisionError))",
                "StopIteration",
            ];
            let caught = self.rng.pick(&caught);
            self.line(&format!("except {caught}:"));
            self.block(place.inside());
            if self.rng.chance(10) {
                self.line(" raise sys.exc_info()[0], 5, sys.exc_info()[2]");
            }
        }
        self.line("except:");
        self.block(place.inside());
        self.otherwise(place);
        if self.rng.chance(20) {
            self.finally(place);
        }
    }

    fn try_finally(&mut self, place: Place) {
        self.line("try:");
        self.block(place.inside());
        self.finally(place);
    }

    fn finally(&mut self, place: Place) {
        self.line("finally:");
        self.block(Place { continuing: false, ..place.inside() });
    }

    fn with(&mut self, place: Place) {
        let one = (self.rng.below(MANAGERS), self.rng.below(6));
        let two = (self.rng.below(MANAGERS), self.rng.below(6));
        let more = self.rng.pick(&["", " as c", " as d"]);
        match self.rng.below(4) {
            0 => self.line(&format!("with M{}({}), M{}({}){more}:", one.0, one.1, two.0, two.1)),
            1 => self.line("with o as c:"),
            _ => self.line(&format!("with M{}({}){more}:", one.0, one.1)),
        }
        self.block(place.inside());
    }

    /// A generator that is driven by hand, and may be left half-way.
    fn consume(&mut self, place: Place) {
        let x = self.simple_number();
        let generator = self.rng.below(GENERATORS);
        self.line(&format!("g = generator{generator}({x})"));
        self.line("try:");
        self.indent += 1;
        for _ in 0..self.rng.range(1, 4) {
            let steps = [
                "d = g.next()",
                "d = next(g)",
                "d = g.send(a)",
                "d = g.send(None)",
                "d = g.throw(Trouble(4))",
                "d = g.throw(KeyError)",
                "g.close()",
                "g = None",
                "d = g.throw(GeneratorExit)",
                "for d in g: break",
            ];
            let step = self.rng.pick(&steps);
            self.line(step);
            if self.rng.chance(20) {
                self.statement(place.inside());
            }
        }
        self.indent -= 1;
        self.line("except (StopIteration, KeyError): print 'generator ended'");
    }

    fn inner_function(&mut self, place: Place) {
        self.line("def f(c, d=2, *rest, **more):");
        self.indent += 1;
        if self.rng.chance(30) {
            self.line("global total");
            self.line("total = (total + int(c)) % 1000");
        }
        self.line("if not next(FUEL, 0): return c");
        self.line("s = t");
        let inside = Place {
            borrowed: true,
            function: true,
            generator: false,
            looped: false,
            continuing: false,
            depth: place.depth + 1,
            ..place
        };
        for _ in 0..self.rng.range(1, 3) {
            self.statement(inside);
        }
        self.line("return c");
        self.indent -= 1;
        let call = [
            "d = f(a)",
            "c = f(b, *l)",
            "d = map(f, l)",
            "c = f(1, d=f(2))",
            "l.sort(key=f)",
            "d = f(a, e=1)",
            "d = f(c, d)",
        ];
        let call = self.rng.pick(&call);
        self.line(call);
    }

    fn inner_class(&mut self, place: Place) {
        let base = self.rng.below(CLASSES);
        self.line(&format!("class C(K{base}):"));
        let x = self.rng.below(9);
        self.line(&format!(" z = {x}"));
        self.line(" for z in range(2): print z,");
        if self.rng.chance(50) {
            self.line(" def __add__(self, x): return self.z + x");
        }
        let x = self.number(place, 1);
        self.line(&format!("o = C({x})"));
    }

    /// Statements in a string, for `exec` with names of its own.
    fn executed(&mut self, place: Place) {
        let (text, indent) = (std::mem::take(&mut self.text), std::mem::take(&mut self.indent));
        self.block(Place { cells: false, ..Place::MODULE.inside() });
        let inner = format!("if 1:\n{}", std::mem::replace(&mut self.text, text));
        self.indent = indent;
        let inner = quoted(&inner);
        let helper = self.rng.below(HELPERS);
        self.line(&format!(
            "n = dict(a=a, b=2, c=3, d=b, s=s, t='t', l=l, m={{}}, o=K0({helper}))"
        ));
        let name = self.rng.pick(&STRINGS);
        let form = match self.rng.below(4) {
            0 => format!("exec {inner} in globals(), n"),
            1 => format!("n.update(globals()); exec {inner} in n"),
            2 if !place.function => format!("exec {inner}"),
            2 if !place.cells && !place.borrowed => format!("exec {inner}"),
            _ => format!("exec compile({inner}, {name}, 'exec') in globals(), n"),
        };
        self.line(&form);
    }
}
