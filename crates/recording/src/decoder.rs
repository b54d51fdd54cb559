//! Decodes what a thread executed, from packets and the code objects that they name.
//!
//! Knows the frames of the thread and the block that each is in. What is executed goes to an
//! [`InstructionSink`] in the order in which it ran. A recording that contradicts itself is a
//! [`Fault`], never a panic.

mod advance;
mod saved;
mod sink;

use std::fmt;
use std::sync::Arc;

use crate::block::{Code, Totals};
use crate::codes::Change;
use bytecode::cfg::Successors;
use wire::code::Definition;
use wire::packet::{self, Event, Outcomes};

pub use sink::{InstructionSink, Stepped};

/// Frames at most: the C stack of no interpreter holds as many.
pub const MOST_FRAMES: usize = 1 << 22;

/// Bytes of blocks, and of what the sink keeps for them, before all are given up.
const MOST_HELD: usize = 32 << 20;

/// Why a recording cannot be true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Bytes that are no packet.
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

/// A frame: the block that it is in, and how many of its instructions were executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Frame {
    code: u32,
    /// The block's index, or while it is not known the offset at which it starts.
    block: u32,
    at: u32,
    /// Something else may run before it goes on.
    stands: bool,
    /// Of the running frame always true.
    is_known: bool,
}

/// The frames of one thread, and all code objects.
///
/// A decoder has one sink for its whole life, if that keeps something for blocks.
#[derive(Debug, Default)]
pub struct Decoder {
    totals: Totals,
    /// By number; nothing is numbered 0.
    codes: Vec<Option<Box<Code>>>,
    frames: Vec<Frame>,
    every: bool,
    /// The `lasti` of the instruction whose outcome came last, while nothing came after it.
    decided: Option<u32>,
    /// Of [`advance::MOST_LOOKED`].
    looked: u32,
    executed: u64,
}

impl Decoder {
    /// Nothing has run.
    pub fn new() -> Decoder {
        Decoder { codes: vec![None], ..Decoder::default() }
    }

    /// How many instructions were executed so far, each prefix counted as one.
    #[inline]
    pub fn executed(&self) -> u64 {
        self.executed
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
        self.codes.push(Some(Box::new(Code::new(code, definition.into()))));
        Ok(())
    }

    /// A change that [`crate::codes::Codes`] has read.
    ///
    /// # Errors
    ///
    /// One that does not follow those before it.
    pub fn apply(&mut self, change: &Change, sink: &mut impl InstructionSink) -> Result<(), Fault> {
        match change {
            Change::Define(code, definition) => self.define(*code, Arc::clone(definition)),
            Change::Watch(code) => self.watch(*code),
            Change::Forget(code) => self.forget(*code, sink),
        }
    }

    /// The code object of a number.
    pub fn code(&self, code: u32) -> Option<&Code> {
        self.codes.get(code as usize)?.as_deref()
    }

    /// From here on a code object's instructions are recorded one by one.
    ///
    /// # Errors
    ///
    /// A code object that is not there.
    pub fn watch(&mut self, code: u32) -> Result<(), Fault> {
        let found = self.codes.get_mut(code as usize).and_then(Option::as_mut);
        found.ok_or(Fault::Code(code))?.is_watched = true;
        Ok(())
    }

    /// A code object died; no frame of its is left.
    ///
    /// # Errors
    ///
    /// A code object that is not there.
    pub fn forget(&mut self, code: u32, sink: &mut impl InstructionSink) -> Result<(), Fault> {
        let found = self.codes.get_mut(code as usize).and_then(Option::take);
        sink.code_gone(&*found.ok_or(Fault::Code(code))?);
        Ok(())
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
    pub fn outcomes(
        &mut self,
        outcomes: Outcomes,
        sink: &mut impl InstructionSink,
    ) -> Result<(), Fault> {
        let mut left = outcomes.count;
        while left > 0 {
            left = self.branches(outcomes.bits, left, sink)?;
            if self.is_full(sink) {
                self.give_up(sink)?;
            }
        }
        Ok(())
    }

    /// Follows the lowest `left` of the outcomes until the frame is left or the blocks come to too
    /// much. Returns how many outcomes are left.
    #[inline]
    fn branches(
        &mut self,
        bits: u64,
        mut left: u32,
        sink: &mut impl InstructionSink,
    ) -> Result<u32, Fault> {
        let frame = self.frames.last_mut().ok_or(Fault::NoFrame)?;
        let code = self.codes[frame.code as usize].as_deref_mut();
        let code = code.ok_or(Fault::Code(frame.code))?;
        if self.every || code.is_watched {
            return Err(Fault::Outcome);
        }
        let (mut index, mut at) = (frame.block, frame.at as usize);
        let mut executed = 0;
        while left > 0 {
            let block = code.block(index);
            let length = block.instructions.len();
            sink.block(code, block, at, length);
            executed += block.count(at, length);
            at = 0;
            let outcome = match block.successors {
                Successors::Branch(_) => {
                    left -= 1;
                    frame.stands = false;
                    (bits >> left & 1) as usize
                }
                Successors::On(_) => 0,
                Successors::Leave if bits >> (left - 1) & 1 == 1 => {
                    // That was the frame's; the next one is known from its own offsets.
                    self.decided = None;
                    self.executed += executed;
                    self.leave()?;
                    return Ok(left - 1);
                }
                Successors::Leave | Successors::Never => return Err(Fault::Outcome),
            };
            if let Some(next) = code.known(index, outcome) {
                (index, self.decided) = (next, block.last());
                continue;
            }
            self.decided = block.last();
            index = code.next(index, outcome, &mut self.totals).ok_or(Fault::Outcome)?;
            if self.totals.bytes + sink.held() > MOST_HELD {
                break;
            }
        }
        (frame.block, frame.at) = (index, 0);
        self.executed += executed;
        Ok(left)
    }

    /// An event of the thread. Those that speak of code objects or threads are for the caller.
    ///
    /// # Errors
    ///
    /// An event that cannot come here.
    #[inline]
    pub fn event(&mut self, event: &Event, sink: &mut impl InstructionSink) -> Result<(), Fault> {
        if self.is_full(sink) {
            self.give_up(sink)?;
        }
        match *event {
            Event::Outcomes => return Ok(()),
            Event::Enter { lasti, code } => {
                self.reach(lasti, sink)?;
                self.push(code, 0)?;
            }
            Event::Resume { lasti, code, start } => {
                self.reach(lasti, sink)?;
                self.push(code, start)?;
            }
            Event::Land { lasti, target } => {
                self.reach(lasti, sink)?;
                self.go(target)?;
            }
            Event::Exit { lasti } => {
                self.reach(lasti, sink)?;
                self.leave()?;
            }
            Event::Stand { offset, begun } => {
                if self.frames.is_empty() {
                    return Err(Fault::NoFrame);
                }
                if begun {
                    self.reach(offset, sink)?;
                } else {
                    self.reach_before(offset, sink)?;
                }
                if let Some(frame) = self.frames.last_mut() {
                    frame.stands = true;
                }
            }
            Event::Go { offset } => self.go(offset)?,
            Event::Step { opcode, offset, operand, text } => {
                let frame = self.frames.last().ok_or(Fault::NoFrame)?;
                let code = self.code(frame.code).ok_or(Fault::Code(frame.code))?;
                if !self.every && !code.is_watched {
                    return Err(Fault::Offset(offset.into()));
                }
                sink.instruction(code, Stepped { offset, opcode, operand, meaning: text });
                self.executed += 1;
            }
            Event::Every { lasti } => {
                self.reach(lasti, sink)?;
                self.every = true;
            }
            Event::Frame { code, lasti } => {
                let start = u32::try_from(lasti).map_err(|_| Fault::Offset(lasti.into()))?;
                self.push(code, start)?;
                // In the middle of that instruction, which belongs to what was before.
                if let Some(frame) = self.frames.last_mut() {
                    let code = self.codes[code as usize].as_deref();
                    let length = code.map_or(0, |code| code.block(frame.block).instructions.len());
                    frame.at = 1.min(length as u32);
                }
            }
            Event::Watch { code } | Event::Define { code, .. } | Event::Forget { code } => {
                return Err(Fault::Code(code));
            }
            Event::Switch { lasti, .. } => self.progress(lasti, sink)?,
            Event::End { lasti } => self.progress(lasti, sink)?,
            Event::Gone { .. } => {}
        }
        self.decided = None;
        Ok(())
    }

    /// What a thread had done since the last packet: outcomes, then instructions up to `lasti`,
    /// [`wire::control::NOWHERE`] if none is known.
    ///
    /// # Errors
    ///
    /// Outcomes that cannot be.
    pub fn finish(
        &mut self,
        outcomes: Outcomes,
        lasti: i32,
        sink: &mut impl InstructionSink,
    ) -> Result<(), Fault> {
        self.outcomes(outcomes, sink)?;
        self.progress(lasti, sink)
    }

    #[inline]
    fn is_explicit(&self, frame: &Frame) -> bool {
        self.every || self.code(frame.code).is_none_or(|code| code.is_watched)
    }

    #[inline]
    fn push(&mut self, code: u32, start: u32) -> Result<(), Fault> {
        let found = self.codes.get_mut(code as usize).and_then(Option::as_deref_mut);
        let block = found.ok_or(Fault::Code(code))?.at(start, &mut self.totals);
        if self.frames.len() == MOST_FRAMES {
            return Err(Fault::TooMany("frames"));
        }
        self.frames.push(Frame { code, block, at: 0, stands: false, is_known: true });
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

    /// Finds the block that the running frame is in. Blocks may have been longer where it was
    /// saved.
    #[cold]
    fn find(&mut self) -> Result<(), Fault> {
        let Some(frame) = self.frames.last_mut() else { return Ok(()) };
        if frame.is_known {
            return Ok(());
        }
        let code = self.codes[frame.code as usize].as_deref_mut();
        let code = code.ok_or(Fault::Code(frame.code))?;
        let (mut index, mut at) = (code.at(frame.block, &mut self.totals), frame.at);
        loop {
            let block = code.block(index);
            let length = block.instructions.len() as u32;
            if at <= length {
                break;
            }
            if !matches!(block.successors, Successors::On(_)) {
                return Err(Fault::Offset(frame.block.into()));
            }
            at -= length;
            let next = code.next(index, 0, &mut self.totals);
            index = next.ok_or(Fault::Offset(frame.block.into()))?;
        }
        (frame.block, frame.at, frame.is_known) = (index, at, true);
        Ok(())
    }

    /// Whether blocks, and what the sink keeps for them, come to too much.
    #[inline]
    fn is_full(&self, sink: &impl InstructionSink) -> bool {
        self.totals.bytes + sink.held() > MOST_HELD
    }

    /// Gives up all blocks, but for that of the running frame.
    #[cold]
    fn give_up(&mut self, sink: &mut impl InstructionSink) -> Result<(), Fault> {
        self.settle(sink);
        for frame in &mut self.frames {
            if let (true, Some(code)) = (frame.is_known, self.codes[frame.code as usize].as_deref())
            {
                (frame.block, frame.is_known) = (code.block(frame.block).start, false);
            }
        }
        self.codes.iter_mut().flatten().for_each(|code| code.give_up());
        self.totals = Totals::default();
        self.find()
    }

    /// The sink settles what it keeps for blocks: nothing more may come, or they are given up.
    pub fn settle(&self, sink: &mut impl InstructionSink) {
        sink.blocks_gone(&mut self.codes.iter().flatten().map(|code| &**code));
    }

    /// Lets the running frame go on at an offset.
    fn go(&mut self, offset: u32) -> Result<(), Fault> {
        let frame = self.frames.last_mut().ok_or(Fault::NoFrame)?;
        let code = self.codes[frame.code as usize].as_deref_mut();
        let code = code.ok_or(Fault::Code(frame.code))?;
        frame.stands = false;
        frame.block = code.at(offset, &mut self.totals);
        frame.at = 0;
        Ok(())
    }
}
