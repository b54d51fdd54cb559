//! A code object cut into runs: what is executed between two points where the recording decides.
//!
//! A run starts where a thread may come to, and ends with the first instruction that has an
//! outcome. Its lines are made once; walking is then a matter of copying them. What was made is
//! given up when it comes to too much, and made anew.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;

use bytecode::cfg::{self, Decoded, Then};
use bytecode::opcode::EXTENDED_ARG;
use bytecode::text::{self, Instruction, Tables};
use wire::code::Definition;

/// Instructions in one run at most, prefixes aside. Where a frame stands is told by the start of
/// its run and how many of them it has executed since, so this number is part of the format.
pub const LONGEST: usize = 256;

/// Bytes of lines that are kept of one run, and of one step.
const WIDEST: usize = 32 << 10;

/// A line takes no more bytes than this, the name and the meaning of an operand aside.
const SHORT: usize = 64;

/// Bytes that runs and steps take before all are given up.
const MOST_HELD: usize = 32 << 20;

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

/// What the runs and steps of all code objects take that were made and not given up.
#[derive(Debug, Default)]
pub struct Held(Cell<usize>);

impl Held {
    /// Whether it is time to give them up.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.0.get() > MOST_HELD
    }

    /// They were given up.
    pub fn clear(&self) {
        self.0.set(0);
    }

    fn add(&self, bytes: usize) {
        self.0.set(self.0.get() + bytes);
    }
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
    /// One instruction, and its lines are too long to keep: [`Code::long_lines`] makes them.
    pub is_long: bool,
    /// What it ends with.
    pub then: Then,
    /// How many instructions it has.
    pub count: u32,
    /// The `lasti` of its last group, if it has any.
    pub last: Option<u32>,
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
        let until = if to == self.groups.len() { self.count } else { self.before(to) };
        u64::from(until - self.before(from))
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
    /// Its number.
    pub number: u32,
    /// What the hook said of it.
    pub definition: Arc<Definition>,
    /// Whether its instructions are told one by one.
    pub is_watched: bool,
    /// Whether its lines are wanted.
    pub is_wanted: bool,
    resolve: bool,
    blog: bool,
    counts_lines: bool,
    runs: Vec<Run>,
    /// The run that starts at each offset; the last one for all offsets outside the code.
    starts: Box<[u32]>,
    steps: HashMap<(u32, u8, i32), Vec<u8>>,
    /// The line of a step that is not kept.
    line: Vec<u8>,
}

impl Code {
    /// A code object none of whose runs is made yet.
    pub fn new(number: u32, definition: Arc<Definition>, wanted: &Wanted) -> Code {
        let name = wanted.name.as_deref();
        Code {
            number,
            is_watched: definition.is_watched,
            is_wanted: wanted.lines && name.is_none_or(|name| name == definition.name),
            resolve: wanted.resolve,
            blog: wanted.blog,
            counts_lines: wanted.counts_lines,
            definition,
            runs: Vec::new(),
            starts: Box::default(),
            steps: HashMap::new(),
            line: Vec::new(),
        }
    }

    /// Gives up its runs and steps: no number of a run is good any more.
    pub fn give_up(&mut self) {
        self.runs = Vec::new();
        self.starts = Box::default();
        self.steps = HashMap::new();
        self.line = Vec::new();
    }

    /// The run of a number that [`Code::at`] or [`Code::next`] gave.
    #[inline]
    pub fn run(&self, run: u32) -> &Run {
        &self.runs[run as usize]
    }

    /// The run that starts at an offset.
    #[inline]
    pub fn at(&mut self, start: u32, held: &Held) -> u32 {
        let slot = (start as usize).min(self.definition.code.len() + 1);
        match self.starts.get(slot) {
            Some(&run) if run != UNKNOWN => run,
            _ => self.add(start, slot, held),
        }
    }

    #[cold]
    fn add(&mut self, start: u32, slot: usize, held: &Held) -> u32 {
        if self.starts.is_empty() {
            let count = self.definition.code.len() + 2;
            held.add(count * size_of::<u32>());
            self.starts = vec![UNKNOWN; count].into();
        }
        let run = self.make(start);
        let groups = size_of_val(&*run.groups) + size_of_val(&*run.ends);
        held.add(2 * size_of::<Run>() + groups + run.text.len());
        let number = self.runs.len() as u32;
        self.runs.push(run);
        self.starts[slot] = number;
        number
    }

    /// The run that follows another after an outcome, 0 or 1; 0 too where it just goes on. `None`
    /// where that is outside the code.
    #[inline]
    pub fn next(&mut self, run: u32, outcome: usize, held: &Held) -> Option<u32> {
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
        let next = self.at(start, held);
        self.runs[run as usize].next[outcome] = next;
        Some(next)
    }

    fn make(&self, start: u32) -> Run {
        let code = &self.definition.code;
        let (mut groups, mut text, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        let (mut offset, mut is_long) = (start, false);
        let then = loop {
            if groups.len() == LONGEST || is_long {
                break Then::On(offset.into());
            }
            let Some(at) = cfg::decode(code, offset) else { break Then::Never };
            let width = self.width(&at);
            if text.len() + width > WIDEST {
                if !groups.is_empty() {
                    break Then::On(offset.into());
                }
                is_long = true;
                ends.resize((0..=at.prefixes).filter(|&at| self.counts(at)).count(), 0);
            } else {
                self.lines(&at, &mut text, |text| ends.push(text.len() as u32));
            }
            let (count, end) = (ends.len() as u32, text.len() as u32);
            groups.push(Group { lasti: at.lasti, count, end });
            match cfg::then(&at) {
                Then::On(next) => match u32::try_from(next) {
                    Ok(next) => offset = next,
                    Err(_) => break Then::Never,
                },
                then => break then,
            }
        };
        let (text, ends) = (text.into(), ends.into());
        let (count, last) = groups.last().map_or((0, None), |last| (last.count, Some(last.lasti)));
        let groups = groups.into_boxed_slice();
        Run { start, groups, text, ends, is_long, then, count, last, next: [UNKNOWN; 2] }
    }

    /// Makes the lines of a run that are too long to keep, and says where each ends.
    pub fn long_lines(&self, run: &Run, out: &mut Vec<u8>, ended: impl FnMut(&mut Vec<u8>)) {
        if let Some(at) = cfg::decode(&self.definition.code, run.start) {
            self.lines(&at, out, ended);
        }
    }

    /// Appends the lines of an instruction and its prefixes, and says where each ends that counts.
    fn lines(&self, at: &Decoded, out: &mut Vec<u8>, mut ended: impl FnMut(&mut Vec<u8>)) {
        let mut operand = 0i32;
        for prefix in 0..at.prefixes {
            let offset = at.lasti + 3 * prefix;
            operand = operand << 16 | cfg::argument(&self.definition.code, offset);
            if self.is_written(prefix) {
                self.line(out, offset, EXTENDED_ARG, operand, None);
            }
            if self.counts(prefix) {
                ended(out);
            }
        }
        if self.is_written(at.prefixes) {
            self.line(out, at.offset, at.opcode, at.operand, None);
        }
        if self.counts(at.prefixes) {
            ended(out);
        }
    }

    /// Whether there is a line for what stands behind so many prefixes.
    fn is_written(&self, prefixes: u32) -> bool {
        prefixes == 0 || !self.blog
    }

    /// Whether it counts as an instruction.
    fn counts(&self, prefixes: u32) -> bool {
        !self.counts_lines || (self.is_wanted && self.is_written(prefixes))
    }

    /// The most bytes that those lines take.
    fn width(&self, at: &Decoded) -> usize {
        if !self.is_wanted {
            return 0;
        }
        let line = self.definition.name.len() + SHORT;
        let meaning =
            if self.resolve { self.definition.operand(at.opcode, at.operand) } else { None };
        line.saturating_mul(at.prefixes as usize + 1) + meaning.map_or(0, |meaning| meaning.len())
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
    ) {
        if !self.is_wanted {
            return;
        }
        let name = &self.definition.name;
        match meaning {
            Some(meaning) if self.resolve => {
                let meaning = |out: &mut Vec<u8>| out.extend_from_slice(meaning);
                text::write_line(out, name, offset, opcode, meaning);
            }
            _ => {
                let tables = self.resolve.then_some(&*self.definition as &dyn Tables);
                text::write(out, name, Instruction { offset, opcode, operand }, tables);
            }
        }
    }

    /// The line of an instruction that is told by itself, and whose it is.
    pub fn step(
        &mut self,
        (offset, opcode, operand): (u32, u8, i32),
        meaning: Option<&[u8]>,
        held: &Held,
    ) -> (&Code, &[u8]) {
        let key = (offset, opcode, operand);
        // What was made once may be said again, but for what can change.
        if meaning.is_some() || !self.steps.contains_key(&key) {
            let mut line = std::mem::take(&mut self.line);
            line.clear();
            self.line(&mut line, offset, opcode, operand, meaning);
            if meaning.is_some() || line.len() > WIDEST {
                self.line = line;
                return (self, &self.line);
            }
            held.add(4 * size_of::<Vec<u8>>() + line.capacity());
            self.steps.insert(key, line);
        }
        (self, &self.steps[&key])
    }
}
