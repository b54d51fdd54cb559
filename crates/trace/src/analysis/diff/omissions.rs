//! Omissions: what one tracer lists and another leaves out, and where both agree again after it.

use std::collections::HashSet;

use super::rules::Rules;
use super::side::{Side, kept, size};
use crate::step::{Operand, ReadError, Saved, Step};
use bytecode::opcode::{self, EXTENDED_ARG, Operand as Kind};

/// Steps of prefixes that are passed over at once.
const CHAIN: usize = 4096;
/// Bytes of steps that are kept meanwhile.
const BYTES: usize = 4 << 20;
/// Code objects of the program that are known by name.
const NAMES: usize = 100_000;
/// Bytes of such a name; longer ones are not the program's, as far as this goes.
const LONGEST_NAME: usize = 1000;
/// Steps that are kept of those that are passed over.
pub const SHOWN: usize = 3;
/// Steps that must agree where frames do not show that a call has returned.
const SURE: usize = 4;

/// How a constant that is code begins.
const CODE: &[u8] = b"<code object ";
/// What comes before a constant in a line, after the offset.
const LOADS: &[u8] = b" LOAD_CONST (";

const EXEC_STMT: u8 = opcode::number("EXEC_STMT");
const LOAD_CONST: u8 = opcode::number("LOAD_CONST");

/// How many steps of frames one side may list that the other leaves out, in one go. A call that
/// never returns must not keep a comparison waiting.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Where the left lists them.
    left: u64,
    /// Where the right does, having done so before; in its first such frames, of a module and of
    /// another function.
    right: [u64; 3],
}

impl Limits {
    /// `most` for all of them, or limits by what is likely: a big import takes some ten million
    /// steps. The trace to trust lists more than an emulator, hardly ever less; and not at all if
    /// it `is_complete`, save for modules that were loaded before the program started.
    pub fn new(most: Option<u64>, is_complete: bool) -> Limits {
        match most {
            Some(most) => Limits { left: most, right: [most; 3] },
            None => Limits {
                left: 50_000_000,
                right: [1_000_000, 1_000_000, if is_complete { 0 } else { 20_000 }],
            },
        }
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits::new(None, false)
    }
}

/// What a side leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Omission {
    /// `EXTENDED_ARG`, whose bits are in the operand of the instruction behind.
    Prefix,
    /// The instruction behind `EXTENDED_ARG`, as the original tracer.
    AfterPrefix,
    /// Frames of imported modules, which do not run in the emulator.
    Frames,
}

impl Omission {
    /// All of them.
    pub const ALL: [Omission; 3] = [Omission::Prefix, Omission::AfterPrefix, Omission::Frames];

    /// For people, after "the left leaves out".
    pub const fn text(self) -> &'static str {
        match self {
            Omission::Prefix => "EXTENDED_ARG",
            Omission::AfterPrefix => "the instruction after EXTENDED_ARG",
            Omission::Frames => "frames of imported modules",
        }
    }
}

/// What one side left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Omitted {
    /// What the side leaves out.
    pub omission: Omission,
    /// 0 for the left side, 1 for the right.
    pub side: usize,
    /// Where that was first seen: the step of the other side.
    pub first: u64,
    /// How many steps the other side had more.
    pub steps: u64,
}

/// What came of trying.
#[derive(Debug)]
pub enum Crossing {
    /// Nothing was left out here.
    None,
    /// The sides may be in step again.
    Crossed,
    /// The frames that the other side lacks did not return, or not to where it goes on.
    Lost(Lost),
}

/// Steps that were passed over in vain: the difference is where they begin.
#[derive(Debug, Default)]
pub struct Lost {
    /// The first of them, at most [`SHOWN`].
    pub start: Vec<Saved>,
    /// How many they are.
    pub count: u64,
}

/// Omissions, and what they need to know.
#[derive(Debug, Default)]
pub struct Omissions {
    made: Vec<Omitted>,
    /// Names of the program's own code objects.
    own: HashSet<Vec<u8>>,
    /// Whether the program's `.pyc` has given them all.
    complete: bool,
    /// Whether constants have given some, or that there are none.
    learnt: bool,
    /// Whether there may be more of them.
    missed: bool,
    main_file: Option<Vec<u8>>,
    limits: Limits,
}

impl Omissions {
    /// With the names of the program's code objects, where its `.pyc` has them.
    pub fn new(own: Option<HashSet<Vec<u8>>>, limits: Limits) -> Omissions {
        let complete = own.is_some();
        Omissions { own: own.unwrap_or_default(), complete, limits, ..Omissions::default() }
    }

    /// What was left out, in the order of the first times.
    pub fn made(&self) -> &[Omitted] {
        &self.made
    }

    /// Learns from a step that both sides have: the code objects that the program loads are its own.
    pub fn learn(&mut self, left: &Step<'_>, right: &Step<'_>, is_first: bool) {
        self.learn_from(left, is_first);
        self.learn_from(right, is_first);
        // A constant known by its number only may be a code object.
        self.missed |= left.opcode == LOAD_CONST
            && matches!(left.operand, Operand::Number(_) | Operand::Absent)
            && matches!(right.operand, Operand::Number(_) | Operand::Absent);
    }

    fn learn_from(&mut self, event: &Step<'_>, is_first: bool) {
        if is_first {
            self.main_file = event.code.file.map(<[u8]>::to_vec);
            self.own.extend(event.code.name.map(<[u8]>::to_vec));
        }
        if let Operand::Meaning(text) | Operand::Both(_, text) = event.operand
            && event.opcode == LOAD_CONST
        {
            self.learn_constant(text);
        }
    }

    fn learn_constant(&mut self, text: &[u8]) {
        // A number may be the constant's own: the reader of a pipe cannot know yet.
        let rest = text.strip_prefix(b"-").unwrap_or(text);
        self.learnt |= rest.is_empty() || !rest.iter().all(u8::is_ascii_digit);
        if let Some(rest) = text.strip_prefix(CODE)
            && let Some(end) = memchr::memmem::find(rest, b" at 0x")
            && self.own.len() < NAMES
            && end <= LONGEST_NAME
            && !self.own.contains(&rest[..end])
        {
            self.own.insert(rest[..end].to_vec());
        }
    }

    /// Learns from a step of a trace of `line` as it is written there.
    pub fn learn_step(&mut self, event: &Step<'_>) {
        if let (LOAD_CONST, Operand::Either(text)) = (event.opcode, event.operand) {
            self.learn_constant(text);
        }
    }

    /// Learns from lines of a trace of `line`, each of them a step.
    pub fn learn_lines(&mut self, lines: &[u8]) {
        let known = [LOADS, CODE].concat();
        let mut from = 0;
        loop {
            // Once constants have given something, only code can give more.
            let wanted = if self.learnt { &known } else { LOADS };
            let Some(found) = memchr::memmem::find(&lines[from..], wanted) else { return };
            let start = from + found + LOADS.len();
            let end = memchr::memchr(b'\n', &lines[start..]).map_or(lines.len(), |end| start + end);
            let digits = lines[from..from + found].iter().rev().take_while(|b| b.is_ascii_digit());
            if lines[from..from + found - digits.count()].ends_with(b"> ") {
                self.learn_constant(lines[start..end].strip_suffix(b")").unwrap_or_default());
            }
            from = end;
        }
    }

    /// Common steps of numbers are passed over, which may be those of code.
    pub fn miss(&mut self) {
        self.missed = true;
    }

    /// Tries to explain the difference between the next steps as an omission, `last` being the last steps
    /// they have in common; `sparse` is the one that may leave something out.
    ///
    /// # Errors
    ///
    /// Those of reading.
    pub fn cross(
        &mut self,
        dense: &mut Side<'_>,
        sparse: (&mut Side<'_>, usize),
        last: Option<(&Step<'_>, &Step<'_>)>,
        rules: &Rules,
    ) -> Result<Crossing, ReadError> {
        let (sparse, which) = sparse;
        let Some(first) = dense.peek(0)?.map(|event| event.position.step) else {
            return Ok(Crossing::None);
        };
        if let Some((omission, count)) = prefix(dense, sparse, last, rules)? {
            for _ in 0..count {
                if let Some(step) = dense.pass() {
                    dense.recycle(step);
                }
            }
            self.note(omission, which, first, count as u64);
            return Ok(Crossing::Crossed);
        }
        self.frames(dense, sparse, which, last, rules)
    }

    fn note(&mut self, omission: Omission, side: usize, first: u64, steps: u64) {
        match self.made.iter_mut().find(|made| (made.omission, made.side) == (omission, side)) {
            Some(made) => made.steps += steps,
            None => self.made.push(Omitted { omission, side, first, steps }),
        }
    }

    /// Whether the names of the program's code objects are known.
    fn knows(&self) -> bool {
        self.complete || self.learnt && !self.missed
    }

    /// Whether code is not the program's own.
    fn is_foreign(&self, event: &Step<'_>) -> bool {
        match (event.code.file, &self.main_file, event.code.name) {
            (Some(file), Some(main), _) => file != main.as_slice(),
            (_, _, Some(name)) => self.knows() && !self.own.contains(name),
            _ => false,
        }
    }

    fn frames(
        &mut self,
        dense: &mut Side<'_>,
        sparse: &mut Side<'_>,
        which: usize,
        last: Option<(&Step<'_>, &Step<'_>)>,
        rules: &Rules,
    ) -> Result<Crossing, ReadError> {
        let Some(steps) = last else { return Ok(Crossing::None) };
        let last = steps.0;
        let base = last.depth.map_or(dense.path.depth(), |depth| depth as usize);
        let depth = |dense: &Side<'_>, event: &Step<'_>| match (last.depth, event.depth) {
            (Some(_), Some(depth)) => depth as usize,
            _ => dense.path.depth_at(event),
        };
        let Some(event) = dense.peek(0)? else { return Ok(Crossing::None) };
        let (first, named) = (event.position.step, event.code.name.is_some());
        let jump = opcode::operand(last.opcode) == Kind::JumpAbsolute;
        // What `exec` runs is the program's own: another layer of it, and no import.
        let entered = !jump && last.opcode != EXEC_STMT;
        let module = event.code.name == Some(b"<module>") && event.pc == 0 && entered;
        // A side that left frames out before is known to. For another the steps must show it.
        let omitted = |made: &Omitted| (made.omission, made.side) == (Omission::Frames, which);
        let known = self.made.iter().any(omitted);
        // A frame begins; or goes on, as a generator does, after others were left out.
        let entered = event.pc == 0 && !jump || known;
        if !(module || entered && self.is_foreign(&event)) || !named {
            return Ok(Crossing::None);
        }
        let most = match (which, known, module) {
            (1, ..) => self.limits.left,
            (_, true, _) => self.limits.right[0],
            (_, _, true) => self.limits.right[1],
            _ => self.limits.right[2],
        };
        if most == 0 {
            return Ok(Crossing::None);
        }
        let path = dense.path.clone();
        let mut lost = Lost::default();
        while let Some(event) = dense.peek(0)? {
            let saved = Saved::new(&event);
            let event = saved.step();
            let wanted = sparse.peek(0)?;
            let same = wanted.is_some_and(|wanted| rules.same(&event, &wanted));
            let own = !self.is_foreign(&event);
            let back = own && depth(dense, &event) <= base;
            let called =
                self.knows() && own && event.pc == 0 && !(module && lost.count == 0) && same;
            if back || called {
                break;
            }
            if same && own && event.code.name == last.code.name && in_step(dense, sparse, rules)? {
                dense.path.truncate(base);
                break;
            }
            if lost.count >= most {
                dense.path = path;
                return Ok(Crossing::Lost(lost));
            }
            let Some(step) = dense.pass() else { break };
            lost.count += 1;
            if lost.start.len() < SHOWN {
                lost.start.push(*kept(step));
            } else {
                dense.recycle(step);
            }
        }
        if lost.count == 0 {
            return Ok(Crossing::None);
        }
        let crossed = match (dense.peek(0)?, sparse.peek(0)?) {
            (None, wanted) => known && wanted.is_none(),
            (Some(event), Some(wanted)) if rules.same(&event, &wanted) => true,
            _ => {
                known
                    || prefix(dense, sparse, Some(steps), rules)?.is_some()
                    || prefix(sparse, dense, Some((steps.1, steps.0)), rules)?.is_some()
            }
        };
        if !crossed {
            dense.path = path;
            return Ok(Crossing::Lost(lost));
        }
        self.note(Omission::Frames, which, first, lost.count);
        Ok(Crossing::Crossed)
    }
}

/// Whether the next few steps of both sides are the same.
fn in_step(dense: &mut Side<'_>, sparse: &mut Side<'_>, rules: &Rules) -> Result<bool, ReadError> {
    for ahead in 0..SURE {
        match (dense.peek(ahead)?, sparse.peek(ahead)?) {
            (Some(left), Some(right)) if rules.same(&left, &right) => {}
            (None, None) => return Ok(true),
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// What `dense` lists around `EXTENDED_ARG` and `sparse` does not, and how many steps that is.
fn prefix(
    dense: &mut Side<'_>,
    sparse: &mut Side<'_>,
    last: Option<(&Step<'_>, &Step<'_>)>,
    rules: &Rules,
) -> Result<Option<(Omission, usize)>, ReadError> {
    let behind = |event: &Step<'_>, before: (u32, u8)| {
        before.1 == EXTENDED_ARG && event.pc == before.0.saturating_add(3)
    };
    let (omission, mut before) = match last {
        Some((last, _)) if last.opcode == EXTENDED_ARG => {
            (Omission::AfterPrefix, (last.pc, last.opcode))
        }
        _ => (Omission::Prefix, (0, 0)),
    };
    let mut bytes = 0;
    for count in 0..CHAIN {
        let Some(event) = dense.peek(count)? else {
            let over = count > 0 && omission == Omission::AfterPrefix && sparse.peek(0)?.is_none();
            return Ok(over.then_some((omission, count)));
        };
        if count > 0 && sparse.peek(0)?.is_some_and(|wanted| rules.same(&event, &wanted)) {
            return Ok(Some((omission, count)));
        }
        let skipped = match omission {
            Omission::AfterPrefix => behind(&event, before),
            _ => event.opcode == EXTENDED_ARG && (count == 0 || behind(&event, before)),
        };
        if !skipped {
            return Ok(None);
        }
        before = (event.pc, event.opcode);
        bytes += size(&event);
        if bytes > BYTES {
            break;
        }
    }
    Ok(None)
}
