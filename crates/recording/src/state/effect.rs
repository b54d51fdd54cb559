//! What an instruction does to the frame that it runs in, once it has run: the moves as
//! `PyEval_EvalFrameEx` does them, and the values that it produced as the recording has them.

use bytecode::decode::Instruction;
use bytecode::opcode::numbers::*;
use bytecode::opcode::stack_effect;

use super::items::Entry;
use super::machine::{Block, Frame, Machine};
use super::{Fault, Objects, Origin, Slot, Value, names};

/// `enum why_code` of `Python/ceval.c`, as it is on the stack.
mod why {
    pub const RETURN: i64 = 8;
    pub const BREAK: i64 = 16;
    pub const CONTINUE: i64 = 32;
}

/// What an opcode does, where that is not its own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Takes values off the stack, at most.
    Takes,
    /// Produces one value.
    Produces,
    /// May change an object, which follows.
    Changes,
    Own,
}

const fn class(opcode: u8) -> Class {
    match opcode {
        POP_TOP | NOP | PRINT_EXPR | PRINT_ITEM | PRINT_NEWLINE | PRINT_ITEM_TO
        | PRINT_NEWLINE_TO | JUMP_FORWARD | JUMP_ABSOLUTE => Class::Takes,
        UNARY_POSITIVE
        | UNARY_NEGATIVE
        | UNARY_NOT
        | UNARY_CONVERT
        | UNARY_INVERT
        | BINARY_POWER
        | BINARY_MULTIPLY
        | BINARY_DIVIDE
        | BINARY_MODULO
        | BINARY_SUBTRACT
        | BINARY_SUBSCR
        | BINARY_FLOOR_DIVIDE
        | BINARY_TRUE_DIVIDE
        | INPLACE_FLOOR_DIVIDE
        | INPLACE_TRUE_DIVIDE
        | INPLACE_SUBTRACT
        | INPLACE_MULTIPLY
        | INPLACE_DIVIDE
        | INPLACE_MODULO
        | BINARY_LSHIFT
        | BINARY_RSHIFT
        | BINARY_AND
        | BINARY_XOR
        | BINARY_OR
        | INPLACE_POWER
        | GET_ITER
        | INPLACE_LSHIFT
        | INPLACE_RSHIFT
        | INPLACE_AND
        | INPLACE_XOR
        | INPLACE_OR
        | LOAD_LOCALS
        | BUILD_CLASS
        | LOAD_CONST
        | LOAD_NAME
        | BUILD_TUPLE
        | BUILD_LIST
        | BUILD_SET
        | BUILD_MAP
        | LOAD_ATTR
        | COMPARE_OP
        | IMPORT_NAME
        | IMPORT_FROM
        | LOAD_GLOBAL
        | CALL_FUNCTION
        | MAKE_FUNCTION
        | BUILD_SLICE
        | MAKE_CLOSURE
        | CALL_FUNCTION_VAR
        | CALL_FUNCTION_KW
        | CALL_FUNCTION_VAR_KW
        | SLICE_0..=SLICE_3 => Class::Produces,
        STORE_MAP
        | STORE_SUBSCR
        | DELETE_SUBSCR
        | SET_ADD
        | MAP_ADD
        | STORE_ATTR
        | DELETE_ATTR
        | STORE_NAME
        | DELETE_NAME
        | STORE_GLOBAL
        | DELETE_GLOBAL
        | STORE_SLICE_0..=STORE_SLICE_3
        | DELETE_SLICE_0..=DELETE_SLICE_3 => Class::Changes,
        _ => Class::Own,
    }
}

impl Machine {
    /// An instruction of the running frame has run, and the one at `next` comes next.
    pub(super) fn complete(
        &mut self,
        instruction: Instruction,
        is_stepped: bool,
        next: u32,
    ) -> Result<(), Fault> {
        let Instruction { opcode, operand, .. } = instruction;
        let effect = stack_effect(opcode, operand);
        match class(opcode) {
            Class::Takes => self.drop_values(effect.takes.saturating_sub(effect.leaves)),
            Class::Produces => {
                let value = self.value()?;
                self.drop_values((effect.takes + 1).saturating_sub(effect.leaves));
                if names::is_read(opcode) {
                    let slot = self.read_name(opcode, operand, value);
                    self.parts()?.0.stack.push(slot);
                } else {
                    self.put(value);
                }
            }
            Class::Changes => {
                self.changed()?;
                if names::is_stored(opcode) {
                    let stores = matches!(opcode, STORE_NAME | STORE_GLOBAL);
                    let top = self.parts()?.0.stack.last().copied().unwrap_or(Slot::UNKNOWN);
                    self.store_name(opcode, operand, if stores { top } else { Slot::NOTHING });
                }
                self.drop_values(effect.takes.saturating_sub(effect.leaves));
            }
            Class::Own => self.complete_own(instruction, is_stepped, next)?,
        }
        Ok(())
    }

    fn complete_own(
        &mut self,
        instruction: Instruction,
        is_stepped: bool,
        next: u32,
    ) -> Result<(), Fault> {
        let Instruction { opcode, operand, .. } = instruction;
        let index = operand as usize;
        match opcode {
            BINARY_ADD | INPLACE_ADD => self.add(next)?,
            UNPACK_SEQUENCE => {
                self.drop_values(1);
                for _ in 0..operand.max(0) {
                    let value = self.value()?;
                    self.put(value);
                }
            }
            FOR_ITER => match self.entry()? {
                Entry::Exhausted => self.drop_values(1),
                Entry::Value(value) => self.put(value),
                _ => return Err(Fault::Unexpected),
            },
            LIST_APPEND => {
                let (frame, objects) = self.parts()?;
                let value = frame.pop();
                let list = frame.stack.len().checked_sub(index).and_then(|at| frame.stack.get(at));
                if let Some(&list) = list {
                    objects.append(list.value, value.value);
                }
            }
            EXEC_STMT => {
                self.changed()?;
                self.changed()?;
                self.drop_values(3);
                self.bulk()?;
            }
            IMPORT_STAR => {
                self.drop_values(1);
                self.bulk()?;
            }
            SETUP_WITH => {
                let (exit, entered) = (self.value()?, self.value()?);
                self.drop_values(1);
                self.put(exit);
                self.parts()?.0.set_up(instruction);
                self.put(entered);
            }
            WITH_CLEANUP => self.with_cleanup()?,
            LOAD_DEREF => {
                let value = self.value()?;
                let cell = self.parts()?.0.cells.get(index).copied().unwrap_or(0);
                let mut slot = self.objects.cell(cell);
                if !self.objects.is_same(slot.value, value) {
                    // Something else has set it.
                    slot = Slot { value, origin: Origin::Made(self.now), set: 0 };
                }
                slot.value = value;
                self.set_cell(index, slot);
                self.parts()?.0.stack.push(slot);
            }
            STORE_DEREF => {
                let slot = self.parts()?.0.pop();
                let set = self.now;
                self.set_cell(index, Slot { set, ..slot });
            }
            _ => self.moves(instruction, is_stepped, next)?,
        }
        Ok(())
    }

    /// What needs nothing but the frame.
    fn moves(
        &mut self,
        instruction: Instruction,
        is_stepped: bool,
        next: u32,
    ) -> Result<(), Fault> {
        let Instruction { opcode, operand, .. } = instruction;
        let index = operand as usize;
        let set = self.now;
        let frame = self.parts()?.0;
        match opcode {
            LOAD_FAST => {
                let value = frame.locals.get(index).copied().unwrap_or(Slot::UNKNOWN);
                frame.stack.push(value);
            }
            STORE_FAST | DELETE_FAST => {
                let slot = if opcode == STORE_FAST { frame.pop() } else { Slot::NOTHING };
                if let Some(local) = frame.locals.get_mut(index) {
                    *local = Slot { set, ..slot };
                }
            }
            LOAD_CLOSURE => {
                let cell = frame.cells.get(index).copied().unwrap_or(0);
                frame.stack.push(Slot { value: Value::Cell(cell), ..Slot::UNKNOWN });
            }
            ROT_TWO => frame.rotate(2),
            ROT_THREE => frame.rotate(3),
            ROT_FOUR => frame.rotate(4),
            DUP_TOP => frame.duplicate(1),
            DUP_TOPX => frame.duplicate(index),
            POP_BLOCK => {
                if let Some(block) = frame.blocks.pop() {
                    frame.stack.truncate(block.level);
                }
            }
            SETUP_LOOP | SETUP_EXCEPT | SETUP_FINALLY => frame.set_up(instruction),
            END_FINALLY => {
                frame.pop();
            }
            POP_JUMP_IF_FALSE | POP_JUMP_IF_TRUE => {
                frame.pop();
            }
            JUMP_IF_FALSE_OR_POP | JUMP_IF_TRUE_OR_POP => {
                let jumped = match frame.outcome {
                    Some(truth) if !is_stepped => truth == (opcode == JUMP_IF_TRUE_OR_POP),
                    _ => next == operand as u32,
                };
                if !jumped {
                    frame.pop();
                }
            }
            // These do not go on to the next instruction, or 2.7 does not have them.
            _ => {}
        }
        Ok(())
    }

    /// Where two strings are added, the left one may have grown in place: the variable that is
    /// stored next was unbound before.
    fn add(&mut self, next: u32) -> Result<(), Fault> {
        let mut entry = self.entry()?;
        if entry == Entry::Unbound {
            let code = &self.parts()?.0.code;
            let store = bytecode::decode::decode(&code.code, next);
            match store {
                Some(store) if store.opcode == STORE_FAST => {
                    let frame = self.parts()?.0;
                    if let Some(local) = frame.locals.get_mut(store.operand as usize) {
                        *local = Slot::NOTHING;
                    }
                }
                Some(store) if store.opcode == STORE_DEREF => {
                    self.set_cell(store.operand as usize, Slot::NOTHING);
                }
                _ => {}
            }
            entry = self.entry()?;
        }
        let Entry::Value(sum) = entry else { return Err(Fault::Unexpected) };
        self.drop_values(2);
        self.put(sum);
        Ok(())
    }

    /// `WITH_CLEANUP` takes `__exit__` from below what says why the block was left.
    fn with_cleanup(&mut self) -> Result<(), Fault> {
        let frame = self.parts()?.0;
        let top = frame.stack.last().copied().unwrap_or(Slot::UNKNOWN);
        let below = match top.value {
            Value::None => 1,
            Value::Int(why::RETURN | why::CONTINUE) => 2,
            Value::Int(_) | Value::Bool(_) => 1,
            _ => 3,
        };
        if below == 3 {
            let swallowed = self.value()? == Value::Bool(true);
            let frame = self.parts()?.0;
            if swallowed {
                frame.drop_values(4);
                self.put(Value::None);
                return Ok(());
            }
        }
        let frame = self.parts()?.0;
        if let Some(at) = frame.stack.len().checked_sub(below + 1) {
            frame.stack.remove(at);
        }
        Ok(())
    }

    fn parts(&mut self) -> Result<(&mut Frame, &mut Objects), Fault> {
        let frame = self.frames.last_mut().ok_or(Fault::Unexpected)?;
        Ok((frame, &mut self.objects))
    }

    /// Pushes what the instruction has produced.
    fn put(&mut self, value: Value) {
        let (number, set) = (self.now, 0);
        if let Some(frame) = self.frames.last_mut() {
            let is_constant = frame.instruction().is_some_and(|at| at.opcode == LOAD_CONST);
            let origin = if is_constant { Origin::Constant(number) } else { Origin::Made(number) };
            frame.stack.push(Slot { value, origin, set });
        }
    }

    fn drop_values(&mut self, count: u32) {
        if let Some(frame) = self.frames.last_mut() {
            frame.drop_values(count as usize);
        }
    }

    fn set_cell(&mut self, index: usize, slot: Slot) {
        let cell = self.frames.last().and_then(|frame| frame.cells.get(index)).copied();
        if let Some(cell) = cell.filter(|&cell| cell != 0) {
            self.objects.set_cell(cell, slot);
        }
    }

    /// The object that an instruction may have changed.
    fn changed(&mut self) -> Result<(), Fault> {
        match self.entry()? {
            Entry::Other | Entry::Value(_) => Ok(()),
            _ => Err(Fault::Unexpected),
        }
    }

    fn bulk(&mut self) -> Result<(), Fault> {
        match self.next()? {
            Some((Entry::Locals, is_taken)) => match is_taken {
                true => Ok(()),
                false => self.take_locals(self.now),
            },
            _ => Err(Fault::Unexpected),
        }
    }
}

impl Frame {
    fn rotate(&mut self, count: usize) {
        // What is not there is not known either.
        while self.stack.len() < count {
            self.stack.insert(0, Slot::UNKNOWN);
        }
        let at = self.stack.len() - count;
        self.stack[at..].rotate_right(1);
    }

    fn duplicate(&mut self, count: usize) {
        let at = self.stack.len().saturating_sub(count);
        self.stack.extend_from_within(at..);
    }

    fn set_up(&mut self, instruction: Instruction) {
        let handler = instruction.next.wrapping_add(instruction.operand as u32);
        let level = self.stack.len();
        self.blocks.push(Block { opcode: instruction.opcode, handler, level });
    }

    /// An exception reaches the handler at an offset.
    pub(super) fn handle(&mut self, target: u32, values: [Slot; 3]) {
        while let Some(block) = self.blocks.pop() {
            self.stack.truncate(block.level);
            if block.opcode != SETUP_LOOP && block.handler == target {
                break;
            }
        }
        self.stack.extend(values);
    }

    /// `return`, `break` or `continue` leave blocks.
    pub(super) fn leave_blocks(&mut self) {
        let Some(at) = self.instruction() else { return };
        let mut retval = Slot::UNKNOWN;
        let number = self.number_of_instruction();
        let made = |value| Slot { value, origin: Origin::Made(number), set: 0 };
        let reason = match at.opcode {
            RETURN_VALUE => {
                retval = self.pop();
                why::RETURN
            }
            BREAK_LOOP => why::BREAK,
            CONTINUE_LOOP => {
                retval = made(Value::Int(at.operand.into()));
                why::CONTINUE
            }
            // `END_FINALLY` goes on with what was interrupted.
            _ => match self.pop().value {
                Value::Int(reason) => {
                    if matches!(reason, why::RETURN | why::CONTINUE) {
                        retval = self.pop();
                    }
                    reason
                }
                _ => return,
            },
        };
        while let Some(block) = self.blocks.last().copied() {
            if block.opcode == SETUP_LOOP && reason == why::CONTINUE {
                break;
            }
            self.blocks.pop();
            self.stack.truncate(block.level);
            if block.opcode == SETUP_LOOP && reason == why::BREAK {
                break;
            }
            if matches!(block.opcode, SETUP_FINALLY | SETUP_WITH) {
                if matches!(reason, why::RETURN | why::CONTINUE) {
                    self.stack.push(retval);
                }
                self.stack.push(made(Value::Int(reason)));
                break;
            }
        }
    }
}
