//! Expressions: numbers, strings and conditions.
//!
//! Each may raise, for an object stands among the numbers now and then. None grows without bound,
//! and none shows an address: every class has a `__repr__`.

use super::{CLASSES, GENERATORS, HELPERS, NUMBERS, Place, STRINGS, Writer};

/// A Python string literal.
pub(super) fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n");
    format!("'{text}'")
}

impl Writer {
    /// A number, or now and then what an object's operator returns in its place.
    pub(super) fn number(&mut self, place: Place, depth: usize) -> String {
        if depth == 0 || self.rng.chance(30) {
            return self.simple_number();
        }
        let depth = depth - 1;
        let x = self.number(place, depth);
        match self.rng.below(34) {
            0..=2 => {
                let op = self.rng.pick(&["+", "-", "&", "|", "^"]);
                format!("({x} {op} {})", self.number(place, depth))
            }
            3 => format!("({x} * {} % 1009)", self.number(place, depth)),
            4 => {
                let op = self.rng.pick(&["/", "//", "%"]);
                format!("({x} {op} {})", self.number(place, depth))
            }
            5 => format!("(({x} % 11) ** ({} % 5))", self.number(place, depth)),
            6 => format!("(({x} & 15) << ({} & 7))", self.number(place, depth)),
            7 => format!("({x} >> 1)"),
            8 => format!("{}{x}", self.rng.pick(&["-", "~", "+"])),
            9 => format!("len({})", self.string(place, depth)),
            10 => format!("abs({x})"),
            11 => format!("l[{x}]"),
            12 => format!("l[{x} % 2]"),
            13 => {
                format!("({x} if {} else {})", self.condition(place, depth), self.simple_number())
            }
            14 => {
                let op = self.rng.pick(&["and", "or"]);
                format!("({x} {op} {})", self.number(place, depth))
            }
            15 => format!("m.get({x}, {})", self.simple_number()),
            16 => "o.x".into(),
            17 => format!("o[{x}]"),
            18 => format!("o({x})"),
            19 => self.rng.pick(&["int(o)", "len(o)", "o.y", "o.described", "o.missing"]).into(),
            20 => format!("helper{}({x})", self.rng.below(HELPERS)),
            21 => format!("K{}({x}).x", self.rng.below(CLASSES)),
            22 => format!("sum({})", self.numbers(place, depth)),
            23 => format!("max([1] + {})", self.numbers(place, depth)),
            24 => format!("len({})", self.numbers(place, depth)),
            25 => {
                let text = self.number(Place::MODULE, depth);
                format!("eval({})", quoted(&text))
            }
            26 if place.cells => format!("(lambda x, y=2, *z: x + y + b)({x})"),
            26 if place.functions() => format!("(lambda x, y=2, *z, **w: x - y)({x}, 3, 4)"),
            27 => format!("cmp({x}, {})", self.number(place, depth)),
            28 => format!("divmod({x}, {})[1]", self.number(place, depth)),
            29 => format!("[{x}, {}][{}]", self.simple_number(), self.condition(place, depth)),
            30 => format!("{{{x}: {}}}.get(1, 5)", self.simple_number()),
            31 => self.call(place, depth),
            32 if place.generator => format!("(yield {x})"),
            _ => format!("int({})", self.condition(place, depth)),
        }
    }

    /// A call with some kind of arguments, of a function that takes three and more.
    fn call(&mut self, place: Place, depth: usize) -> String {
        let helper = self.rng.below(HELPERS);
        let x = self.number(place, depth);
        match self.rng.below(5) {
            0 => format!("helper{helper}({x}, {})", self.simple_number()),
            1 => format!("helper{helper}({x}, y={})", self.simple_number()),
            2 => format!("helper{helper}({x}, *l)"),
            3 => format!("helper{helper}({x}, **{{'z': 1, 'y': {x}}})"),
            _ => format!("helper{helper}({x}, *(1, 2), **dict(k={x}))"),
        }
    }

    pub(super) fn simple_number(&mut self) -> String {
        match self.rng.below(15) {
            0..=2 => self.rng.below(10).to_string(),
            4 => self.rng.pick(&["-1", "255", "1000", "2.5", "True", "10L", "0x7fffffff"]).into(),
            3 => "o".into(),
            _ => self.rng.pick(&NUMBERS).into(),
        }
    }

    /// A list of numbers.
    pub(super) fn numbers(&mut self, place: Place, depth: usize) -> String {
        let depth = depth.saturating_sub(1);
        let x = self.number(place, depth);
        let kind = if place.functions() { self.rng.below(12) } else { self.rng.below(6) };
        match kind {
            0 => "l".into(),
            1 => format!("[{x}, {}]", self.simple_number()),
            2 => format!("[x + 1 for x in {}]", self.numbers(place, depth)),
            3 => format!("[x for x in l if {x} > x]"),
            4 => format!("sorted(l, reverse={})", self.condition(place, depth)),
            5 => format!("list({})", self.iterable(place, depth)),
            6 => format!("[x * y % 9 for x in l if x for y in (1, {x})]"),
            7 => format!("sorted(l, key=lambda x: {})", self.of_x(place)),
            8 => format!("map(lambda x: {}, l)", self.of_x(place)),
            9 => format!("filter(lambda x: {}, l)", self.of_x(place)),
            10 => format!("list({} for x in l)", self.of_x(place)),
            _ => {
                let form = ["{int(x) % 5 for x in l}", "{int(x) % 3: x for x in l}"];
                format!("sorted({})", self.rng.pick(&form))
            }
        }
    }

    /// An expression of a variable x, for a function inside the expression.
    fn of_x(&mut self, place: Place) -> String {
        let free = if place.cells { self.rng.pick(&NUMBERS) } else { "3" };
        match self.rng.below(7) {
            0 => "-x".into(),
            1 => format!("x % {free}"),
            2 => format!("({free} - x) % 7"),
            3 => format!("helper{}(x)", self.rng.below(HELPERS)),
            4 => format!("x > {free}"),
            5 => format!("K{}(x)", self.rng.below(CLASSES)),
            _ => format!("(x and {free})"),
        }
    }

    /// Something that a loop goes through in a few steps.
    pub(super) fn iterable(&mut self, place: Place, depth: usize) -> String {
        match self.rng.below(12) {
            0..=1 => format!("range({})", self.rng.below(5)),
            2 => format!("xrange({})", self.rng.below(5)),
            3 => format!("({}, {})", self.simple_number(), self.simple_number()),
            4 => "list(l)".into(),
            5 => "o".into(),
            6..=7 => format!("generator{}({})", self.rng.below(GENERATORS), self.simple_number()),
            8 => format!("map(ord, {})", self.string(place, depth.min(1))),
            9 => "sorted(m)".into(),
            10 => format!("K{}(2)", self.rng.below(CLASSES)),
            _ if place.functions() => "iter(lambda: next(FUEL, 0) % 4, 0)".into(),
            _ => "iter(iter(l).next, 1)".into(),
        }
    }

    /// A string of at most a few dozen characters.
    pub(super) fn string(&mut self, place: Place, depth: usize) -> String {
        if depth == 0 || self.rng.chance(40) {
            return match self.rng.below(3) {
                0 => self.rng.pick(&["'x'", "'no\\n'", "'%%'", "''", "'long words'"]).into(),
                _ => self.rng.pick(&STRINGS).into(),
            };
        }
        let depth = depth - 1;
        let x = self.string(place, depth);
        match self.rng.below(11) {
            0 => format!("({x} + {})[:9]", self.string(place, depth)),
            1 => format!("{x}[{}:{}]", self.simple_number(), self.simple_number()),
            2 => format!("'%s|%s' % ({x}[:9], {})", self.number(place, depth)),
            3 => format!("'{{0}}-{{1}}'.format({x}[-5:], {})", self.number(place, depth)),
            4 => format!("str({})[:9]", self.number(place, depth)),
            5 => format!("`{}`[:9]", self.simple_number()),
            6 => format!("{x}.{}", self.rng.pick(&["upper()", "strip()", "replace('a', 'b')"])),
            7 => "','.join(map(str, l))[:20]".into(),
            8 => format!("chr(97 + {} % 26)", self.number(place, depth)),
            9 => format!("{x}[::-1]"),
            _ => format!("{x}[{}]", self.number(place, depth)),
        }
    }

    /// A truth value, or something that stands for one.
    pub(super) fn condition(&mut self, place: Place, depth: usize) -> String {
        let depth = depth.saturating_sub(1);
        let x = self.number(place, depth);
        match self.rng.below(14) {
            0..=2 => {
                let op = self.rng.pick(&["<", "<=", "==", "!=", ">", ">="]);
                format!("{x} {op} {}", self.simple_number())
            }
            3 => format!("{x} < {} <= {}", self.simple_number(), self.number(place, depth)),
            4 => format!("{x} == {} == o != 3", self.simple_number()),
            5 => format!("{x} {} l", self.rng.pick(&["in", "not in"])),
            6 => format!("{} < {}", self.string(place, depth), self.string(place, depth)),
            7 => format!("{x} {} None", self.rng.pick(&["is", "is not"])),
            8 => "o".into(),
            9 => format!("not {x}"),
            10 => {
                let op = self.rng.pick(&["and", "or"]);
                let other = if depth == 0 { "o".into() } else { self.condition(place, depth) };
                format!("({x} {op} {other})")
            }
            11 => format!("isinstance(o, K{})", self.rng.below(CLASSES)),
            12 => format!("{x} in o"),
            _ => x,
        }
    }
}
