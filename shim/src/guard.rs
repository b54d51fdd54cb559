//! The guard: whether an instruction may run without the interpreter leaving its memory.
//!
//! Pure core: facts of a code object and of a moment in, a reason out. Raising it as a `SystemError`,
//! and asking before each instruction ([`check`]), before its bytes are read ([`fetch`]) and before an
//! exception enters a handler ([`enter`]), is left to the caller.
//!
//! `PyEval_EvalFrameEx` (`Python/ceval.c`) trusts its bytecode. The guard refuses what would make it
//! read or write beyond its memory, call through NULL, or end in a fatal error, exactly there
//! and not before; where ceval raises an exception by itself (an unknown opcode, an unbound local),
//! the guard lets it. A few things that would do no harm are refused as well, because the value
//! stack and the tables are what the code object says they are: an index beyond `co_nlocals` that
//! happens to hit a cell, a pop below the bottom that happens to hit a local, a push beyond the top
//! where ceval would have raised before pushing.
//!
//! **Jumps.** They may go to any offset of the code, its end included, where the string's NUL is
//! read as `STOP_CODE`. An operand byte is as good a target as any: whether what is read there is code
//! shows when it runs, instruction by instruction, and no earlier refusal would be right, since an
//! exception or a branch may leave the path before the fault. So obfuscators' overlapping instructions
//! pass, and a jump into what is no code is refused at the first instruction that would do
//! harm; the reason then names the instruction whose operand it is inside of. A jump that may not be
//! taken is not refused, nor is a handler that may not be entered.

mod plan;
mod rules;
mod tables;
mod unwind;

use std::fmt;

pub use plan::{Facts, Plan, fetch};
pub use unwind::enter;

use bytecode::opcode;
use bytecode::opcode::numbers::{
    BUILD_SET, DUP_TOPX, FOR_ITER, JUMP_IF_FALSE_OR_POP, JUMP_IF_TRUE_OR_POP, LIST_APPEND, MAP_ADD,
    POP_JUMP_IF_FALSE, POP_JUMP_IF_TRUE, SET_ADD,
};

/// An instruction, about to run.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// `co_code` as it is now.
    pub code: &'a [u8],
    /// Where the opcode stands; behind prefixes, where there are any.
    pub offset: usize,
    /// Where the next instruction stands.
    pub next: usize,
    /// The opcode.
    pub opcode: u8,
    /// The operand with the bits of prefixes, 0 if there is none.
    pub operand: i32,
    /// The values on the value stack.
    pub depth: usize,
    /// The block stack (`f_blockstack`), the innermost block last.
    pub blocks: &'a [Block],
}

/// A block: `PyTryBlock` in `Include/frameobject.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Block {
    /// The opcode that set it up.
    pub kind: u8,
    /// The offset to go to.
    pub handler: i32,
    /// The values that stay on the value stack.
    pub level: usize,
}

/// What ceval trusts a value to be; the first kind that fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// NULL, as failed operations leave it.
    Null,
    /// `Py_None`
    None,
    /// `Py_True` or `Py_False`
    Bool(bool),
    /// `PyInt_Check`, with `PyInt_AS_LONG`
    Int(i64),
    /// `PyString_Check`
    Str,
    /// `PyUnicode_Check`
    Unicode,
    /// `PyTuple_Check`, with its length.
    Tuple(usize),
    /// `PyDict_CheckExact`
    Dict,
    /// `PyCode_Check`, with `PyCode_GetNumFree`
    Code(usize),
    /// `PyCell_Check`
    Cell,
    /// `PyExceptionClass_Check`
    ExceptionClass,
    /// Anything else.
    Other,
}

/// What the guard asks of the frame, and only where it matters.
pub trait Frame {
    /// The value that many places below the top of the value stack; asked below `depth` only.
    fn value(&self, below_top: usize) -> Value;
    /// Whether the type of that value, which is not NULL, has `tp_iternext`.
    fn is_iterator(&self, below_top: usize) -> bool;
    /// What stands in place of a cell variable or, after those, a free variable.
    fn cell(&self, index: usize) -> Value;
    /// Whether `f_locals` is set.
    fn has_locals(&self) -> bool;
    /// Whether that value is true, where that can be told without running code of the program.
    fn truth(&self, below_top: usize) -> Option<bool>;
}

/// Why something is refused, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation(String);

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether an instruction may run. The offsets of `moment` may be anything.
pub fn check(plan: &Plan, moment: &Moment, frame: &dyn Frame) -> Result<(), Violation> {
    let found = plan
        .usable()
        .and_then(|()| plan::read(moment))
        .and_then(|()| tables::operand(plan, moment))
        .and_then(|()| depth(plan, moment, frame))
        .and_then(|()| rules::check(plan, moment, frame));
    found.map_err(|Violation(reason)| Violation(plan.located(moment.offset, reason)))
}

/// Whether a conditional jump may be made: to be asked before it is, as ceval reads where it leads to
/// at once. One that leads out of the code and may or may not be taken, depending on code of
/// the program's own, is refused.
pub fn leap(moment: &Moment, frame: &dyn Frame) -> Result<(), Violation> {
    let (target, when) = match moment.opcode {
        POP_JUMP_IF_FALSE | JUMP_IF_FALSE_OR_POP => (moment.operand.into(), Some(false)),
        POP_JUMP_IF_TRUE | JUMP_IF_TRUE_OR_POP => (moment.operand.into(), Some(true)),
        FOR_ITER => (moment.next as i64 + i64::from(moment.operand), None),
        _ => return Ok(()),
    };
    let found = plan::jump("jump to", target, moment.code);
    let is_taken = || when.is_none_or(|when| frame.truth(0).is_none_or(|truth| truth == when));
    if found.is_err() && is_taken() { found } else { Ok(()) }
}

/// Whether the value stack holds what the instruction takes, and has room for what it leaves.
fn depth(plan: &Plan, moment: &Moment, frame: &dyn Frame) -> Result<(), Violation> {
    let effect = opcode::stack_effect(moment.opcode, moment.operand);
    let (takes, leaves) = (effect.takes as usize, effect.leaves as usize);
    match moment.opcode {
        // These reach down by their operand, and a negative one reaches up.
        LIST_APPEND | SET_ADD | MAP_ADD | BUILD_SET if moment.operand < 0 => {
            return moment.refuse("the operand is negative");
        }
        DUP_TOPX if !matches!(moment.operand, 2 | 3) => {
            return moment.refuse("it duplicates 2 or 3 values");
        }
        _ => {}
    }
    if moment.depth < takes {
        return match moment.depth {
            0 => moment.refuse("the value stack is empty"),
            depth => {
                moment.refuse(&format!("it takes {takes} values, the value stack has {depth}"))
            }
        };
    }
    let after = moment.depth - takes + leaves;
    // What is too deep already is refused where it grows.
    if leaves > takes && after > plan.room() && rules::pushes(moment, frame) {
        return moment
            .refuse(&format!("the value stack is full, co_stacksize is {}", plan.stacksize()));
    }
    Ok(())
}

impl Moment<'_> {
    /// A violation that names the instruction.
    fn refuse<T>(&self, reason: &str) -> Result<T, Violation> {
        Err(Violation(format!("{}: {reason}", named(self.opcode, self.operand))))
    }
}

/// An instruction as messages name it.
fn named(number: u8, operand: i32) -> String {
    match opcode::name(number) {
        Some(name) if number >= opcode::HAVE_ARGUMENT => format!("{name} {operand}"),
        Some(name) => name.to_owned(),
        None => format!("opcode {number}"),
    }
}

/// `3 names`, `1 name`.
fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests;
