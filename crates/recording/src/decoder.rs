//! Decodes what a thread executed, from packets and the code objects that they name.
//!
//! Knows the frames of the thread and the block that each is in. What is executed goes to an
//! [`InstructionSink`] in the order in which it ran. A recording that contradicts itself is a
//! [`Fault`], never a panic.

mod advance;
mod repeat;
mod saved;
mod sink;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::block::{Blocks, Code, CodeObjects, End, UNKNOWN};
use crate::codes::Change;
use repeat::Repeats;
use wire::code::CodeInfo;
use wire::packet::{self, BranchBits, Packet};

pub use repeat::SLOTS;
pub use sink::{InstructionSink, Stepped};

/// Frames at most: the C stack of no interpreter holds as many.
pub const MOST_FRAMES: usize = 1 << 22;

/// Stacks of frames of one thread at most: greenlets that were begun and have not ended.
pub const MOST_STACKS: usize = 1 << 20;

/// No offset of an instruction.
const NOTHING: u32 = u32::MAX;

/// Bytes of blocks, and of what the sink keeps for them, before all are given up.
const MOST_HELD: usize = 32 << 20;

/// Why a recording cannot be true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Bytes that are no packet.
    Packet(packet::Fault),
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
            Fault::Packet(fault) => fault.fmt(f),
            Fault::Code(code) => write!(f, "code object {code} is not defined in its turn"),
            Fault::Offset(offset) => write!(f, "the running frame cannot be at offset {offset}"),
            Fault::Outcome => f.write_str("a branch bit where nothing is decided"),
            Fault::NoFrame => f.write_str("no frame is left"),
            Fault::TooMany(what) => write!(f, "there are too many {what}"),
        }
    }
}

impl From<packet::Fault> for Fault {
    fn from(fault: packet::Fault) -> Fault {
        Fault::Packet(fault)
    }
}

/// A frame: the block that it is in, and how many of its instructions were executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Frame {
    code: u32,
    /// The block's number, or while it is not known the offset at which it starts.
    block: u32,
    at: u32,
    /// Something else may run before it goes on.
    is_between: bool,
    /// Its instructions are recorded one by one.
    is_stepped: bool,
    /// Whether its block is known: that of the running frame always is.
    is_known: bool,
}

impl Frame {
    /// Whether packets say only where its instructions lead to.
    #[inline]
    fn goes(&self) -> bool {
        !(self.is_between | self.is_stepped)
    }
}

/// The frames of one thread, and all code objects.
///
/// A decoder has one sink for its whole life, if that keeps something for blocks.
#[derive(Debug)]
pub struct Decoder {
    blocks: Blocks,
    codes: CodeObjects,
    frames: Vec<Frame>,
    /// The number of the stack that `frames` is.
    stack: u32,
    /// Those of the thread's other stacks, by number; none is empty.
    others: BTreeMap<u32, Vec<Frame>>,
    /// How many frames those have together.
    elsewhere: usize,
    every: bool,
    /// The `lasti` of the instruction whose outcome came last, while nothing came after it, or
    /// [`NOTHING`].
    decided: u32,
    /// Of [`advance::MOST_LOOKED`].
    looked: u32,
    executed: u64,
    repeats: Repeats,
}

impl Default for Decoder {
    fn default() -> Decoder {
        Decoder {
            blocks: Blocks::default(),
            codes: CodeObjects::default(),
            frames: Vec::new(),
            stack: 0,
            others: BTreeMap::new(),
            elsewhere: 0,
            every: false,
            decided: NOTHING,
            looked: 0,
            executed: 0,
            repeats: Repeats::default(),
        }
    }
}

impl Decoder {
    /// Nothing has run.
    pub fn new() -> Decoder {
        Decoder::default()
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
    pub fn define(&mut self, code: u32, definition: impl Into<Arc<CodeInfo>>) -> Result<(), Fault> {
        let is_next = self.codes.define(code, definition.into());
        if is_next { Ok(()) } else { Err(Fault::Code(code)) }
    }

    /// A change that [`crate::codes::Codes`] has read, between two chunks: the next one starts with
    /// its frames.
    ///
    /// # Errors
    ///
    /// One that does not follow those before it.
    pub fn apply(&mut self, change: &Change) -> Result<(), Fault> {
        self.frames.clear();
        match change {
            Change::Defined(code, definition) => self.define(*code, Arc::clone(definition)),
            Change::SingleStep(code) => self.watch(*code),
            Change::Freed(code) => self.forget(*code),
        }
    }

    /// The code object of a number.
    pub fn code(&self, code: u32) -> Option<&Code> {
        self.codes.get(code)
    }

    /// From here on a code object's instructions are recorded one by one.
    ///
    /// # Errors
    ///
    /// A code object that is not there.
    pub fn watch(&mut self, code: u32) -> Result<(), Fault> {
        if !self.codes.watch(code) {
            return Err(Fault::Code(code));
        }
        self.refresh();
        Ok(())
    }

    /// A code object died; no frame of its is left.
    ///
    /// # Errors
    ///
    /// A code object that is not there.
    pub fn forget(&mut self, code: u32) -> Result<(), Fault> {
        self.blocks.bytes += self.codes.forget(code).ok_or(Fault::Code(code))?;
        Ok(())
    }

    /// Whether every instruction of every frame is recorded individually.
    pub fn single_steps(&self) -> bool {
        self.every
    }

    /// How many frames there are.
    pub fn depth(&self) -> usize {
        self.frames.len()
    }

    /// BranchBits, the oldest first.
    ///
    /// # Errors
    ///
    /// An outcome where nothing is decided.
    #[inline]
    pub fn branch_bits(
        &mut self,
        branch_bits: BranchBits,
        sink: &mut impl InstructionSink,
    ) -> Result<(), Fault> {
        let mut left = branch_bits.count;
        if left == 0 {
            return Ok(());
        }
        loop {
            left = self.branches(branch_bits.bits, left, sink)?;
            if left == 0 {
                return Ok(());
            }
            self.prepare(sink)?;
        }
    }

    /// Follows the lowest `left` of the branch bits through blocks that are known, and makes the first
    /// that is not. Returns how many branch bits are left. Not inlined: it needs all registers.
    #[inline(never)]
    fn branches(
        &mut self,
        bits: u64,
        mut left: u32,
        sink: &mut impl InstructionSink,
    ) -> Result<u32, Fault> {
        let mut frame = self.frames.last_mut().ok_or(Fault::NoFrame)?;
        if frame.is_stepped {
            // Those of an instruction which was in progress when single-stepping began.
            return Ok(0);
        }
        let mut executed = 0;
        let (blocks, nodes) = (&self.blocks.all[..], &self.blocks.nodes[..]);
        let (mut id, mut at) = (frame.block, frame.at as usize);
        let unknown = loop {
            let node = &nodes[id as usize];
            if at == 0 {
                sink.whole_block(&self.codes, blocks, id);
                executed += u64::from(node.count);
            } else {
                // The rest of a block that was left by a call.
                let block = &blocks[id as usize];
                sink.block(&self.codes, block, at, block.instructions.len());
                executed += block.count(at, block.instructions.len());
                at = 0;
            }
            let outcome = if node.end == End::Branch {
                left -= 1;
                frame.is_between = false;
                let outcome = bits >> left & 1;
                sink.branch(outcome == 1);
                outcome as usize
            } else {
                if node.end == End::Leave && bits >> (left - 1) & 1 == 1 {
                    left -= 1;
                    self.frames.pop();
                    sink.frame_left();
                    match self.frames.last_mut() {
                        Some(outer) if left > 0 && outer.is_known && !outer.is_stepped => {
                            frame = outer;
                            (id, at) = (frame.block, frame.at as usize);
                            continue;
                        }
                        _ => {}
                    }
                    // That was the frame's; the next one is known from its own offsets.
                    self.decided = NOTHING;
                    self.executed += executed;
                    self.find()?;
                    return Ok(left);
                }
                if node.end != End::On {
                    return Err(Fault::Outcome);
                }
                0
            };
            let next = node.next[outcome];
            if next == UNKNOWN {
                break Some((id, outcome));
            }
            id = next;
            if left == 0 {
                self.decided = node.last;
                (frame.block, frame.at) = (id, 0);
                break None;
            }
        };
        self.executed += executed;
        if let Some((before, outcome)) = unknown {
            self.decided = self.blocks.nodes[before as usize].last;
            let next = self.blocks.next(&mut self.codes, before, outcome);
            (frame.block, frame.at) = (next.ok_or(Fault::Outcome)?, 0);
        }
        Ok(left)
    }

    /// An event of the thread. Those that speak of code objects or threads are for the caller.
    ///
    /// # Errors
    ///
    /// An event that cannot come here.
    #[inline]
    pub fn event(&mut self, event: &Packet, sink: &mut impl InstructionSink) -> Result<(), Fault> {
        self.prepare(sink)?;
        match *event {
            Packet::BranchBits | Packet::Other { .. } => return Ok(()),
            Packet::Enter { lasti, code } => {
                self.enter(lasti, code, 0, sink)?;
            }
            Packet::Resume { lasti, code, start } => {
                self.enter(lasti, code, start, sink)?;
            }
            Packet::Unwind { lasti, target, .. } => {
                self.reach(lasti, sink)?;
                self.go(target)?;
            }
            Packet::FrameExit { lasti, .. } => {
                self.reach(lasti, sink)?;
                self.leave()?;
            }
            Packet::AsyncBegin { offset, begun } => {
                if self.frames.is_empty() {
                    return Err(Fault::NoFrame);
                }
                if begun {
                    self.reach(offset, sink)?;
                } else {
                    self.reach_before(offset, sink)?;
                }
                if let Some(frame) = self.frames.last_mut() {
                    frame.is_between = true;
                }
            }
            Packet::AsyncEnd { offset } => self.go(offset)?,
            Packet::Instruction { opcode, offset, operand, text } => {
                let frame = self.frames.last().ok_or(Fault::NoFrame)?;
                let code = self.codes.get(frame.code).ok_or(Fault::Code(frame.code))?;
                if !frame.is_stepped {
                    return Err(Fault::Offset(offset.into()));
                }
                sink.instruction(code, Stepped { offset, opcode, operand, meaning: text });
                self.executed += 1;
            }
            Packet::SingleStep { lasti } => {
                self.progress(lasti, sink)?;
                if !self.every {
                    self.every = true;
                    self.refresh();
                }
            }
            Packet::Frame { code, lasti } => {
                let start = u32::try_from(lasti).map_err(|_| Fault::Offset(lasti.into()))?;
                self.push(code, start)?;
                // In the middle of that instruction, which belongs to what was before.
                if let Some(frame) = self.frames.last_mut() {
                    let length = self.blocks.all[frame.block as usize].instructions.len();
                    frame.at = 1.min(length as u32);
                }
            }
            Packet::SingleStepCode { code }
            | Packet::CodeDefined { code, .. }
            | Packet::CodeFreed { code } => {
                return Err(Fault::Code(code));
            }
            Packet::ThreadSwitch { lasti, .. } => self.progress(lasti, sink)?,
            Packet::End { lasti } => self.progress(lasti, sink)?,
            Packet::ThreadEnd { .. } => {}
            Packet::StackSwitch { stack, lasti } => {
                self.progress(lasti, sink)?;
                self.switch_stack(stack)?;
            }
        }
        self.decided = NOTHING;
        Ok(())
    }

    /// What a thread had done since the last packet: branch bits, then instructions up to `lasti`,
    /// [`wire::control::NOWHERE`] if none is known.
    ///
    /// # Errors
    ///
    /// BranchBits that cannot be.
    pub fn finish(
        &mut self,
        branch_bits: BranchBits,
        lasti: i32,
        sink: &mut impl InstructionSink,
    ) -> Result<(), Fault> {
        self.branch_bits(branch_bits, sink)?;
        self.progress(lasti, sink)
    }

    /// The running frame has come to `lasti`, and another one begins.
    #[inline]
    fn enter(
        &mut self,
        lasti: i32,
        code: u32,
        start: u32,
        sink: &mut impl InstructionSink,
    ) -> Result<(), Fault> {
        self.reach(lasti, sink)?;
        self.push(code, start)
    }

    #[inline(always)]
    fn push(&mut self, number: u32, start: u32) -> Result<(), Fault> {
        let (block, is_stepped) = match self.codes.entry(number) {
            Some(block) if start == 0 => (block, self.every),
            _ => self.start(number, start)?,
        };
        if self.frames.len() + self.elsewhere >= MOST_FRAMES {
            return Err(Fault::TooMany("frames"));
        }
        let (at, is_between, is_known) = (0, false, true);
        self.frames.push(Frame { code: number, block, at, is_between, is_stepped, is_known });
        Ok(())
    }

    /// The block in which a frame starts, and whether it is single-stepped.
    #[inline(never)]
    fn start(&mut self, number: u32, start: u32) -> Result<(u32, bool), Fault> {
        let code = self.codes.get_mut(number).ok_or(Fault::Code(number))?;
        let is_watched = code.is_watched;
        let block = self.blocks.at(code, start);
        if start == 0 && !is_watched {
            self.codes.set_entry(number, block);
        }
        Ok((block, self.every || is_watched))
    }

    #[inline]
    fn leave(&mut self) -> Result<(), Fault> {
        self.frames.pop().ok_or(Fault::NoFrame)?;
        self.find()
    }

    /// Finds the block that the running frame is in, if that is not known.
    #[inline]
    fn find(&mut self) -> Result<(), Fault> {
        match self.frames.last() {
            Some(frame) if !frame.is_known => self.find_block(),
            _ => Ok(()),
        }
    }

    /// Blocks may have been longer where the frame was saved.
    #[cold]
    fn find_block(&mut self) -> Result<(), Fault> {
        let Some(frame) = self.frames.last_mut() else { return Ok(()) };
        let fault = Fault::Offset(frame.block.into());
        let code = self.codes.get_mut(frame.code).ok_or(Fault::Code(frame.code))?;
        let (mut id, mut at) = (self.blocks.at(code, frame.block), frame.at);
        loop {
            let length = self.blocks.all[id as usize].instructions.len() as u32;
            if at <= length {
                break;
            }
            if self.blocks.all[id as usize].end != End::On {
                return Err(fault);
            }
            at -= length;
            id = self.blocks.next(&mut self.codes, id, 0).ok_or(fault)?;
        }
        (frame.block, frame.at, frame.is_known) = (id, at, true);
        Ok(())
    }

    /// Another stack of the thread's runs.
    fn switch_stack(&mut self, stack: u32) -> Result<(), Fault> {
        let next = self.others.remove(&stack);
        if next.is_none() && stack == self.stack {
            return Ok(());
        }
        let next = next.unwrap_or_default();
        self.elsewhere -= next.len();
        let last = std::mem::replace(&mut self.frames, next);
        self.elsewhere += last.len();
        if !last.is_empty() {
            if self.others.len() == MOST_STACKS {
                return Err(Fault::TooMany("stacks of frames"));
            }
            self.others.insert(self.stack, last);
        }
        self.stack = stack;
        self.find()
    }

    /// Before anything is decoded: blocks that come to too much are given up.
    #[inline]
    fn prepare(&mut self, sink: &mut impl InstructionSink) -> Result<(), Fault> {
        if self.is_full(sink) { self.give_up(sink) } else { Ok(()) }
    }

    /// Single-stepping has begun, of one code object or of all.
    #[cold]
    fn refresh(&mut self) {
        for frame in self.frames.iter_mut().chain(self.others.values_mut().flatten()) {
            let code = self.codes.get(frame.code);
            frame.is_stepped = self.every || code.is_none_or(|code| code.is_watched);
        }
    }

    /// Whether blocks, and what the sink keeps for them, come to too much.
    #[inline]
    fn is_full(&self, sink: &impl InstructionSink) -> bool {
        self.blocks.bytes + sink.held() > MOST_HELD
    }

    /// Gives up all blocks, but for that of the running frame.
    #[cold]
    fn give_up(&mut self, sink: &mut impl InstructionSink) -> Result<(), Fault> {
        self.settle(sink);
        for frame in self.frames.iter_mut().chain(self.others.values_mut().flatten()) {
            if frame.is_known {
                frame.block = self.blocks.all[frame.block as usize].start;
                frame.is_known = false;
            }
        }
        self.codes.give_up();
        self.blocks = Blocks::default();
        self.repeats.clear();
        self.find()
    }

    /// The sink settles what it keeps for blocks: nothing more may come, or they are given up.
    pub fn settle(&self, sink: &mut impl InstructionSink) {
        sink.blocks_gone(&self.codes, &self.blocks.all);
    }

    /// Lets the running frame go on at an offset.
    fn go(&mut self, offset: u32) -> Result<(), Fault> {
        let frame = self.frames.last_mut().ok_or(Fault::NoFrame)?;
        let code = self.codes.get_mut(frame.code).ok_or(Fault::Code(frame.code))?;
        frame.is_between = false;
        frame.block = self.blocks.at(code, offset);
        frame.at = 0;
        Ok(())
    }
}
