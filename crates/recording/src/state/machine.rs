//! The frames of a thread with all that is in them.
//!
//! An instruction takes effect when the frame goes on: only then it is known that it did not raise,
//! and what it produced. Until then it is the frame's pending instruction. What a frame produced
//! before another one ran inside its instruction is kept with it.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use bytecode::decode::Instruction;
use bytecode::opcode::numbers::{
    BREAK_LOOP, CONTINUE_LOOP, END_FINALLY, RETURN_VALUE, YIELD_VALUE,
};
use wire::code::CodeInfo;

use super::items::{Entry, Items};
use super::names::{Globals, Names};
use super::{Fault, Objects, Origin, Slot, Value};

/// `CO_VARARGS`, `CO_VARKEYWORDS`, `CO_GENERATOR`
const VARARGS: u32 = 4;
const VARKEYWORDS: u32 = 8;
const GENERATOR: u32 = 0x20;

/// A block of the block stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// The opcode that set it up.
    pub opcode: u8,
    /// Where its handler is.
    pub handler: u32,
    /// How many values were on the stack.
    pub level: usize,
}

/// What a frame has begun and not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pending {
    /// Nothing.
    Nothing,
    /// It has been entered, and its arguments were not read yet.
    Entry,
    /// A generator goes on.
    Resume,
    /// An instruction; whether it was recorded individually, and its number.
    Instruction(Instruction, bool, u64),
}

/// A frame.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Its code object.
    pub code: Arc<CodeInfo>,
    /// The number of its code object.
    pub number: u32,
    /// By index of `co_varnames`.
    pub locals: Vec<Slot>,
    /// The addresses of its cells: `co_cellvars`, then `co_freevars`.
    pub cells: Vec<u64>,
    /// The value stack, bottom first.
    pub stack: Vec<Slot>,
    /// The block stack, outermost first.
    pub blocks: Vec<Block>,
    /// False where it was there before the recording, and what it holds is not known.
    pub is_known: bool,
    pub(super) pending: Pending,
    /// The truth of the pending branch.
    pub(super) outcome: Option<bool>,
    /// What the pending instruction has produced so far.
    pub(super) early: VecDeque<Entry>,
    /// Which frame it is, among all that the recording enters, from 1.
    pub id: u64,
    /// What is known of its names, where [`Frame::has_global_names`] is false.
    pub names: Names,
    /// Whether its names are the globals of its module.
    pub has_global_names: bool,
    /// Its address, if it is a generator's.
    address: u64,
}

impl Frame {
    fn new(number: u32, code: &Arc<CodeInfo>, pending: Pending, is_known: bool) -> Frame {
        let locals = if is_known { Slot::NOTHING } else { Slot::UNKNOWN };
        // No more than there are names, whatever `co_nlocals` says.
        let count = (code.numbers[1] as usize).min(code.locals.len());
        Frame {
            code: Arc::clone(code),
            number,
            locals: vec![locals; count],
            cells: vec![0; code.cells.len() + code.free.len()],
            stack: Vec::new(),
            blocks: Vec::new(),
            is_known,
            pending,
            outcome: None,
            early: VecDeque::new(),
            id: 0,
            names: Names::new(),
            has_global_names: false,
            address: 0,
        }
    }

    /// The instruction that it is in.
    pub fn instruction(&self) -> Option<Instruction> {
        match self.pending {
            Pending::Instruction(instruction, ..) => Some(instruction),
            _ => None,
        }
    }

    /// The number of that instruction; 0 if there is none.
    pub fn number_of_instruction(&self) -> u64 {
        match self.pending {
            Pending::Instruction(.., number) => number,
            _ => 0,
        }
    }

    pub(super) fn pop(&mut self) -> Slot {
        self.stack.pop().unwrap_or(Slot::UNKNOWN)
    }

    pub(super) fn drop_values(&mut self, count: usize) {
        self.stack.truncate(self.stack.len().saturating_sub(count));
    }
}

/// The frames of a thread, and the objects that they refer to.
#[derive(Debug, Default)]
pub struct Machine {
    /// The frames of the stack that runs, the outermost first.
    pub frames: Vec<Frame>,
    /// All objects.
    pub objects: Objects,
    pub(super) items: Items,
    suspended: HashMap<u64, Frame>,
    stack: u32,
    others: BTreeMap<u32, Vec<Frame>>,
    /// The globals of each module, if they are kept.
    pub globals: Globals,
    pub(super) keeps_names: bool,
    /// The number of the instruction that takes effect.
    pub(super) now: u64,
    /// Frames that were entered, or were there before.
    entered: u64,
}

impl Machine {
    /// Nothing has run; `most_items` members of a container are recorded.
    pub fn new(most_items: u64) -> Machine {
        Machine { objects: Objects::new(most_items), ..Machine::default() }
    }

    /// The same, and keeps what instructions read and store under names that are no fast locals.
    #[must_use]
    pub fn with_names(self) -> Machine {
        Machine { keeps_names: true, ..self }
    }

    /// The number of the last instruction that took effect; 0 if none did.
    pub fn last_completed(&self) -> u64 {
        self.now
    }

    /// The frame that runs.
    pub fn running(&self) -> Option<&Frame> {
        self.frames.last()
    }

    /// The frame that runs begins the instruction at `next`, which may be recorded individually: what
    /// it was in before has taken effect.
    ///
    /// # Errors
    ///
    /// Values that are not those of the instruction.
    pub fn begin(&mut self, next: u32, is_next_stepped: bool) -> Result<(), Fault> {
        let Some(frame) = self.frames.last_mut() else { return Ok(()) };
        match frame.pending {
            Pending::Nothing => {}
            Pending::Entry | Pending::Resume => {
                self.start()?;
                // A generator that is thrown into, where no packet says what is unwound.
                if is_next_stepped && self.items.is_raised() {
                    self.unwind(next)?;
                }
            }
            Pending::Instruction(instruction, is_stepped, number) => {
                self.now = number;
                if is_stepped && self.leaves_blocks(instruction.opcode)? {
                    self.unwind(next)?;
                } else {
                    self.complete(instruction, is_stepped, next)?;
                }
                if let Some(frame) = self.frames.last_mut() {
                    frame.pending = Pending::Nothing;
                    frame.outcome = None;
                }
            }
        }
        if self.items.is_state() {
            self.entry()?;
            self.take_state()?;
        }
        Ok(())
    }

    /// Whether the pending instruction, which is recorded individually, has unwound the block stack:
    /// no packet says so.
    fn leaves_blocks(&mut self, opcode: u8) -> Result<bool, Fault> {
        // All that is there is this instruction's.
        self.keep_early()?;
        let Some(frame) = self.frames.last() else { return Ok(false) };
        let top = frame.stack.last().map_or(Value::Unknown, |slot| slot.value);
        Ok(frame.early.contains(&Entry::Raised)
            || matches!(opcode, RETURN_VALUE | BREAK_LOOP | CONTINUE_LOOP)
            || (opcode == END_FINALLY && !matches!(top, Value::None | Value::Unknown)))
    }

    /// All that is in the running frame, as a trace function has left it.
    fn take_state(&mut self) -> Result<(), Fault> {
        let mut stack = Vec::new();
        for _ in 0..self.number()? {
            stack.push(Slot { value: self.value()?, ..Slot::UNKNOWN });
        }
        let mut blocks = Vec::new();
        for _ in 0..self.number()? {
            let opcode = self.number()? as u8;
            let (handler, level) = (self.number()? as u32, self.number()? as usize);
            blocks.push(Block { opcode, handler, level });
        }
        let frame = self.frames.last_mut().ok_or(Fault::Unexpected)?;
        (frame.stack, frame.blocks) = (stack, blocks);
        match self.entry()? {
            Entry::Locals => self.take_locals(0),
            _ => Err(Fault::Unexpected),
        }
    }

    fn number(&mut self) -> Result<i64, Fault> {
        match self.value()? {
            Value::Int(number) => Ok(number),
            _ => Err(Fault::Unexpected),
        }
    }

    /// The frame that runs is in this instruction, the `number`th, which may be recorded
    /// individually.
    pub fn set_pending(&mut self, instruction: Instruction, is_stepped: bool, number: u64) {
        if let Some(frame) = self.frames.last_mut() {
            frame.pending = Pending::Instruction(instruction, is_stepped, number);
        }
    }

    /// The pending instruction has a branch bit, and this is it.
    pub fn branch(&mut self, taken: bool) {
        if let Some(frame) = self.frames.last_mut() {
            frame.outcome = Some(taken);
        }
    }

    /// The payload of another packet of values.
    ///
    /// # Errors
    ///
    /// More values than any interpreter records.
    pub fn add_values(&mut self, payload: &[u8]) -> Result<(), Fault> {
        if self.objects.is_full() {
            self.give_up();
        }
        self.items.add(payload)
    }

    /// Gives up the objects that no frame refers to.
    fn give_up(&mut self) {
        let (mut values, mut cells) = (Vec::new(), HashSet::new());
        let others = self.others.values().flatten();
        for frame in self.frames.iter().chain(others).chain(self.suspended.values()) {
            let slots = frame.stack.iter().chain(&frame.locals).chain(frame.names.values());
            values.extend(slots.map(|slot| slot.value));
            values.extend(frame.early.iter().filter_map(|entry| match entry {
                Entry::Value(value) => Some(*value),
                _ => None,
            }));
            cells.extend(frame.cells.iter().copied());
        }
        values.extend(self.globals.slots().map(|slot| slot.value));
        self.objects.give_up(values, &cells);
    }

    /// The running frame goes on after something that no instruction called.
    pub(super) fn goes_on(&mut self) {
        if let Some(frame) = self.frames.last_mut() {
            frame.pending = Pending::Nothing;
        }
    }

    /// A frame is entered, or goes on.
    pub(super) fn enter(
        &mut self,
        number: u32,
        code: &Arc<CodeInfo>,
        resumes: bool,
    ) -> Result<(), Fault> {
        self.keep_early()?;
        let pending = if resumes { Pending::Resume } else { Pending::Entry };
        self.push(Frame::new(number, code, pending, true));
        Ok(())
    }

    /// A frame that was there before.
    pub(super) fn found(
        &mut self,
        number: u32,
        code: &Arc<CodeInfo>,
        instruction: Option<Instruction>,
    ) {
        let pending = match instruction {
            Some(instruction) => Pending::Instruction(instruction, false, 0),
            None => Pending::Nothing,
        };
        self.push(Frame::new(number, code, pending, false));
    }

    fn push(&mut self, mut frame: Frame) {
        self.entered += 1;
        frame.id = self.entered;
        frame.has_global_names = frame.is_module(self.frames.last());
        self.frames.push(frame);
    }

    /// Something else runs inside the pending instruction: what that has produced is kept with it.
    pub(super) fn keep_early(&mut self) -> Result<(), Fault> {
        // What was kept before comes first, and is not to be read here.
        let mut early = match self.frames.last_mut() {
            Some(frame) => std::mem::take(&mut frame.early),
            None => return Ok(()),
        };
        while !self.items.is_state()
            && let Some(entry) = self.items.next(&mut self.objects)?
        {
            if entry == Entry::Locals {
                self.take_locals(self.number_of_instruction())?;
            }
            early.push_back(entry);
        }
        if let Some(frame) = self.frames.last_mut() {
            frame.early = early;
        }
        Ok(())
    }

    /// The next entry of the pending instruction, and whether it was kept; `None` if there is none,
    /// as it has raised.
    pub(super) fn next(&mut self) -> Result<Option<(Entry, bool)>, Fault> {
        if let Some(entry) = self.frames.last_mut().and_then(|frame| frame.early.pop_front()) {
            return Ok(Some((entry, true)));
        }
        Ok(self.items.next(&mut self.objects)?.map(|entry| (entry, false)))
    }

    /// The next entry, which has to be there.
    pub(super) fn entry(&mut self) -> Result<Entry, Fault> {
        self.next()?.map(|(entry, _)| entry).ok_or(Fault::Missing)
    }

    /// The next value.
    pub(super) fn value(&mut self) -> Result<Value, Fault> {
        match self.entry()? {
            Entry::Value(value) => Ok(value),
            _ => Err(Fault::Unexpected),
        }
    }

    /// What a frame is given when it is entered or goes on.
    fn start(&mut self) -> Result<(), Fault> {
        let Some(frame) = self.frames.last_mut() else { return Ok(()) };
        let (pending, flags) = (frame.pending, frame.code.numbers[3]);
        frame.pending = Pending::Nothing;
        if flags & GENERATOR != 0 {
            let Entry::Frame(address) = self.entry()? else { return Err(Fault::Unexpected) };
            let frame = self.frames.last_mut().ok_or(Fault::Unexpected)?;
            frame.address = address;
            match (pending, self.suspended.remove(&address)) {
                (Pending::Resume, Some(suspended)) if suspended.number == frame.number => {
                    let early = std::mem::take(&mut frame.early);
                    *frame = Frame { pending: Pending::Nothing, early, ..suspended };
                }
                (Pending::Resume, _) => frame.is_known = false,
                _ => {}
            }
        }
        if pending == Pending::Resume {
            let sent = self.argument()?;
            if let Some(frame) = self.frames.last_mut() {
                frame.stack.push(sent);
            }
            return Ok(());
        }
        let arguments = self.frames.last().map_or(0, |frame| {
            let more = u32::from(flags & VARARGS != 0) + u32::from(flags & VARKEYWORDS != 0);
            (frame.code.numbers[0] as usize)
                .saturating_add(more as usize)
                .min(frame.code.numbers[1] as usize)
        });
        for index in 0..arguments {
            let argument = self.argument()?;
            self.set_local(index, argument)?;
        }
        let new = self.frames.last().map_or(0, |frame| frame.code.cells.len());
        self.take_cells(new, None)
    }

    /// A value that the running frame is given by the instruction that entered it.
    fn argument(&mut self) -> Result<Slot, Fault> {
        let value = self.value()?;
        let outer = self.frames.len().checked_sub(2).and_then(|outer| self.frames.get(outer));
        let call = outer.map_or(0, Frame::number_of_instruction);
        let origin = if call == 0 { Origin::Unknown } else { Origin::Argument(call) };
        Ok(Slot { value, origin, set: call })
    }

    fn set_local(&mut self, index: usize, slot: Slot) -> Result<(), Fault> {
        let frame = self.frames.last_mut().ok_or(Fault::Unexpected)?;
        if let Some(local) = frame.locals.get_mut(index) {
            *local = slot;
        }
        Ok(())
    }

    /// The cells of the running frame, the first `new` of which were made for it. What has changed in
    /// the others was set by this instruction, or by the one that entered the frame.
    fn take_cells(&mut self, new: usize, by: Option<u64>) -> Result<(), Fault> {
        let (count, id) = self.frames.last().map_or((0, 0), |frame| (frame.cells.len(), frame.id));
        for index in 0..count {
            let Entry::Cell(address) = self.entry()? else { return Err(Fault::Unexpected) };
            let content = match by {
                None => self.argument()?,
                Some(by) => set_by(by, self.value()?),
            };
            if index < new {
                let is_bound = content.value != Value::Nothing;
                self.objects.new_cell(address, id, if is_bound { content } else { Slot::NOTHING });
            } else {
                self.objects.set_cell(address, self.kept(self.objects.cell(address), content));
            }
            if let Some(frame) = self.frames.last_mut() {
                frame.cells[index] = address;
            }
        }
        Ok(())
    }

    /// What is in a place now; what is known of where it comes from stays if it is the same.
    fn kept(&self, known: Slot, now: Slot) -> Slot {
        let is_same = self.objects.is_same(known.value, now.value);
        if is_same { Slot { value: now.value, ..known } } else { now }
    }

    /// All locals may have changed together, by this instruction; 0 if none has done it.
    pub(super) fn take_locals(&mut self, by: u64) -> Result<(), Fault> {
        let count = self.frames.last().map_or(0, |frame| frame.code.numbers[1] as usize);
        for index in 0..count {
            let now = set_by(by, self.value()?);
            let frame = self.frames.last().ok_or(Fault::Unexpected)?;
            let known = frame.locals.get(index).copied().unwrap_or(Slot::UNKNOWN);
            self.set_local(index, self.kept(known, now))?;
        }
        self.take_cells(0, Some(by))
    }

    fn number_of_instruction(&self) -> u64 {
        self.frames.last().map_or(0, Frame::number_of_instruction)
    }

    /// Consumes what a pending instruction has produced that does not go on; whether an exception
    /// has reached a handler.
    fn abandon(&mut self) -> Result<bool, Fault> {
        let Some(frame) = self.frames.last() else { return Ok(false) };
        if matches!(frame.pending, Pending::Entry | Pending::Resume) {
            self.start()?;
        }
        loop {
            match self.next()? {
                None => return Ok(false),
                Some((Entry::Raised, _)) => return Ok(true),
                Some((Entry::Locals, false)) => self.take_locals(self.number_of_instruction())?,
                Some((Entry::State, false)) => self.take_state()?,
                Some(_) => {}
            }
        }
    }

    /// The block stack of the running frame is unwound, to a handler or a loop's end.
    pub(super) fn unwind(&mut self, target: u32) -> Result<(), Fault> {
        let raised = self.abandon()?;
        let number = self.number_of_instruction();
        if number != 0 {
            self.now = number;
        }
        let exception = if raised {
            let origin = if number == 0 { Origin::Unknown } else { Origin::Made(number) };
            let values = [self.value()?, self.value()?, self.value()?];
            Some(values.map(|value| Slot { value, origin, set: 0 }))
        } else {
            None
        };
        let frame = self.frames.last_mut().ok_or(Fault::Unexpected)?;
        match exception {
            Some(values) => frame.handle(target, values),
            None => frame.leave_blocks(),
        }
        frame.pending = Pending::Nothing;
        frame.outcome = None;
        Ok(())
    }

    /// The running frame is gone, by its `RETURN_VALUE` or `YIELD_VALUE`, as a branch bit says.
    pub fn left(&mut self) {
        let Some(mut frame) = self.frames.pop() else { return };
        let yields = frame.instruction().is_some_and(|at| at.opcode == YIELD_VALUE);
        if yields && frame.address != 0 {
            frame.pop();
            frame.pending = Pending::Nothing;
            self.suspended.insert(frame.address, frame);
        }
    }

    /// The running frame is gone, as a packet says.
    pub(super) fn exit(&mut self, exception: bool) -> Result<(), Fault> {
        if exception {
            self.abandon()?;
            self.frames.pop();
        } else {
            self.left();
        }
        Ok(())
    }

    /// Another stack of frames runs.
    pub(super) fn switch_stack(&mut self, stack: u32) -> Result<(), Fault> {
        if stack == self.stack {
            return Ok(());
        }
        self.keep_early()?;
        let next = self.others.remove(&stack).unwrap_or_default();
        let last = std::mem::replace(&mut self.frames, next);
        if !last.is_empty() {
            self.others.insert(self.stack, last);
        }
        self.stack = stack;
        Ok(())
    }
}

/// A value that an instruction has put somewhere; 0 if none has.
fn set_by(by: u64, value: Value) -> Slot {
    let origin = if by == 0 { Origin::Unknown } else { Origin::Made(by) };
    Slot { value, origin, set: by }
}
