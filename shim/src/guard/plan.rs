//! What is known once about a code object, and which of its bytes may be read as instructions.

use bytecode::decode::decode;
use bytecode::opcode::numbers::{
    BREAK_LOOP, CONTINUE_LOOP, JUMP_ABSOLUTE, JUMP_FORWARD, RAISE_VARARGS, RETURN_VALUE,
};
use bytecode::opcode::{EXTENDED_ARG, HAVE_ARGUMENT, Operand, name, operand};

use super::{Moment, Violation, counted, named};

/// `CO_OPTIMIZED` in `Include/code.h`.
const CO_OPTIMIZED: u32 = 1;
/// `CO_VARARGS`
const CO_VARARGS: u32 = 4;
/// `CO_VARKEYWORDS`
const CO_VARKEYWORDS: u32 = 8;

/// A code object.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts<'a> {
    /// `co_code`; `None` if it is no string, as marshalled code objects can have it.
    pub code: Option<&'a [u8]>,
    /// The length of `co_consts`.
    pub consts: usize,
    /// The length of `co_names`.
    pub names: usize,
    /// `co_nlocals`
    pub locals: usize,
    /// The length of `co_cellvars`.
    pub cellvars: usize,
    /// The length of `co_freevars`.
    pub freevars: usize,
    /// `co_stacksize`
    pub stacksize: i32,
    /// `co_argcount`
    pub argcount: usize,
    /// `co_flags`
    pub flags: u32,
    /// Whether the interpreter is built with assertions (`Py_DEBUG`), which end the process.
    pub asserts: bool,
}

/// What [`check`](super::check) needs to know of a code object. Keeps nothing of it alive.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(super) consts: usize,
    pub(super) names: usize,
    pub(super) locals: usize,
    pub(super) cellvars: usize,
    pub(super) freevars: usize,
    /// Cells that `PyFrame_FastToLocals` reads.
    pub(super) read_by_locals: usize,
    pub(super) asserts: bool,
    stacksize: i32,
    fault: Option<Violation>,
    /// For each offset the width of the instruction that the code object can reach there, 0
    /// where it reaches none.
    widths: Vec<u8>,
}

impl Plan {
    /// Analyses a code object.
    pub fn new(facts: &Facts) -> Plan {
        let optimized = facts.flags & CO_OPTIMIZED != 0;
        Plan {
            consts: facts.consts,
            names: facts.names,
            locals: facts.locals,
            cellvars: facts.cellvars,
            freevars: facts.freevars,
            read_by_locals: facts.cellvars + if optimized { facts.freevars } else { 0 },
            asserts: facts.asserts,
            stacksize: facts.stacksize,
            fault: fault(facts),
            widths: reach(facts.code.unwrap_or_default()),
        }
    }

    /// Whether a frame of the code object is sound at all. What is not has done its harm by the time
    /// the first instruction runs (`PyEval_EvalCodeEx` has stored the arguments): ask before that
    /// where it can be done. [`check`](super::check) asks it too.
    pub fn usable(&self) -> Result<(), Violation> {
        self.fault.clone().map_or(Ok(()), Err)
    }

    /// Whether a call with so many cells in its closure finds all free variables: `PyEval_EvalCodeEx` reads
    /// them unlooked, for a program or module that has some too.
    pub fn closed_by(&self, cells: usize) -> Result<(), Violation> {
        if self.freevars <= cells {
            return Ok(());
        }
        let (free, cells) = (counted(self.freevars, "free variable"), counted(cells, "cell"));
        Err(Violation(format!("the code object has {free}, the closure {cells}")))
    }

    /// Values that a frame has room for. `PyFrameObject` declares one slot of `f_localsplus`, and
    /// `PyFrame_New` adds `co_stacksize` to it: one value more than the code object asks for does no
    /// harm, unless an assertion says so.
    pub fn room(&self) -> usize {
        usize::try_from(i64::from(self.stacksize) + i64::from(!self.asserts)).unwrap_or(0)
    }

    pub(super) fn stacksize(&self) -> i32 {
        self.stacksize
    }

    /// Adds to a reason what the bytes at `offset` are otherwise.
    pub(super) fn located(&self, offset: usize, reason: String) -> String {
        for start in offset.saturating_sub(2)..offset {
            let width = usize::from(self.widths.get(start).copied().unwrap_or(0));
            if start + width > offset {
                return format!("{reason}; the offset is inside the instruction at {start}");
            }
        }
        reason
    }
}

/// Whether the instruction at `offset` may be read: to be asked before ceval reads it.
pub fn fetch(code: &[u8], offset: i64) -> Result<(), Violation> {
    let inside = usize::try_from(offset).ok().filter(|&offset| offset <= code.len());
    let Some(offset) = inside else {
        return Err(Violation(format!("the code object has {}", bytes(code))));
    };
    // The string's NUL may be read as well, as an opcode or as the end of an operand.
    let opcode = code.get(offset).copied().unwrap_or(0);
    if opcode >= HAVE_ARGUMENT && offset + 2 > code.len() {
        return Err(operand_missing(code, opcode));
    }
    Ok(())
}

/// The same once the instruction has been read, and for what `EXTENDED_ARG` will read.
pub(super) fn read(moment: &Moment) -> Result<(), Violation> {
    let (code, end) = (moment.code, moment.code.len() + 1);
    if moment.offset >= end {
        return fetch(code, moment.offset as i64);
    }
    if moment.next > end {
        return Err(operand_missing(code, moment.opcode));
    }
    // With its two bytes of operand, which any opcode has there.
    if moment.opcode == EXTENDED_ARG && moment.next.saturating_add(3) > end {
        return moment.refuse(&format!("it prefixes nothing, the code object has {}", bytes(code)));
    }
    Ok(())
}

/// Whether a jump to `target`, which the reason calls `what`, stays in the code.
pub(super) fn jump(what: &str, target: i64, code: &[u8]) -> Result<(), Violation> {
    if usize::try_from(target).is_ok_and(|target| target <= code.len()) {
        return Ok(());
    }
    Err(Violation(format!("{what} {target}: the code object has {}", bytes(code))))
}

fn operand_missing(code: &[u8], opcode: u8) -> Violation {
    let name = name(opcode).map_or_else(|| named(opcode, 0), str::to_owned);
    Violation(format!("{name}: the code object has {}, its operand is beyond them", bytes(code)))
}

fn bytes(code: &[u8]) -> String {
    counted(code.len(), "byte")
}

/// What makes a frame unsound from the start.
fn fault(facts: &Facts) -> Option<Violation> {
    let extra = [CO_VARARGS, CO_VARKEYWORDS].iter().filter(|&flag| facts.flags & flag != 0).count();
    if facts.code.is_none() {
        return Some(Violation("co_code is no string".to_owned()));
    }
    if facts.argcount.saturating_add(extra) > facts.locals {
        let arguments = counted(facts.argcount.saturating_add(extra), "argument");
        let locals = counted(facts.locals, "local");
        return Some(Violation(format!("the code object has {arguments} and {locals}")));
    }
    // `PyFrame_New` adds the two as ints.
    let slots =
        i32::try_from(facts.locals).ok().and_then(|locals| locals.checked_add(facts.stacksize));
    if slots.is_none() || i64::from(facts.stacksize) + i64::from(!facts.asserts) < 0 {
        let (locals, stacksize) = (facts.locals, facts.stacksize);
        return Some(Violation(format!("co_nlocals is {locals}, co_stacksize {stacksize}")));
    }
    None
}

/// The instructions that the code can reach from its start, if every jump and handler is taken.
fn reach(code: &[u8]) -> Vec<u8> {
    let mut widths = vec![0; code.len()];
    let mut from = vec![0];
    while let Some(mut offset) = from.pop() {
        while offset < code.len() && widths[offset] == 0 {
            // Its operand, or that of a prefix, which lies beyond the end.
            widths[offset] = 3;
            let Some(at) = decode(code, offset as u32) else { break };
            for prefix in 0..at.prefixes as usize {
                widths[offset + 3 * prefix] = 3;
            }
            widths[at.offset as usize] = (at.next - at.offset) as u8;
            offset = at.next as usize;
            let target = match operand(at.opcode) {
                Operand::JumpAbsolute => Some(i64::from(at.operand)),
                Operand::JumpRelative => Some(i64::from(at.next) + i64::from(at.operand)),
                _ => None,
            };
            let target = target.and_then(|target| usize::try_from(target).ok());
            from.extend(target.filter(|&target| target < code.len() && widths[target] == 0));
            match at.opcode {
                RETURN_VALUE | JUMP_ABSOLUTE | JUMP_FORWARD | CONTINUE_LOOP | BREAK_LOOP
                | RAISE_VARARGS => break,
                _ if name(at.opcode).is_none_or(|name| name == "STOP_CODE") => break,
                _ => {}
            }
        }
    }
    widths
}
