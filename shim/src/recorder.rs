//! The pure core: what happened in, records out.
//!
//! Knows code objects by the numbers that it gives them and owns nothing of them; its caller
//! reports their deaths. What it makes is collected in `out`; `entry` pushes it.

mod code_id;

use std::collections::HashMap;

use bytecode::cfg::Reach;
use bytecode::opcode::Operand;
use wire::code::{Body, CodeInfo, KEPT_BODIES, LONGEST_CODE, MOST_ENTRIES, Part, Recorded};
use wire::packet::{self as event, BranchBits, Packet};

use crate::capture::code::{Captured, Constants};
use code_id::LAST_NESTED;
pub use code_id::{CodeId, CodeIds};

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
    /// All that text needs of it, and whether one of its constants can change, as far as those
    /// are recorded.
    fn info(&self, constants: Constants) -> (CodeInfo, bool);
    /// `__name__` of its globals, if that is a `str`.
    fn module(&self) -> Option<&[u8]>;
    /// Writes its body, for a recording.
    fn body(&self, out: &mut Vec<u8>) -> Captured;
    /// Stores what the function says in a code object inside it, at this address; it is given what is there.
    fn set_nested_code_id(&self, address: usize, id: &mut dyn FnMut(CodeId) -> Option<CodeId>);
    /// The text of one constant, name or local name; false if there is none.
    fn meaning(&self, kind: Operand, index: i32, out: &mut Vec<u8>) -> bool;
}

/// What is remembered of a code object.
#[derive(Debug, Default)]
struct Known {
    reach: Reach,
    has_mutable: bool,
    address: usize,
}

/// Where a code object that has not run was recorded as a part of another one.
#[derive(Debug)]
struct Unrun {
    part: Part,
    /// How many of its bytes are constants.
    constants: usize,
    addresses: Vec<u64>,
    /// [`Recorder::sent`] before the body that it is a part of.
    before: u64,
}

/// Bytes of memory that are kept for the next code object.
const SPARE: usize = 1 << 20;

fn emptied(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.clear();
    bytes.shrink_to(SPARE);
    bytes
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
    /// By number, less the last of `base`.
    codes: Vec<Option<Box<Known>>>,
    /// By place.
    unrun: HashMap<u32, Unrun>,
    last_nested: u32,
    /// Bytes of bodies so far.
    sent: u64,
    /// For the bytes of one code object.
    body: Vec<u8>,
    definition: Vec<u8>,
    /// Ids up to these are another process's.
    base: CodeIds,
    threads: HashMap<usize, u32>,
    next_thread: u32,
    /// The name that the trace is confined to, until a code object has it.
    missing: Option<Vec<u8>>,
}

impl Recorder {
    /// Nothing has happened. Code objects may have ids up to `base`, which mean nothing here;
    /// packets hold how much numbers are above it.
    pub fn new(constants: Constants, base: CodeIds) -> Recorder {
        Recorder {
            out: Vec::new(),
            constants,
            rewrites: false,
            branch_bits: BranchBits::default(),
            async_begin: None,
            codes: vec![None],
            unrun: HashMap::new(),
            last_nested: base.nested,
            sent: 0,
            body: Vec::new(),
            definition: Vec::new(),
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

    /// The last ids that code objects have.
    pub fn last_code_ids(&self) -> CodeIds {
        let number = self.base.number + self.codes.len() as u32 - 1;
        CodeIds { number, nested: self.last_nested }
    }

    /// The number in packets, 0 for a code object that has none here.
    fn number(&self, id: CodeId) -> u32 {
        id.number().saturating_sub(self.base.number)
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
        if let Some(place) = id.nested() {
            self.unrun.remove(&place);
            return;
        }
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
        // Taken away in any case: it has a number from here on.
        let unrun = id.nested().and_then(|place| self.unrun.remove(&place));
        let mut reach = Reach::default();
        // A recording leaves longer code out.
        let is_known = subject.bytes().len() <= LONGEST_CODE
            && reach.follow(subject.bytes(), 0)
            && reach.follow(subject.bytes(), start);
        // Watched by the process that this one was forked from: it is not what it was.
        let is_watched = id.is_watched() || !is_known;
        let code = self.codes.len() as u32;
        let mut definition = std::mem::take(&mut self.definition);
        definition.clear();
        let (is_watched, has_mutable) = match self.constants {
            Constants::Marshalled => self.record(subject, code, is_watched, unrun, &mut definition),
            constants => {
                let (mut info, has_mutable) = subject.info(constants);
                info.is_watched = is_watched || has_mutable;
                // Only text is confined to a name.
                if self.missing.as_ref() == Some(&info.name) {
                    self.missing = None;
                }
                info.write(&mut definition);
                (info.is_watched, has_mutable)
            }
        };
        let number = (self.base.number + code) as i32;
        let id = CodeId(if is_watched { -number } else { number });
        self.codes.push(Some(Box::new(Known { reach, has_mutable, address: subject.address() })));
        subject.set_code_id(id);
        if self.branch_bits.count > 0 {
            // A long record may be cut by a death: the branch bits are not to be lost with it.
            self.push(&Packet::BranchBits);
        }
        self.push(&Packet::CodeDefined { code, definition: &definition });
        self.definition = emptied(definition);
        id
    }

    /// Writes the code info of a recording: whether the code object is watched, and whether one of
    /// its constants can change.
    fn record(
        &mut self,
        subject: &impl Subject,
        code: u32,
        is_watched: bool,
        unrun: Option<Unrun>,
        out: &mut Vec<u8>,
    ) -> (bool, bool) {
        let module = subject.module();
        // The writer keeps the bodies that it last got, and foreign code may have rewritten this one.
        let is_kept = |unrun: &Unrun| self.sent - unrun.before <= KEPT_BODIES as u64;
        if let Some(unrun) = unrun.filter(|unrun| !self.rewrites && is_kept(unrun)) {
            let Unrun { part, constants, addresses, .. } = &unrun;
            let body = Body::Part(*part);
            Recorded { is_watched, module, constants: *constants, body, texts: &[], addresses }
                .write(out);
            return (is_watched, false);
        }
        let mut body = std::mem::take(&mut self.body);
        let captured = subject.body(&mut body);
        let is_watched = is_watched || captured.can_change;
        let Captured { constants, texts, addresses, can_change, .. } = &captured;
        let (constants, whole) = (*constants, Body::Whole(&body));
        Recorded { is_watched, module, constants, body: whole, texts, addresses }.write(out);
        let before = self.sent;
        self.sent += body.len() as u64;
        let result = (is_watched, *can_change);
        // What is smaller is within all limits, so the writer takes it as it is.
        if body.len() as u64 <= MOST_ENTRIES && captured.texts.is_empty() && !self.rewrites {
            self.remember_nested(subject, code, captured, before);
        }
        self.body = emptied(body);
        result
    }

    /// Remembers where the code objects inside one are in its body.
    fn remember_nested(
        &mut self,
        subject: &impl Subject,
        code: u32,
        captured: Captured,
        before: u64,
    ) {
        for nested in captured.nested {
            if !nested.is_final || !nested.is_whole || self.last_nested >= LAST_NESTED {
                continue;
            }
            let place = self.last_nested + 1;
            let mut is_new = false;
            subject.set_nested_code_id(nested.address, &mut |id| {
                let is_known = match id.nested() {
                    Some(place) => place > self.base.nested,
                    None => self.number(id) != 0,
                };
                // One that was watched in the process that this one was forked from stays so.
                is_new = !is_known && !id.is_watched();
                is_new.then(|| CodeId::of_nested(place))
            });
            if is_new {
                self.last_nested = place;
                let (start, length) = (nested.place.start, nested.place.len());
                let part = Part { code, start, length };
                let addresses = nested.codes.iter().map(|&address| address as u64).collect();
                let constants = nested.constants;
                self.unrun.insert(place, Unrun { part, constants, addresses, before });
            }
        }
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

#[cfg(test)]
mod tests;
