//! The pure core: what happened in, records out.
//!
//! Knows code objects by the numbers that it gives them and owns nothing of them; whoever drives
//! it reports their deaths. What it makes is collected in `out`; telling it is left to `entry`.

mod mark;

use std::collections::HashMap;

use bytecode::cfg::Reach;
use bytecode::opcode::Operand;
use wire::code::{Body, CodeInfo, KEPT_BODIES, LONGEST_CODE, MOST_ENTRIES, Part, Recorded};
use wire::packet::{self as event, BranchBits, Packet};

use crate::capture::code::{Captured, Constants};
use mark::LAST_NESTED;
pub use mark::{Mark, Marks};

/// What is asked of a code object, once, when it first runs.
pub trait Subject {
    /// Its number and whether it is watched; zero if it has none yet.
    fn mark(&self) -> Mark;
    /// Keeps its number in it.
    fn set_mark(&self, mark: Mark);
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
    /// Marks a code object inside it, at this address, if the function says so of its mark.
    fn mark_nested(&self, address: usize, mark: &mut dyn FnMut(Mark) -> Option<Mark>);
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
    /// Records that are to be told.
    pub out: Vec<u8>,
    constants: Constants,
    /// Whether tables of code objects may change.
    rewrites: bool,
    /// BranchBits that the next record holds.
    outcomes: BranchBits,
    stands: Option<(i32, bool)>,
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
    /// Marks up to these are another process's.
    base: Marks,
    threads: HashMap<usize, u32>,
    next_thread: u32,
}

impl Recorder {
    /// Nothing has happened. Code objects may have marks up to `base`, which mean nothing here;
    /// packets hold how much numbers are above it.
    pub fn new(constants: Constants, base: Marks) -> Recorder {
        Recorder {
            out: Vec::new(),
            constants,
            rewrites: false,
            outcomes: BranchBits::default(),
            stands: None,
            codes: vec![None],
            unrun: HashMap::new(),
            last_nested: base.nested,
            sent: 0,
            body: Vec::new(),
            definition: Vec::new(),
            base,
            threads: HashMap::new(),
            next_thread: 0,
        }
    }

    /// Starts a new batch of records with the outcomes that came before it, and where code may run
    /// that no instruction calls while no packet says so.
    pub fn begin(&mut self, outcomes: BranchBits, stands: Option<(i32, bool)>) {
        self.out.clear();
        self.outcomes = outcomes;
        self.stands = stands;
    }

    /// Where such code may run, and nothing was told of it yet.
    pub fn stands(&self) -> Option<(i32, bool)> {
        self.stands
    }

    /// The last marks that code objects have.
    pub fn last_marks(&self) -> Marks {
        let number = self.base.number + self.codes.len() as u32 - 1;
        Marks { number, nested: self.last_nested }
    }

    /// The number in packets, 0 for a code object that has none here.
    fn told(&self, mark: Mark) -> u32 {
        mark.number().saturating_sub(self.base.number)
    }

    fn tell(&mut self, event: &Packet) {
        let outcomes = std::mem::take(&mut self.outcomes);
        event::write(&mut self.out, outcomes, event);
    }

    /// BranchBits that fill a record.
    pub fn flush(&mut self) {
        self.tell_stand();
        if self.outcomes.count > 0 {
            self.tell(&Packet::BranchBits);
        }
    }

    /// A frame is entered, or goes on at `start`, while its caller is at `lasti`. Whether it has
    /// become the first whose code object is watched is for the caller to see.
    pub fn enter(&mut self, subject: &impl Subject, lasti: i32, start: u32) -> Mark {
        self.tell_stand();
        let mark = self.meet(subject, start);
        let code = self.told(mark);
        self.tell(&match start {
            0 => Packet::Enter { lasti, code },
            _ => Packet::Resume { lasti, code, start },
        });
        mark
    }

    /// A frame that was there before, and is in the instruction at `lasti`.
    pub fn found(&mut self, subject: &impl Subject, lasti: i32) -> Mark {
        let mark = self.meet(subject, lasti.max(0) as u32);
        self.tell(&Packet::Frame { code: self.told(mark), lasti: lasti.max(0) });
        mark
    }

    /// A frame is left otherwise than by an instruction that says so.
    pub fn exit(&mut self, lasti: i32, exception: bool) {
        self.tell_stand();
        self.tell(&Packet::FrameExit { lasti, exception });
    }

    /// A frame is left by its `RETURN_VALUE` or `YIELD_VALUE`.
    pub fn leave(&mut self) {
        // What might have come in between did not.
        self.stands = None;
        self.outcomes.bits = self.outcomes.bits << 1 | 1;
        self.outcomes.count += 1;
        if self.outcomes.count == event::MOST_BRANCH_BITS {
            self.tell(&Packet::BranchBits);
        }
    }

    /// BranchBits that are in no record yet, for the interpreter to go on with.
    pub fn rest(&self) -> BranchBits {
        self.outcomes
    }

    /// The block stack was unwound.
    pub fn land(
        &mut self,
        subject: &impl Subject,
        lasti: i32,
        target: u32,
        exception: bool,
    ) -> Mark {
        self.tell_stand();
        self.tell(&Packet::Unwind { lasti, target, exception });
        self.check(subject, target)
    }

    /// The frame that stood goes on.
    pub fn go(&mut self, subject: &impl Subject, offset: u32) -> Mark {
        self.tell_stand();
        self.tell(&Packet::AsyncEnd { offset });
        self.check(subject, offset)
    }

    /// An instruction of a frame whose instructions are recorded individually.
    pub fn step(&mut self, subject: &impl Subject, opcode: u8, offset: u32, operand: i32) {
        self.tell_stand();
        let known = self.codes.get(self.told(subject.mark()) as usize).and_then(Option::as_ref);
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
        self.tell(&Packet::Instruction { opcode, offset, operand, text: text.as_deref() });
    }

    /// From here on each instruction is recorded individually.
    pub fn every(&mut self, lasti: i32) {
        self.tell_stand();
        self.tell(&Packet::SingleStep { lasti });
    }

    /// Tables of code objects may change from here on: single-stepped instructions carry their
    /// operands' meanings.
    pub fn tables_may_change(&mut self) {
        self.rewrites = true;
    }

    /// The running frame's code object is no longer as it was recorded, and the instruction at
    /// this offset comes next: it is watched.
    pub fn rewritten(&mut self, subject: &impl Subject, offset: u32) -> Mark {
        self.stands = None;
        self.tell(&Packet::AsyncBegin { offset: offset as i32, begun: false });
        let mark = subject.mark().watched();
        subject.set_mark(mark);
        self.tell(&Packet::SingleStepCode { code: self.told(mark) });
        self.tell(&Packet::AsyncEnd { offset });
        mark
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
    pub fn forget(&mut self, mark: Mark) {
        if let Some(place) = mark.nested() {
            self.unrun.remove(&place);
            return;
        }
        let code = self.told(mark);
        if self.codes.get_mut(code as usize).and_then(Option::take).is_some() {
            self.tell(&Packet::CodeFreed { code });
        }
    }

    /// Another thread runs; threads are known by an address.
    pub fn switch(&mut self, thread: usize, lasti: i32) {
        self.tell_stand();
        let thread = self.thread(thread);
        self.tell(&Packet::ThreadSwitch { thread, lasti });
    }

    /// The thread goes on in another stack of frames.
    pub fn switch_stack(&mut self, stack: u32, lasti: i32) {
        self.tell_stand();
        self.tell(&Packet::StackSwitch { stack, lasti });
    }

    /// A thread is no more: its address may come back.
    pub fn gone(&mut self, thread: usize) {
        if let Some(thread) = self.threads.remove(&thread) {
            self.tell(&Packet::ThreadEnd { thread });
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
        self.tell_stand();
        self.tell(&Packet::End { lasti });
    }

    /// Whether the paths from an offset of a code object are known.
    #[inline]
    pub fn reaches(&self, mark: Mark, offset: u32) -> bool {
        let known = self.codes.get(self.told(mark) as usize).and_then(Option::as_ref);
        known.is_some_and(|known| known.reach.has(offset))
    }

    fn tell_stand(&mut self) {
        if let Some((offset, begun)) = self.stands.take() {
            self.tell(&Packet::AsyncBegin { offset, begun });
        }
    }

    /// Gives a code object its number, if it has none, and sees that it can start there.
    fn meet(&mut self, subject: &impl Subject, start: u32) -> Mark {
        let mark = subject.mark();
        if self.told(mark) != 0 {
            return self.check(subject, start);
        }
        // Taken away in any case: it has a number from here on.
        let unrun = mark.nested().and_then(|place| self.unrun.remove(&place));
        let mut reach = Reach::default();
        // A recording leaves longer code out.
        let is_known = subject.bytes().len() <= LONGEST_CODE
            && reach.follow(subject.bytes(), 0)
            && reach.follow(subject.bytes(), start);
        // Watched by the process that this one was forked from: it is not what it was.
        let is_watched = mark.is_watched() || !is_known;
        let code = self.codes.len() as u32;
        let mut definition = std::mem::take(&mut self.definition);
        definition.clear();
        let (is_watched, has_mutable) = match self.constants {
            Constants::Marshalled => self.record(subject, code, is_watched, unrun, &mut definition),
            constants => {
                let (mut info, has_mutable) = subject.info(constants);
                info.is_watched = is_watched || has_mutable;
                info.write(&mut definition);
                (info.is_watched, has_mutable)
            }
        };
        let number = (self.base.number + code) as i32;
        let mark = Mark(if is_watched { -number } else { number });
        self.codes.push(Some(Box::new(Known { reach, has_mutable, address: subject.address() })));
        subject.set_mark(mark);
        if self.outcomes.count > 0 {
            // A long record may be cut by a death: the outcomes are not to be lost with it.
            self.tell(&Packet::BranchBits);
        }
        self.tell(&Packet::CodeDefined { code, definition: &definition });
        self.definition = emptied(definition);
        mark
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
            self.mark_nested(subject, code, captured, before);
        }
        self.body = emptied(body);
        result
    }

    /// Remembers where the code objects inside one are in its body.
    fn mark_nested(&mut self, subject: &impl Subject, code: u32, captured: Captured, before: u64) {
        for nested in captured.nested {
            if !nested.is_final || !nested.is_whole || self.last_nested >= LAST_NESTED {
                continue;
            }
            let place = self.last_nested + 1;
            let mut is_new = false;
            subject.mark_nested(nested.address, &mut |mark| {
                let is_known = match mark.nested() {
                    Some(place) => place > self.base.nested,
                    None => self.told(mark) != 0,
                };
                // One that was watched in the process that this one was forked from stays so.
                is_new = !is_known && !mark.is_watched();
                is_new.then(|| Mark::of_nested(place))
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
    fn check(&mut self, subject: &impl Subject, start: u32) -> Mark {
        let mark = subject.mark();
        let code = self.told(mark);
        let known = self.codes.get_mut(code as usize).and_then(Option::as_mut);
        let Some(known) = known.filter(|_| !mark.is_watched()) else { return mark };
        if known.reach.has(start) || known.reach.follow(subject.bytes(), start) {
            return mark;
        }
        let mark = mark.watched();
        subject.set_mark(mark);
        self.tell(&Packet::SingleStepCode { code });
        mark
    }
}

#[cfg(test)]
mod tests;
