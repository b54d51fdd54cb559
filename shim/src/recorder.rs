//! The pure core: what happened in, records out.
//!
//! Knows code objects by the numbers that it gives them and owns nothing of them; whoever drives
//! it reports their deaths. What it makes is collected in `out`; telling it is left to `entry`.

use std::collections::HashMap;

use bytecode::cfg::Reach;
use bytecode::opcode::Operand;
use wire::code::{CodeInfo, LONGEST_CODE};
use wire::packet::{self as event, BranchBits, Packet};

use crate::capture::code::Constants;

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
    /// All that is recorded of it, and whether one of its constants can change, as far as those
    /// are recorded.
    fn info(&self, constants: Constants) -> (CodeInfo, bool);
    /// The text of one constant, name or local name; false if there is none.
    fn meaning(&self, kind: Operand, index: i32, out: &mut Vec<u8>) -> bool;
}

/// What is stored in a code object: its number, negative if its instructions are recorded individually.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark(pub i32);

impl Mark {
    /// The number; numbers start at 1.
    pub fn number(self) -> u32 {
        self.0.unsigned_abs()
    }

    /// Whether its instructions are recorded individually.
    #[inline]
    pub fn is_watched(self) -> bool {
        self.0 < 0
    }

    fn watched(self) -> Mark {
        Mark(-self.0.abs())
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
    /// Records that are to be told.
    pub out: Vec<u8>,
    constants: Constants,
    /// Whether tables of code objects may change.
    rewrites: bool,
    /// BranchBits that the next record holds.
    outcomes: BranchBits,
    stands: Option<(i32, bool)>,
    /// By number, less `base`.
    codes: Vec<Option<Box<Known>>>,
    /// Numbers up to this one are another process's.
    base: u32,
    threads: HashMap<usize, u32>,
    next_thread: u32,
}

impl Recorder {
    /// Nothing has happened. Code objects may have numbers
    /// up to `base`, which mean nothing here; packets hold how much they are above it.
    pub fn new(constants: Constants, base: u32) -> Recorder {
        Recorder {
            out: Vec::new(),
            constants,
            rewrites: false,
            outcomes: BranchBits::default(),
            stands: None,
            codes: vec![None],
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

    /// The last number that a code object has.
    pub fn last_number(&self) -> u32 {
        self.base + self.codes.len() as u32 - 1
    }

    /// The number in packets, 0 for a code object that has none here.
    fn told(&self, mark: Mark) -> u32 {
        mark.number().saturating_sub(self.base)
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
        let (mut info, has_mutable) = subject.info(self.constants);
        let mut reach = Reach::default();
        // A recording leaves longer code out.
        let is_known = subject.bytes().len() <= LONGEST_CODE
            && reach.follow(subject.bytes(), 0)
            && reach.follow(subject.bytes(), start);
        // Watched by the process that this one was forked from: it is not what it was.
        let was_watched = mark.is_watched();
        info.is_watched = was_watched || !is_known || has_mutable;
        let number = self.last_number() as i32 + 1;
        let mark = Mark(if info.is_watched { -number } else { number });
        self.codes.push(Some(Box::new(Known { reach, has_mutable, address: subject.address() })));
        subject.set_mark(mark);
        if self.outcomes.count > 0 {
            // A long record may be cut by a death: the outcomes are not to be lost with it.
            self.tell(&Packet::BranchBits);
        }
        let mut bytes = Vec::new();
        info.write(&mut bytes);
        self.tell(&Packet::CodeDefined { code: self.told(mark), definition: &bytes });
        mark
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
