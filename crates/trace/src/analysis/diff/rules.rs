//! When two steps are the same: levels, what is masked, what rules waive.

use regex::bytes::Regex;

use super::mask;
use crate::step::{Fields, Operand, Step};
use bytecode::opcode::{self, Operand as Kind};

/// How much is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Control flow: code object, offset, opcode
    Flow,
    /// Control flow and operands
    Operand,
    /// Control flow, operands, value stack and block stack
    Stack,
}

impl Level {
    /// All of them.
    pub const ALL: [Level; 3] = [Level::Flow, Level::Operand, Level::Stack];

    /// As the command line spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Level::Flow => "flow",
            Level::Operand => "operand",
            Level::Stack => "stack",
        }
    }

    /// What it is, for `--help`.
    pub const fn about(self) -> &'static str {
        match self {
            Level::Flow => "Control flow: code object, offset, opcode",
            Level::Operand => "Control flow and operands",
            Level::Stack => "Control flow, operands, value stack and block stack",
        }
    }
}

/// What of a step can differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The code object: its name, first line or SHA-256.
    Code,
    /// The offset.
    Pc,
    /// The opcode.
    Opcode,
    /// The operand, as number or meaning.
    Operand,
    /// The value stack.
    Stack,
    /// The block stack.
    Blocks,
}

impl Field {
    const ALL: [Field; 6] =
        [Field::Code, Field::Pc, Field::Opcode, Field::Operand, Field::Stack, Field::Blocks];

    /// As rules and reports spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Field::Code => "code",
            Field::Pc => "pc",
            Field::Opcode => "op",
            Field::Operand => "operand",
            Field::Stack => "stack",
            Field::Blocks => "blocks",
        }
    }
}

/// A difference that shall not count: `FIELD`, `FIELD:OPCODE` or `FIELD:OPCODE:REGEX`.
#[derive(Clone, Debug)]
pub struct Ignore {
    text: String,
    field: Field,
    opcode: Option<u8>,
    pattern: Option<Regex>,
}

impl Ignore {
    /// Parses a rule; an opcode is a name, a number or `*`, and the expression must match the
    /// operands of both sides.
    ///
    /// # Errors
    ///
    /// What is wrong with the rule, for people.
    pub fn parse(text: &str) -> Result<Ignore, String> {
        let mut parts = text.splitn(3, ':');
        let field = parts.next().unwrap_or_default();
        let field = Field::ALL.into_iter().find(|each| each.name() == field).ok_or_else(|| {
            let names = Field::ALL.map(|field| format!("`{}`", field.name())).join(", ");
            format!("`{field}` is no field; there are {names}")
        })?;
        let opcode = match parts.next() {
            None | Some("*") => None,
            Some(name) => Some(
                opcode::by_name(name)
                    .or_else(|| name.parse().ok())
                    .ok_or_else(|| format!("Python 2.7 has no opcode `{name}`"))?,
            ),
        };
        let pattern = parts.next().map(Regex::new).transpose().map_err(|e| e.to_string())?;
        Ok(Ignore { text: text.to_owned(), field, opcode, pattern })
    }

    /// The rule as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    fn waives(&self, field: Field, left: &Step<'_>, right: &Step<'_>) -> bool {
        let fits = |event: &Step<'_>| {
            self.opcode.is_none_or(|opcode| opcode == event.opcode)
                && match (&self.pattern, event.operand) {
                    (None, _) => true,
                    (Some(pattern), operand) => match operand {
                        Operand::Absent => false,
                        Operand::Number(number) => pattern.is_match(number.to_string().as_bytes()),
                        Operand::Meaning(text) | Operand::Both(_, text) | Operand::Either(text) => {
                            pattern.is_match(text)
                        }
                    },
                }
        };
        self.field == field && fits(left) && fits(right)
    }
}

/// The rules of a comparison, and what came of them.
#[derive(Clone, Debug)]
pub struct Rules {
    level: Level,
    ignore: Vec<Ignore>,
    /// Differences that each rule waived.
    pub waived: Vec<u64>,
    /// Steps in which addresses differed.
    pub addresses: u64,
    /// What was compared at least once.
    pub compared: Fields,
}

impl Rules {
    /// Rules that have not been asked yet.
    pub fn new(level: Level, ignore: Vec<Ignore>) -> Rules {
        let waived = vec![0; ignore.len()];
        Rules { level, ignore, waived, addresses: 0, compared: Fields::NONE }
    }

    /// The rules that waive.
    pub fn ignore(&self) -> &[Ignore] {
        &self.ignore
    }

    /// How much is compared.
    pub fn level(&self) -> Level {
        self.level
    }

    /// The first field that differs, if any does and no rule waives it. Counts what is waived.
    pub fn judge(&mut self, left: &Step<'_>, right: &Step<'_>) -> Option<Field> {
        let verdict = compare(self.level, &self.ignore, left, right);
        if verdict.differs.is_none() {
            self.addresses += u64::from(verdict.addresses);
            for (index, count) in self.waived.iter_mut().enumerate() {
                *count += verdict.waived >> index.min(63) & 1;
            }
        }
        self.compared |= verdict.compared;
        verdict.differs
    }

    /// Whether the steps are the same. Counts nothing.
    pub fn same(&self, left: &Step<'_>, right: &Step<'_>) -> bool {
        compare(self.level, &self.ignore, left, right).differs.is_none()
    }
}

/// What came of comparing two steps.
#[derive(Default)]
struct Verdict {
    differs: Option<Field>,
    addresses: bool,
    /// A bit for each rule that waived something.
    waived: u64,
    compared: Fields,
}

fn compare(level: Level, ignore: &[Ignore], l: &Step<'_>, r: &Step<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    for field in Field::ALL {
        let same = match field {
            Field::Code => code(l, r, &mut verdict),
            Field::Pc => l.pc == r.pc,
            Field::Opcode => l.opcode == r.opcode,
            Field::Operand if level >= Level::Operand && l.opcode == r.opcode => {
                operand(l, r, &mut verdict)
            }
            Field::Stack if level >= Level::Stack => {
                both(l.stack, r.stack, Fields::STACK, &mut verdict)
            }
            Field::Blocks if level >= Level::Stack => {
                both(l.blocks, r.blocks, Fields::BLOCKS, &mut verdict)
            }
            _ => true,
        };
        if !same {
            match ignore.iter().position(|rule| rule.waives(field, l, r)) {
                Some(rule) => verdict.waived |= 1 << rule.min(63),
                None => {
                    verdict.differs = Some(field);
                    return verdict;
                }
            }
        }
    }
    verdict
}

fn code(l: &Step<'_>, r: &Step<'_>, verdict: &mut Verdict) -> bool {
    fn same<T: PartialEq>(l: Option<T>, r: Option<T>, field: Fields, all: &mut Fields) -> bool {
        let (Some(left), Some(right)) = (l, r) else { return true };
        *all |= field;
        left == right
    }
    let (l, r, all) = (&l.code, &r.code, &mut verdict.compared);
    same(l.name, r.name, Fields::NAME, all)
        && same(l.first_line, r.first_line, Fields::FIRST_LINE, all)
        && same(l.sha256, r.sha256, Fields::SHA256, all)
}

fn both(l: Option<&[u8]>, r: Option<&[u8]>, field: Fields, verdict: &mut Verdict) -> bool {
    let (Some(left), Some(right)) = (l, r) else { return true };
    verdict.compared |= field;
    left == right || {
        let same = mask::same(left, right);
        verdict.addresses |= same;
        same
    }
}

/// Compares what the two operands have in common. A number and a meaning can be compared where the
/// one follows from the other.
fn operand(l: &Step<'_>, r: &Step<'_>, verdict: &mut Verdict) -> bool {
    let kind = opcode::operand(l.opcode);
    let numbers = (number(l, kind), number(r, kind));
    if let (Some(left), Some(right)) = numbers {
        verdict.compared |= Fields::OPERAND;
        if left != right {
            return false;
        }
        // Numbers say all there is to say of every other kind.
        if !matches!(kind, Kind::Const | Kind::Name | Kind::Local | Kind::Free) {
            return true;
        }
    }
    let (left, right) = (meaning(l), meaning(r));
    // One tracer gives the name of a free variable, another its index.
    let index = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    if kind == Kind::Free && left.is_some_and(index) != right.is_some_and(index) {
        return true;
    }
    // A number that may be an index is not held against a meaning.
    let undecided = |event: &Step<'_>| matches!(event.operand, Operand::Either(_));
    if undecided(l) != undecided(r) && left != right {
        return true;
    }
    both(left, right, Fields::MEANING, verdict)
}

fn meaning<'a>(event: &Step<'a>) -> Option<&'a [u8]> {
    match event.operand {
        Operand::Meaning(text) | Operand::Both(_, text) | Operand::Either(text) => Some(text),
        Operand::Absent | Operand::Number(_) => None,
    }
}

/// The operand's number, or what determines it.
fn number(event: &Step<'_>, kind: Kind) -> Option<i64> {
    if let Some(number) = event.operand.number() {
        return Some(number.into());
    }
    let text = event.operand.meaning()?;
    match kind {
        Kind::Compare => {
            let found = opcode::COMPARE.iter().position(|name| name.as_bytes() == text);
            found.and_then(|found| found.try_into().ok())
        }
        Kind::Plain | Kind::JumpAbsolute => std::str::from_utf8(text).ok()?.parse().ok(),
        Kind::JumpRelative => {
            let target: i64 = std::str::from_utf8(text).ok()?.parse().ok()?;
            Some(target - i64::from(event.pc) - 3)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step::Position;

    fn event(opname: &str, operand: Operand<'static>) -> Step<'static> {
        Step {
            position: Position::START,
            code: crate::step::Code::default(),
            pc: 9,
            opcode: opcode::by_name(opname).unwrap(),
            operand,
            depth: None,
            stack: None,
            blocks: None,
            locals: None,
            cells: None,
        }
    }

    #[test]
    fn operands_are_compared_as_far_as_they_tell_the_same() {
        use Operand::{Absent, Both, Either, Meaning, Number};
        for (opname, left, right, wanted) in [
            ("FOR_ITER", Number(4), Meaning(b"16"), true),
            ("FOR_ITER", Number(4), Meaning(b"13"), false),
            ("COMPARE_OP", Number(2), Meaning(b"=="), true),
            ("COMPARE_OP", Number(3), Meaning(b"=="), false),
            ("CALL_FUNCTION", Number(257), Meaning(b"257"), true),
            ("LOAD_CONST", Number(1), Meaning(b"x"), true),
            ("LOAD_CONST", Number(1), Number(2), false),
            ("LOAD_CONST", Both(1, b"x"), Both(1, b"y"), false),
            ("LOAD_CONST", Meaning(b"x"), Both(1, b"y"), false),
            ("LOAD_CONST", Either(b"<f at 0x1>"), Either(b"<f at 0x22>"), true),
            ("LOAD_CONST", Either(b"1"), Number(2), true),
            ("LOAD_CONST", Either(b"1"), Meaning(b"x"), true),
            ("LOAD_DEREF", Meaning(b"1"), Meaning(b"name"), true),
            ("LOAD_DEREF", Meaning(b"other"), Meaning(b"name"), false),
            ("LOAD_CONST", Absent, Meaning(b"y"), true),
        ] {
            let (left, right) = (event(opname, left), event(opname, right));
            let rules = Rules::new(Level::Operand, Vec::new());
            assert_eq!(rules.same(&left, &right), wanted, "{left:?} {right:?}");
            assert_eq!(rules.same(&right, &left), wanted, "{left:?} {right:?}");
            assert!(Rules::new(Level::Flow, Vec::new()).same(&left, &right));
        }
    }

    #[test]
    fn what_a_rule_waives_is_counted() {
        let rule = Ignore::parse("operand:LOAD_CONST:^temp").unwrap();
        let mut rules = Rules::new(Level::Operand, vec![rule]);
        let left = event("LOAD_CONST", Operand::Meaning(b"temp1"));
        let right = event("LOAD_CONST", Operand::Meaning(b"temp2"));
        let other = event("LOAD_CONST", Operand::Meaning(b"other"));
        assert_eq!(rules.judge(&left, &right), None);
        assert_eq!(rules.judge(&left, &other), Some(Field::Operand));
        assert_eq!(rules.waived, [1]);
    }

    #[test]
    fn a_wrong_rule_is_refused_in_words() {
        let said = |text| Ignore::parse(text).unwrap_err();
        assert!(said("x").contains("`code`, `pc`, `op`, `operand`, `stack`, `blocks`"));
        assert_eq!(said("operand:NOPE"), "Python 2.7 has no opcode `NOPE`");
        assert!(said("operand:*:(").contains("unclosed group"));
    }
}
