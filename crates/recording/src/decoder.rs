//! Walks the way that a thread went, from records and the code objects that they speak of.
//!
//! Knows where every frame of the thread stands. What is executed goes to a [`Visit`] in the
//! order in which it ran. A recording that contradicts itself is a [`Fault`], never a panic.

mod advance;
mod saved;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::block::{Code, Held, Run, Wanted};
use crate::codes::Change;
use bytecode::cfg::Then;
use wire::code::Definition;
use wire::packet::{self, Event, Outcomes};

/// Frames at most: the C stack of no interpreter holds as many.
pub const MOST_FRAMES: usize = 1 << 22;

/// Stacks of frames of one thread at most: greenlets that were begun and have not ended.
pub const MOST_STACKS: usize = 1 << 20;

/// Takes what was executed.
pub trait Visit {
    /// The instructions of groups `from..to` of a run, in order.
    fn run(&mut self, code: &Code, run: &Run, from: usize, to: usize);

    /// An instruction that was told by itself, and its line.
    fn step(&mut self, code: &Code, opcode: u8, line: &[u8]);

    /// How many instructions it was given, and those before the first of them.
    fn count(&self) -> u64;
}

/// Why a recording cannot be true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Bytes that are no record.
    Event(packet::Fault),
    /// A code object that was not defined, or is defined out of order.
    Code(u32),
    /// An offset at which the running frame cannot be.
    Offset(i64),
    /// An outcome where nothing is decided.
    Outcome,
    /// No frame is left.
    NoFrame,
    /// More of something than any interpreter has.
    TooMany(&'static str),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Fault::Event(fault) => fault.fmt(f),
            Fault::Code(code) => write!(f, "code object {code} is not defined in its turn"),
            Fault::Offset(offset) => write!(f, "the running frame cannot be at offset {offset}"),
            Fault::Outcome => f.write_str("an outcome stands where nothing is decided"),
            Fault::NoFrame => f.write_str("no frame is left"),
            Fault::TooMany(what) => write!(f, "there are too many {what}"),
        }
    }
}

impl From<packet::Fault> for Fault {
    fn from(fault: packet::Fault) -> Fault {
        Fault::Event(fault)
    }
}

/// A frame: the run that it is in, and how many of its groups were executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Frame {
    code: u32,
    /// The run's number, or while it is not known the offset at which it starts.
    run: u32,
    at: u32,
    /// Something else may run before it goes on.
    stands: bool,
    /// Of the running frame always true.
    is_known: bool,
}

/// The frames of one thread, and all code objects.
#[derive(Debug, Default)]
pub struct Walker {
    wanted: Wanted,
    held: Held,
    /// By number; nothing is numbered 0.
    codes: Vec<Option<Box<Code>>>,
    frames: Vec<Frame>,
    /// The number of the stack that `frames` is.
    stack: u32,
    /// Those of the thread's other stacks, by number; none is empty.
    others: BTreeMap<u32, Vec<Frame>>,
    every: bool,
    /// The `lasti` of the instruction whose outcome came last, while nothing came after it.
    decided: Option<u32>,
    /// Of [`MOST_LOOKED`].
    looked: u32,
}

impl Walker {
    /// Nothing has run.
    pub fn new(wanted: Wanted) -> Walker {
        Walker { wanted, codes: vec![None], ..Walker::default() }
    }

    /// A code object gets its number: they are numbered one after the other.
    ///
    /// # Errors
    ///
    /// Another number than the next one.
    pub fn define(
        &mut self,
        code: u32,
        definition: impl Into<Arc<Definition>>,
    ) -> Result<(), Fault> {
        if code as usize != self.codes.len() {
            return Err(Fault::Code(code));
        }
        self.codes.push(Some(Box::new(Code::new(code, definition.into(), &self.wanted))));
        Ok(())
    }

    /// A change that [`crate::codes::Codes`] has read.
    ///
    /// # Errors
    ///
    /// One that does not follow those before it.
    pub fn apply(&mut self, change: &Change) -> Result<(), Fault> {
        match change {
            Change::Define(code, definition) => self.define(*code, Arc::clone(definition)),
            Change::Watch(code) => self.watch(*code),
            Change::Forget(code) => self.forget(*code),
        }
    }

    /// The code object of a number.
    pub fn code(&self, code: u32) -> Option<&Code> {
        self.codes.get(code as usize)?.as_deref()
    }

    /// From here on a code object's instructions are told one by one.
    pub fn watch(&mut self, code: u32) -> Result<(), Fault> {
        let found = self.codes.get_mut(code as usize).and_then(Option::as_mut);
        found.ok_or(Fault::Code(code))?.is_watched = true;
        Ok(())
    }

    /// A code object died; no frame of its is left.
    pub fn forget(&mut self, code: u32) -> Result<(), Fault> {
        match self.codes.get_mut(code as usize) {
            Some(found) if found.is_some() => *found = None,
            _ => return Err(Fault::Code(code)),
        }
        Ok(())
    }

    /// Whether every instruction of every frame is told by itself.
    pub fn single_steps(&self) -> bool {
        self.every
    }

    /// How many frames there are.
    pub fn depth(&self) -> usize {
        self.frames.len()
    }

    /// The running frame's code object.
    pub fn running(&self) -> Option<&Code> {
        self.code(self.frames.last()?.code)
    }

    /// Outcomes, the oldest first.
    ///
    /// # Errors
    ///
    /// An outcome where nothing is decided.
    #[inline]
    pub fn outcomes(&mut self, outcomes: Outcomes, visit: &mut impl Visit) -> Result<(), Fault> {
        for at in (0..outcomes.count).rev() {
            while !self.outcome((outcomes.bits >> at & 1) as usize, visit)? {
                self.give_up()?;
            }
        }
        Ok(())
    }

    /// False if it is to be called again, for more runs were made than are kept.
    #[inline]
    fn outcome(&mut self, outcome: usize, visit: &mut impl Visit) -> Result<bool, Fault> {
        let frame = self.frames.last_mut().ok_or(Fault::NoFrame)?;
        let code = self.codes[frame.code as usize].as_deref_mut();
        let code = code.ok_or(Fault::Code(frame.code))?;
        if self.every || code.is_watched {
            // That of an instruction which was in progress when single-stepping began.
            return Ok(true);
        }
        loop {
            let run = code.run(frame.run);
            visit.run(code, run, frame.at as usize, run.groups.len());
            let then = run.then;
            self.decided = run.last;
            match then {
                Then::Branch(_) => {
                    let next = code.next(frame.run, outcome, &self.held);
                    frame.run = next.ok_or(Fault::Outcome)?;
                    (frame.at, frame.stands) = (0, false);
                    return Ok(true);
                }
                Then::Leave if outcome == 1 => {
                    // That was the frame's; the next one is known from its own offsets.
                    self.decided = None;
                    self.leave()?;
                    return Ok(true);
                }
                Then::On(_) => {
                    let next = code.next(frame.run, 0, &self.held);
                    frame.run = next.ok_or(Fault::Outcome)?;
                    frame.at = 0;
                    if self.held.is_full() {
                        return Ok(false);
                    }
                }
                Then::Leave | Then::Never => return Err(Fault::Outcome),
            }
        }
    }

    /// An event of the thread. Those that speak of code objects or threads are for the caller.
    ///
    /// # Errors
    ///
    /// An event that cannot come here.
    #[inline]
    pub fn event(&mut self, event: &Event, visit: &mut impl Visit) -> Result<(), Fault> {
        if self.held.is_full() {
            self.give_up()?;
        }
        match *event {
            Event::Outcomes => return Ok(()),
            Event::Enter { lasti, code } => {
                self.reach(lasti, visit)?;
                self.push(code, 0)?;
            }
            Event::Resume { lasti, code, start } => {
                self.reach(lasti, visit)?;
                self.push(code, start)?;
            }
            Event::Land { lasti, target } => {
                self.reach(lasti, visit)?;
                self.go(target)?;
            }
            Event::Exit { lasti } => {
                self.reach(lasti, visit)?;
                self.leave()?;
            }
            Event::Stand { offset, begun } => {
                if self.frames.is_empty() {
                    return Err(Fault::NoFrame);
                }
                if begun {
                    self.reach(offset, visit)?;
                } else {
                    self.reach_before(offset, visit)?;
                }
                if let Some(frame) = self.frames.last_mut() {
                    frame.stands = true;
                }
            }
            Event::Go { offset } => self.go(offset)?,
            Event::Step { opcode, offset, operand, text } => {
                let frame = self.frames.last().ok_or(Fault::NoFrame)?;
                let code = self.codes[frame.code as usize].as_deref_mut();
                let code = code.ok_or(Fault::Code(frame.code))?;
                if !self.every && !code.is_watched {
                    return Err(Fault::Offset(offset.into()));
                }
                let (code, line) = code.step((offset, opcode, operand), text, &self.held);
                visit.step(code, opcode, line);
            }
            Event::Every { lasti } => {
                self.progress(lasti, visit)?;
                self.every = true;
            }
            Event::Frame { code, lasti } => {
                let start = u32::try_from(lasti).map_err(|_| Fault::Offset(lasti.into()))?;
                self.push(code, start)?;
                // In the middle of that instruction, which belongs to what was before.
                if let Some(frame) = self.frames.last_mut() {
                    let code = self.codes[code as usize].as_deref();
                    let groups = code.map_or(0, |code| code.run(frame.run).groups.len());
                    frame.at = 1.min(groups as u32);
                }
            }
            Event::Watch { code } | Event::Define { code, .. } | Event::Forget { code } => {
                return Err(Fault::Code(code));
            }
            Event::Switch { lasti, .. } => self.progress(lasti, visit)?,
            Event::End { lasti } => self.progress(lasti, visit)?,
            Event::Gone { .. } => {}
            Event::StackSwitch { stack, lasti } => {
                self.progress(lasti, visit)?;
                self.switch_stack(stack)?;
            }
        }
        self.decided = None;
        Ok(())
    }

    /// What a thread had done since the last record: outcomes, then instructions up to `lasti`,
    /// [`NOWHERE`] if none is known.
    ///
    /// # Errors
    ///
    /// Outcomes that cannot be.
    pub fn finish(
        &mut self,
        outcomes: Outcomes,
        lasti: i32,
        visit: &mut impl Visit,
    ) -> Result<(), Fault> {
        self.outcomes(outcomes, visit)?;
        self.progress(lasti, visit)
    }

    #[inline]
    fn is_explicit(&self, frame: &Frame) -> bool {
        self.every || self.code(frame.code).is_none_or(|code| code.is_watched)
    }

    #[inline]
    fn push(&mut self, code: u32, start: u32) -> Result<(), Fault> {
        let found = self.codes.get_mut(code as usize).and_then(Option::as_deref_mut);
        let run = found.ok_or(Fault::Code(code))?.at(start, &self.held);
        if self.frames.len() == MOST_FRAMES {
            return Err(Fault::TooMany("frames"));
        }
        self.frames.push(Frame { code, run, at: 0, stands: false, is_known: true });
        Ok(())
    }

    #[inline]
    fn leave(&mut self) -> Result<(), Fault> {
        self.frames.pop().ok_or(Fault::NoFrame)?;
        match self.frames.last() {
            Some(frame) if !frame.is_known => self.find(),
            _ => Ok(()),
        }
    }

    /// Finds the run that the running frame is in. Runs may have been longer where it was saved.
    #[cold]
    fn find(&mut self) -> Result<(), Fault> {
        let Some(frame) = self.frames.last_mut() else { return Ok(()) };
        if frame.is_known {
            return Ok(());
        }
        let code = self.codes[frame.code as usize].as_deref_mut();
        let code = code.ok_or(Fault::Code(frame.code))?;
        let (mut run, mut at) = (code.at(frame.run, &self.held), frame.at);
        loop {
            let groups = code.run(run).groups.len() as u32;
            if at <= groups {
                break;
            }
            if !matches!(code.run(run).then, Then::On(_)) {
                return Err(Fault::Offset(frame.run.into()));
            }
            at -= groups;
            run = code.next(run, 0, &self.held).ok_or(Fault::Offset(frame.run.into()))?;
        }
        (frame.run, frame.at, frame.is_known) = (run, at, true);
        Ok(())
    }

    /// Gives up all runs, but for that of the running frame.
    #[cold]
    fn give_up(&mut self) -> Result<(), Fault> {
        for frame in self.frames.iter_mut().chain(self.others.values_mut().flatten()) {
            if let (true, Some(code)) = (frame.is_known, self.codes[frame.code as usize].as_deref())
            {
                (frame.run, frame.is_known) = (code.run(frame.run).start, false);
            }
        }
        self.codes.iter_mut().flatten().for_each(|code| code.give_up());
        self.held.clear();
        self.find()
    }

    /// Another stack of the thread's runs.
    fn switch_stack(&mut self, stack: u32) -> Result<(), Fault> {
        let next = self.others.remove(&stack);
        if next.is_none() && stack == self.stack {
            return Ok(());
        }
        let last = std::mem::replace(&mut self.frames, next.unwrap_or_default());
        if !last.is_empty() {
            if self.others.len() == MOST_STACKS {
                return Err(Fault::TooMany("stacks of frames"));
            }
            self.others.insert(self.stack, last);
        }
        self.stack = stack;
        self.find()
    }

    /// Lets the running frame go on at an offset.
    fn go(&mut self, offset: u32) -> Result<(), Fault> {
        let frame = self.frames.last_mut().ok_or(Fault::NoFrame)?;
        let code = self.codes[frame.code as usize].as_deref_mut();
        let code = code.ok_or(Fault::Code(frame.code))?;
        frame.stands = false;
        frame.run = code.at(offset, &self.held);
        frame.at = 0;
        Ok(())
    }
}
