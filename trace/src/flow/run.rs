//! A code object cut into runs: what is executed between two points where the recording decides.
//!
//! A run starts where a thread may come to, and ends with the first instruction that has an
//! outcome. Its lines are made once; walking is then a matter of copying them.

use std::collections::HashMap;

use super::code::Definition;
use super::reach::{self, Then};
use crate::opcode::EXTENDED_ARG;
use crate::text::{self, Instruction, Tables};

/// Instructions in one run at most: what the runs of a hostile code object can hold is bounded.
const LONGEST: usize = 256;

/// The run that was not looked for yet.
const UNKNOWN: u32 = u32::MAX;

/// Which lines are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Whether lines are made at all; else instructions are only counted.
    pub lines: bool,
    /// Operands as their meaning.
    pub resolve: bool,
    /// As the original: without what follows a prefix.
    pub blog: bool,
    /// Code objects of this `co_name` alone.
    pub name: Option<Vec<u8>>,
    /// Whether only instructions whose lines are wanted count as such.
    pub counts_lines: bool,
}

/// Instructions that share one `f_lasti`: one of them, with its prefixes before it.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// `f_lasti` while they run.
    pub lasti: u32,
    /// How many instructions of the run that count there are up to its end.
    pub count: u32,
    /// Where the text of its lines ends.
    pub end: u32,
}

/// What runs without a decision, and what is decided then.
#[derive(Debug)]
pub struct Run {
    /// The offset at which it starts.
    pub start: u32,
    /// What it executes.
    pub groups: Box<[Group]>,
    /// Its lines.
    pub text: Box<[u8]>,
    /// Where the line of each instruction ends that counts; empty where one is left out.
    pub ends: Box<[u32]>,
    /// What it ends with.
    pub then: Then,
    next: [u32; 2],
}

impl Run {
    /// The text of the groups `from..to`.
    #[inline]
    pub fn lines(&self, from: usize, to: usize) -> &[u8] {
        &self.text[self.end(from)..self.end(to)]
    }

    /// How many instructions the groups `from..to` are.
    #[inline]
    pub fn count(&self, from: usize, to: usize) -> u64 {
        u64::from(self.before(to) - self.before(from))
    }

    /// How many instructions come before a group.
    #[inline]
    pub fn before(&self, groups: usize) -> u32 {
        if groups == 0 { 0 } else { self.groups[groups - 1].count }
    }

    #[inline]
    fn end(&self, groups: usize) -> usize {
        if groups == 0 { 0 } else { self.groups[groups - 1].end as usize }
    }
}

/// A code object of a recording.
#[derive(Debug)]
pub struct Code {
    /// What the hook said of it.
    pub definition: Definition,
    /// Whether its instructions are told one by one.
    pub is_watched: bool,
    /// Whether its lines are wanted.
    pub is_wanted: bool,
    runs: Vec<Run>,
    starts: HashMap<u32, u32>,
    steps: HashMap<(u32, u8, i32), Vec<u8>>,
}

impl Code {
    /// A code object none of whose runs is made yet.
    pub fn new(definition: Definition, wanted: &Wanted) -> Code {
        let name = wanted.name.as_deref();
        Code {
            is_watched: definition.is_watched,
            is_wanted: wanted.lines && name.is_none_or(|name| name == definition.name),
            definition,
            runs: Vec::new(),
            starts: HashMap::new(),
            steps: HashMap::new(),
        }
    }

    /// The run of a number that [`Code::at`] or [`Code::next`] gave.
    #[inline]
    pub fn run(&self, run: u32) -> &Run {
        &self.runs[run as usize]
    }

    /// The run that starts at an offset.
    pub fn at(&mut self, start: u32, wanted: &Wanted) -> u32 {
        if let Some(&run) = self.starts.get(&start) {
            return run;
        }
        let run = self.make(start, wanted);
        let number = self.runs.len() as u32;
        self.runs.push(run);
        self.starts.insert(start, number);
        number
    }

    /// The run that follows another after an outcome, 0 or 1; 0 too where it just goes on. `None`
    /// where that is outside the code.
    #[inline]
    pub fn next(&mut self, run: u32, outcome: usize, wanted: &Wanted) -> Option<u32> {
        let known = self.runs[run as usize].next[outcome];
        if known != UNKNOWN {
            return Some(known);
        }
        let start = match self.runs[run as usize].then {
            Then::Branch(starts) => starts[outcome],
            Then::On(start) => start,
            Then::Leave | Then::Never => return None,
        };
        let start = u32::try_from(start).ok()?;
        let next = self.at(start, wanted);
        self.runs[run as usize].next[outcome] = next;
        Some(next)
    }

    fn make(&self, start: u32, wanted: &Wanted) -> Run {
        let code = &self.definition.code;
        let (mut groups, mut text, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        let mut offset = start;
        let counts = |is_written: bool| !wanted.counts_lines || (self.is_wanted && is_written);
        let then = loop {
            let Some(at) = reach::decode(code, offset) else { break Then::Never };
            let mut operand = 0i32;
            for prefix in 0..at.prefixes {
                let offset = at.lasti + 3 * prefix;
                operand = operand << 16 | argument(code, offset);
                let is_written = prefix == 0 || !wanted.blog;
                if is_written {
                    self.line(&mut text, offset, EXTENDED_ARG, operand, None, wanted);
                }
                if counts(is_written) {
                    ends.push(text.len() as u32);
                }
            }
            let is_written = at.prefixes == 0 || !wanted.blog;
            if is_written {
                self.line(&mut text, at.offset, at.opcode, at.operand, None, wanted);
            }
            if counts(is_written) {
                ends.push(text.len() as u32);
            }
            let (count, end) = (ends.len() as u32, text.len() as u32);
            groups.push(Group { lasti: at.lasti, count, end });
            match reach::then(&at) {
                Then::On(next) if groups.len() < LONGEST => match u32::try_from(next) {
                    Ok(next) => offset = next,
                    Err(_) => break Then::Never,
                },
                then => break then,
            }
        };
        let (groups, text, ends) = (groups.into(), text.into(), ends.into());
        Run { start, groups, text, ends, then, next: [UNKNOWN; 2] }
    }

    /// Appends one line, if it is wanted; `meaning` is that of the operand where the tables do not
    /// hold it.
    fn line(
        &self,
        out: &mut Vec<u8>,
        offset: u32,
        opcode: u8,
        operand: i32,
        meaning: Option<&[u8]>,
        wanted: &Wanted,
    ) {
        if !self.is_wanted {
            return;
        }
        let name = &self.definition.name;
        match meaning {
            Some(meaning) if wanted.resolve => {
                let meaning = |out: &mut Vec<u8>| out.extend_from_slice(meaning);
                text::write_line(out, name, offset, opcode, meaning);
            }
            _ => {
                let tables = wanted.resolve.then_some(&self.definition as &dyn Tables);
                text::write(out, name, Instruction { offset, opcode, operand }, tables);
            }
        }
    }

    /// The line of an instruction that is told by itself, and whose it is.
    pub fn step(
        &mut self,
        (offset, opcode, operand): (u32, u8, i32),
        meaning: Option<&[u8]>,
        wanted: &Wanted,
    ) -> (&Definition, &[u8]) {
        let key = (offset, opcode, operand);
        // What was made once may be said again, but for what can change.
        if meaning.is_some() || !self.steps.contains_key(&key) {
            let mut line = Vec::new();
            self.line(&mut line, offset, opcode, operand, meaning, wanted);
            self.steps.insert(key, line);
        }
        (&self.definition, &self.steps[&key])
    }
}

fn argument(code: &[u8], offset: u32) -> i32 {
    let byte = |at: usize| code.get(at).map_or(0, |&byte| i32::from(byte));
    byte(offset as usize + 1) | byte(offset as usize + 2) << 8
}

impl Tables for Definition {
    fn constant(&self, index: i32, out: &mut Vec<u8>) -> bool {
        append(&self.constants, index, out)
    }

    fn name(&self, index: i32, out: &mut Vec<u8>) -> bool {
        append(&self.names, index, out)
    }

    fn local(&self, index: i32, out: &mut Vec<u8>) -> bool {
        append(&self.locals, index, out)
    }
}

fn append(table: &[Vec<u8>], index: i32, out: &mut Vec<u8>) -> bool {
    let Some(text) = usize::try_from(index).ok().and_then(|index| table.get(index)) else {
        return false;
    };
    out.extend_from_slice(text);
    true
}
