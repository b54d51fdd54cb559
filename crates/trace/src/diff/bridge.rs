//! What one tracer lists and another leaves out, and where both are in step again behind it.

use std::collections::HashSet;

use super::rules::Rules;
use super::side::{Side, kept, size};
use crate::step::{Event, Operand, ReadError, Saved};
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
/// Steps that must agree where frames do not tell that a call has returned.
const SURE: usize = 4;

/// How a constant that is code begins.
const CODE: &[u8] = b"<code object ";
/// What stands before a constant in a line, behind the offset.
const LOADS: &[u8] = b" LOAD_CONST (";

const EXEC_STMT: u8 = 85;
const LOAD_CONST: u8 = 100;

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

    /// For people, behind "the left leaves out".
    pub const fn text(self) -> &'static str {
        match self {
            Omission::Prefix => "EXTENDED_ARG",
            Omission::AfterPrefix => "the instruction after EXTENDED_ARG",
            Omission::Frames => "frames of imported modules",
        }
    }
}

/// What was bridged on one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bridged {
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
    /// There is nothing to bridge.
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

/// Bridges, and what they need to know.
#[derive(Debug, Default)]
pub struct Bridges {
    made: Vec<Bridged>,
    /// Names of the program's own code objects.
    own: HashSet<Vec<u8>>,
    /// Whether the program's `.pyc` has told them all.
    complete: bool,
    /// Whether constants have told some, or that there are none.
    learnt: bool,
    /// Whether there may be more of them.
    missed: bool,
    main_file: Option<Vec<u8>>,
}

impl Bridges {
    /// With the names of the program's code objects, where its `.pyc` tells them.
    pub fn new(own: Option<HashSet<Vec<u8>>>) -> Bridges {
        let complete = own.is_some();
        Bridges { own: own.unwrap_or_default(), complete, ..Bridges::default() }
    }

    /// What was bridged, in the order of the first times.
    pub fn made(&self) -> &[Bridged] {
        &self.made
    }

    /// Learns from a step that both sides have: the code objects that the program loads are its own.
    pub fn learn(&mut self, left: &Event<'_>, right: &Event<'_>, is_first: bool) {
        self.learn_from(left, is_first);
        self.learn_from(right, is_first);
        // A constant known by its number only may be a code object.
        self.missed |= left.opcode == LOAD_CONST
            && matches!(left.operand, Operand::Number(_) | Operand::Absent)
            && matches!(right.operand, Operand::Number(_) | Operand::Absent);
    }

    fn learn_from(&mut self, event: &Event<'_>, is_first: bool) {
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
        // A number may be the constant's own: whoever reads a pipe cannot tell yet.
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

    /// Learns from a step of a `blog` trace as it stands there.
    pub fn learn_step(&mut self, event: &Event<'_>) {
        if let (LOAD_CONST, Operand::Either(text)) = (event.opcode, event.operand) {
            self.learn_constant(text);
        }
    }

    /// Learns from lines of a `blog` trace, each of them a step.
    pub fn learn_lines(&mut self, lines: &[u8]) {
        let known = [LOADS, CODE].concat();
        let mut from = 0;
        loop {
            // Once constants have told something, only code has more to tell.
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

    /// Tries to bridge the difference at which the two sides stand, `last` being the last steps
    /// they have in common; `lean` is the one that may leave something out.
    ///
    /// # Errors
    ///
    /// Those of reading.
    pub fn cross(
        &mut self,
        full: &mut Side<'_>,
        lean: (&mut Side<'_>, usize),
        last: Option<(&Event<'_>, &Event<'_>)>,
        rules: &Rules,
    ) -> Result<Crossing, ReadError> {
        let (lean, which) = lean;
        let Some(first) = full.peek(0)?.map(|event| event.position.step) else {
            return Ok(Crossing::None);
        };
        if let Some((omission, count)) = prefix(full, lean, last, rules)? {
            for _ in 0..count {
                if let Some(step) = full.pass() {
                    full.recycle(step);
                }
            }
            self.note(omission, which, first, count as u64);
            return Ok(Crossing::Crossed);
        }
        self.frames(full, lean, which, last, rules)
    }

    fn note(&mut self, omission: Omission, side: usize, first: u64, steps: u64) {
        match self.made.iter_mut().find(|made| (made.omission, made.side) == (omission, side)) {
            Some(made) => made.steps += steps,
            None => self.made.push(Bridged { omission, side, first, steps }),
        }
    }

    /// Whether the names of the program's code objects are known.
    fn knows(&self) -> bool {
        self.complete || self.learnt && !self.missed
    }

    /// Whether code is not the program's own.
    fn is_foreign(&self, event: &Event<'_>) -> bool {
        match (event.code.file, &self.main_file, event.code.name) {
            (Some(file), Some(main), _) => file != main.as_slice(),
            (_, _, Some(name)) => self.knows() && !self.own.contains(name),
            _ => false,
        }
    }

    fn frames(
        &mut self,
        full: &mut Side<'_>,
        lean: &mut Side<'_>,
        which: usize,
        last: Option<(&Event<'_>, &Event<'_>)>,
        rules: &Rules,
    ) -> Result<Crossing, ReadError> {
        let Some(steps) = last else { return Ok(Crossing::None) };
        let last = steps.0;
        let base = last.depth.map_or(full.path.depth(), |depth| depth as usize);
        let depth = |full: &Side<'_>, event: &Event<'_>| match (last.depth, event.depth) {
            (Some(_), Some(depth)) => depth as usize,
            _ => full.path.depth_at(event),
        };
        let Some(event) = full.peek(0)? else { return Ok(Crossing::None) };
        let (first, named) = (event.position.step, event.code.name.is_some());
        let jump = opcode::operand(last.opcode) == Kind::JumpAbsolute;
        // What `exec` runs is the program's own: another layer of it, and no import.
        let entered = !jump && last.opcode != EXEC_STMT;
        let module = event.code.name == Some(b"<module>") && event.pc == 0 && entered;
        // A side that left frames out before is known to. Of another the steps must tell it.
        let bridged = |made: &Bridged| (made.omission, made.side) == (Omission::Frames, which);
        let known = self.made.iter().any(bridged);
        // A frame begins; or goes on, as a generator does, after others were bridged.
        let entered = event.pc == 0 && !jump || known;
        if !(module || entered && self.is_foreign(&event)) || !named {
            return Ok(Crossing::None);
        }
        let path = full.path.clone();
        let mut lost = Lost::default();
        while let Some(event) = full.peek(0)? {
            let saved = Saved::new(&event);
            let event = saved.event();
            let wanted = lean.peek(0)?;
            let same = wanted.is_some_and(|wanted| rules.same(&event, &wanted));
            let own = !self.is_foreign(&event);
            let back = own && depth(full, &event) <= base;
            let called =
                self.knows() && own && event.pc == 0 && !(module && lost.count == 0) && same;
            if back || called {
                break;
            }
            if same && own && event.code.name == last.code.name && in_step(full, lean, rules)? {
                full.path.truncate(base);
                break;
            }
            let Some(step) = full.pass() else { break };
            lost.count += 1;
            if lost.start.len() < SHOWN {
                lost.start.push(*kept(step));
            } else {
                full.recycle(step);
            }
        }
        if lost.count == 0 {
            return Ok(Crossing::None);
        }
        let crossed = match (full.peek(0)?, lean.peek(0)?) {
            (None, wanted) => known && wanted.is_none(),
            (Some(event), Some(wanted)) if rules.same(&event, &wanted) => true,
            _ => {
                known
                    || prefix(full, lean, Some(steps), rules)?.is_some()
                    || prefix(lean, full, Some((steps.1, steps.0)), rules)?.is_some()
            }
        };
        if !crossed {
            full.path = path;
            return Ok(Crossing::Lost(lost));
        }
        self.note(Omission::Frames, which, first, lost.count);
        Ok(Crossing::Crossed)
    }
}

/// Whether the next few steps of both sides are the same.
fn in_step(full: &mut Side<'_>, lean: &mut Side<'_>, rules: &Rules) -> Result<bool, ReadError> {
    for ahead in 0..SURE {
        match (full.peek(ahead)?, lean.peek(ahead)?) {
            (Some(left), Some(right)) if rules.same(&left, &right) => {}
            (None, None) => return Ok(true),
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// What `full` lists around `EXTENDED_ARG` and `lean` does not, and how many steps that is.
fn prefix(
    full: &mut Side<'_>,
    lean: &mut Side<'_>,
    last: Option<(&Event<'_>, &Event<'_>)>,
    rules: &Rules,
) -> Result<Option<(Omission, usize)>, ReadError> {
    let behind = |event: &Event<'_>, before: (u32, u8)| {
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
        let Some(event) = full.peek(count)? else {
            let over = count > 0 && omission == Omission::AfterPrefix && lean.peek(0)?.is_none();
            return Ok(over.then_some((omission, count)));
        };
        if count > 0 && lean.peek(0)?.is_some_and(|wanted| rules.same(&event, &wanted)) {
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
