//! The pure core: what happened in, records out.
//!
//! Knows code objects by the numbers that it gives them and owns nothing of them; its caller
//! reports their deaths. What it makes is collected in `out`; `entry` pushes it.

use std::collections::HashMap;

use bytecode::cfg::Reach;
use bytecode::opcode::Operand;
use wire::code::{CodeInfo, LONGEST_CODE};
use wire::packet::{self as event, BranchBits, Packet};

use crate::capture::code::Constants;

/// What is asked of a code object, once, when it first runs.
pub trait Subject {
    /// Its number and whether it is watched; zero if it has none yet.
    fn code_id(&self) -> CodeId;
    /// Keeps its number in it.
    fn set_code_id(&self, id: CodeId);
    /// Where it is.
    fn address(&self) -> usize;
    /// `co_code`
    fn bytes(&self) -> &[u8];
    /// All that is recorded of it, and whether one of its constants can change, as far as those
    /// are recorded.
    fn info(&self, constants: Constants) -> (CodeInfo, bool);
    /// The text of one constant, name or local name; false if there is none.
    fn meaning(&self, kind: Operand, index: i32, out: &mut Vec<u8>) -> bool;
}

/// What is stored in a code object: its number, negative if its instructions are recorded individually.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CodeId(pub i32);

impl CodeId {
    /// The number; numbers start at 1.
    pub fn number(self) -> u32 {
        self.0.unsigned_abs()
    }

    /// Whether its instructions are recorded individually.
    #[inline]
    pub fn is_watched(self) -> bool {
        self.0 < 0
    }

    fn watched(self) -> CodeId {
        CodeId(-self.0.abs())
    }
}

/// What is remembered of a code object.
#[derive(Debug, Default)]
struct Known {
    reach: Reach,
    has_mutable: bool,
    address: usize,
}

/// Makes records of what happens.
#[derive(Debug)]
pub struct Recorder {
    /// Packets to be pushed.
    pub out: Vec<u8>,
    constants: Constants,
    /// Whether tables of code objects may change.
    rewrites: bool,
    /// BranchBits that the next record holds.
    branch_bits: BranchBits,
    async_begin: Option<(i32, bool)>,
    /// By number, less `base`.
    codes: Vec<Option<Box<Known>>>,
    /// Numbers up to this one are another process's.
    base: u32,
    threads: HashMap<usize, u32>,
    next_thread: u32,
    /// The name that the trace is confined to, until a code object has it.
    missing: Option<Vec<u8>>,
}

impl Recorder {
    /// Nothing has happened. Code objects may have numbers
    /// up to `base`, which mean nothing here; packets hold how much they are above it.
    pub fn new(constants: Constants, base: u32) -> Recorder {
        Recorder {
            out: Vec::new(),
            constants,
            rewrites: false,
            branch_bits: BranchBits::default(),
            async_begin: None,
            codes: vec![None],
            base,
            threads: HashMap::new(),
            next_thread: 0,
            missing: None,
        }
    }

    /// The trace is confined to code objects of this name.
    pub fn expect(&mut self, name: Option<Vec<u8>>) {
        self.missing = name;
    }

    /// That name, if no code object had it.
    pub fn missing(&self) -> Option<&[u8]> {
        self.missing.as_deref()
    }

    /// Starts a new batch of records with the branch bits that came before it, and where code may run
    /// that no instruction calls while no packet says so.
    pub fn begin(&mut self, branch_bits: BranchBits, async_begin: Option<(i32, bool)>) {
        self.out.clear();
        self.branch_bits = branch_bits;
        self.async_begin = async_begin;
    }

    /// Where such code may run, while no packet has it.
    pub fn async_begin(&self) -> Option<(i32, bool)> {
        self.async_begin
    }

    /// The last number that a code object has.
    pub fn last_number(&self) -> u32 {
        self.base + self.codes.len() as u32 - 1
    }

    /// The number in packets, 0 for a code object that has none here.
    fn number(&self, id: CodeId) -> u32 {
        id.number().saturating_sub(self.base)
    }

    fn push(&mut self, event: &Packet) {
        let branch_bits = std::mem::take(&mut self.branch_bits);
        event::write(&mut self.out, branch_bits, event);
    }

    /// BranchBits that fill a record.
    pub fn flush(&mut self) {
        self.push_async_begin();
        if self.branch_bits.count > 0 {
            self.push(&Packet::BranchBits);
        }
    }

    /// A frame is entered, or goes on at `start`, while its caller is at `lasti`. Whether it has
    /// become the first whose code object is watched is for the caller to see.
    pub fn enter(&mut self, subject: &impl Subject, lasti: i32, start: u32) -> CodeId {
        self.push_async_begin();
        let id = self.meet(subject, start);
        let code = self.number(id);
        self.push(&match start {
            0 => Packet::Enter { lasti, code },
            _ => Packet::Resume { lasti, code, start },
        });
        id
    }

    /// A frame that was there before, and is in the instruction at `lasti`.
    pub fn found(&mut self, subject: &impl Subject, lasti: i32) -> CodeId {
        let id = self.meet(subject, lasti.max(0) as u32);
        self.push(&Packet::Frame { code: self.number(id), lasti: lasti.max(0) });
        id
    }

    /// A frame is left otherwise than by an instruction that says so.
    pub fn frame_unwound(&mut self, lasti: i32, exception: bool) {
        self.push_async_begin();
        self.push(&Packet::FrameExit { lasti, exception });
    }

    /// A frame is left by its `RETURN_VALUE` or `YIELD_VALUE`.
    pub fn frame_return(&mut self) {
        // What might have come in between did not.
        self.async_begin = None;
        self.branch_bits.bits = self.branch_bits.bits << 1 | 1;
        self.branch_bits.count += 1;
        if self.branch_bits.count == event::MOST_BRANCH_BITS {
            self.push(&Packet::BranchBits);
        }
    }

    /// BranchBits that are in no record yet, for the interpreter to go on with.
    pub fn rest(&self) -> BranchBits {
        self.branch_bits
    }

    /// The block stack was unwound.
    pub fn unwind(
        &mut self,
        subject: &impl Subject,
        lasti: i32,
        target: u32,
        exception: bool,
    ) -> CodeId {
        self.push_async_begin();
        self.push(&Packet::Unwind { lasti, target, exception });
        self.check(subject, target)
    }

    /// The frame that stood goes on.
    pub fn async_end(&mut self, subject: &impl Subject, offset: u32) -> CodeId {
        self.push_async_begin();
        self.push(&Packet::AsyncEnd { offset });
        self.check(subject, offset)
    }

    /// An instruction of a frame whose instructions are recorded individually.
    pub fn instruction(&mut self, subject: &impl Subject, opcode: u8, offset: u32, operand: i32) {
        self.push_async_begin();
        let known =
            self.codes.get(self.number(subject.code_id()) as usize).and_then(Option::as_ref);
        let kind = bytecode::opcode::operand(opcode);
        let is_mutable = kind == Operand::Const && known.is_some_and(|known| known.has_mutable);
        let mut text = None;
        if self.constants != Constants::Absent && (is_mutable || self.rewrites) {
            let mut meaning = Vec::new();
            if subject.meaning(kind, operand, &mut meaning) {
                text = Some(meaning);
            } else if kind == Operand::Const {
                text = Some(b"None".to_vec());
            }
        }
        self.push(&Packet::Instruction { opcode, offset, operand, text: text.as_deref() });
    }

    /// From here on each instruction is recorded individually.
    pub fn single_step(&mut self, lasti: i32) {
        self.push_async_begin();
        self.push(&Packet::SingleStep { lasti });
    }

    /// Tables of code objects may change from here on: single-stepped instructions carry their
    /// operands' meanings.
    pub fn tables_may_change(&mut self) {
        self.rewrites = true;
    }

    /// The running frame's code object is no longer as it was recorded, and the instruction at
    /// this offset comes next: it is watched.
    pub fn rewritten(&mut self, subject: &impl Subject, offset: u32) -> CodeId {
        self.async_begin = None;
        self.push(&Packet::AsyncBegin { offset: offset as i32, begun: false });
        let id = subject.code_id().watched();
        subject.set_code_id(id);
        self.push(&Packet::SingleStepCode { code: self.number(id) });
        self.push(&Packet::AsyncEnd { offset });
        id
    }

    /// How many code objects have had a number.
    pub fn count(&self) -> usize {
        self.codes.len()
    }

    /// The code objects that are alive: number, address, and the paths that are known.
    pub fn alive(&self) -> impl Iterator<Item = (usize, usize, &Reach)> {
        let known = self.codes.iter().enumerate();
        known.filter_map(|(code, known)| known.as_ref().map(|k| (code, k.address, &k.reach)))
    }

    /// The paths that are known of a code object.
    pub fn reach(&self, code: usize) -> Option<&Reach> {
        self.codes.get(code)?.as_ref().map(|known| &known.reach)
    }

    /// Whether operands' meanings are recorded.
    pub fn has_meanings(&self) -> bool {
        self.constants != Constants::Absent
    }

    /// A code object died.
    pub fn forget(&mut self, id: CodeId) {
        let code = self.number(id);
        if self.codes.get_mut(code as usize).and_then(Option::take).is_some() {
            self.push(&Packet::CodeFreed { code });
        }
    }

    /// Another thread runs; threads are known by an address.
    pub fn switch(&mut self, thread: usize, lasti: i32) {
        self.push_async_begin();
        let thread = self.thread(thread);
        self.push(&Packet::ThreadSwitch { thread, lasti });
    }

    /// The thread goes on in another stack of frames.
    pub fn switch_stack(&mut self, stack: u32, lasti: i32) {
        self.push_async_begin();
        self.push(&Packet::StackSwitch { stack, lasti });
    }

    /// A thread is no more: its address may come back.
    pub fn gone(&mut self, thread: usize) {
        if let Some(thread) = self.threads.remove(&thread) {
            self.push(&Packet::ThreadEnd { thread });
        }
    }

    /// The number of a thread: 0 for the first that is asked for.
    pub fn thread(&mut self, address: usize) -> u32 {
        let next = self.next_thread;
        let number = *self.threads.entry(address).or_insert(next);
        self.next_thread += u32::from(number == next);
        number
    }

    /// The end, in good order.
    pub fn end(&mut self, lasti: i32) {
        self.push_async_begin();
        self.push(&Packet::End { lasti });
    }

    /// Whether the paths from an offset of a code object are known.
    #[inline]
    pub fn reaches(&self, id: CodeId, offset: u32) -> bool {
        let known = self.codes.get(self.number(id) as usize).and_then(Option::as_ref);
        known.is_some_and(|known| known.reach.has(offset))
    }

    fn push_async_begin(&mut self) {
        if let Some((offset, begun)) = self.async_begin.take() {
            self.push(&Packet::AsyncBegin { offset, begun });
        }
    }

    /// Gives a code object its number, if it has none, and sees that it can start there.
    fn meet(&mut self, subject: &impl Subject, start: u32) -> CodeId {
        let id = subject.code_id();
        if self.number(id) != 0 {
            return self.check(subject, start);
        }
        let (mut info, has_mutable) = subject.info(self.constants);
        let mut reach = Reach::default();
        // A recording leaves longer code out.
        let is_known = subject.bytes().len() <= LONGEST_CODE
            && reach.follow(subject.bytes(), 0)
            && reach.follow(subject.bytes(), start);
        // Watched by the process that this one was forked from: it is not what it was.
        let was_watched = id.is_watched();
        info.is_watched = was_watched || !is_known || has_mutable;
        let number = self.last_number() as i32 + 1;
        let id = CodeId(if info.is_watched { -number } else { number });
        self.codes.push(Some(Box::new(Known { reach, has_mutable, address: subject.address() })));
        subject.set_code_id(id);
        if self.branch_bits.count > 0 {
            // A long record may be cut by a death: the branch bits are not to be lost with it.
            self.push(&Packet::BranchBits);
        }
        if self.missing.as_ref() == Some(&info.name) {
            self.missing = None;
        }
        let mut bytes = Vec::new();
        info.write(&mut bytes);
        self.push(&Packet::CodeDefined { code: self.number(id), definition: &bytes });
        id
    }

    /// Whether the paths from an offset are known; else the code object is watched from now on.
    fn check(&mut self, subject: &impl Subject, start: u32) -> CodeId {
        let id = subject.code_id();
        let code = self.number(id);
        let known = self.codes.get_mut(code as usize).and_then(Option::as_mut);
        let Some(known) = known.filter(|_| !id.is_watched()) else { return id };
        if known.reach.has(start) || known.reach.follow(subject.bytes(), start) {
            return id;
        }
        let id = id.watched();
        subject.set_code_id(id);
        self.push(&Packet::SingleStepCode { code });
        id
    }
}
