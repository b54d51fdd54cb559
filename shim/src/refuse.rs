//! Asks the guard about what the interpreter is about to do, and words its answer.
//!
//! Keeps the plan of each code object that has a number: those report their deaths.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::CString;

use crate::guard::{self, Moment, Plan, Violation};
use crate::py::{self, Frame, Guarded, PyCodeObject, PyObject, code_id_of};

struct Plans(RefCell<BTreeMap<usize, Plan>>);

// SAFETY: only touched with the GIL held, as all of the hook's state.
unsafe impl Sync for Plans {}

static PLANS: Plans = Plans(RefCell::new(BTreeMap::new()));

impl Plans {
    /// Asks the plan of a live code object.
    fn ask<T>(&self, code: *mut PyCodeObject, ask: impl FnOnce(&Plan, &[u8]) -> T) -> T {
        // SAFETY: the callers name code objects that stay alive while they are asked.
        let facts = unsafe { py::facts(code) };
        let bytes = facts.code.unwrap_or_default();
        if code_id_of(code).number() == 0 {
            return ask(&Plan::new(&facts), bytes);
        }
        let mut plans = self.0.borrow_mut();
        let plan = plans.entry(code as usize).or_insert_with(|| Plan::new(&facts));
        ask(plan, bytes)
    }
}

/// A code object dies.
pub fn forget(code: *const PyCodeObject) {
    PLANS.0.borrow_mut().remove(&(code as usize));
}

/// Why an instruction may not run.
pub fn instruction(
    frame: Frame,
    opcode: u8,
    operand: i32,
    next: *const u8,
    stack: *const *mut PyObject,
) -> Option<CString> {
    let next = frame.offset(next);
    let guarded = Guarded::new(frame, stack);
    let blocks = frame.blocks();
    let result = PLANS.ask(frame.code_address(), |plan, code| {
        let has_operand = opcode >= bytecode::opcode::HAVE_ARGUMENT;
        // Behind a prefix two bytes are taken, operand or not.
        let is_prefixed = next.wrapping_sub(1) != frame.lasti() as usize;
        let width = if has_operand || is_prefixed { 3 } else { 1 };
        let offset = next.wrapping_sub(width);
        let depth = guarded.depth();
        let moment = Moment { code, offset, next, opcode, operand, depth, blocks: &blocks };
        (
            offset,
            guard::check(plan, &moment, &guarded).and_then(|()| guard::leap(&moment, &guarded)),
        )
    });
    let (offset, result) = result;
    message(&frame, offset as i64, result)
}

/// Why the instruction at an offset may not be read.
pub fn fetch(frame: Frame, offset: i32) -> Option<CString> {
    let result = PLANS.ask(frame.code_address(), |_, code| guard::fetch(code, offset.into()));
    message(&frame, offset.into(), result)
}

/// Why the innermost handler may not be entered.
pub fn handler(frame: Frame, depth: usize) -> Option<CString> {
    let block = *frame.blocks().last()?;
    let result =
        PLANS.ask(frame.code_address(), |plan, code| guard::enter(plan, code, depth, block));
    message(&frame, frame.lasti().into(), result)
}

/// Why a code object may not be called.
///
/// # Safety
///
/// It must stay alive for the call.
pub unsafe fn call(code: *mut PyCodeObject, cells: Option<usize>) -> Option<CString> {
    let result = PLANS.ask(code, |plan, _| {
        plan.usable().and_then(|()| cells.map_or(Ok(()), |cells| plan.closed_by(cells)))
    });
    // SAFETY: alive by the contract of this function.
    let name = unsafe { py::name_of(code) };
    worded(name, 0, result)
}

fn message(frame: &Frame, offset: i64, result: Result<(), Violation>) -> Option<CString> {
    // SAFETY: a live frame owns its code object.
    let name = unsafe { py::name_of(frame.code_address()) };
    worded(name, offset, result)
}

fn worded(name: &[u8], offset: i64, result: Result<(), Violation>) -> Option<CString> {
    let violation = result.err()?;
    let mut text = name.to_vec();
    text.extend_from_slice(format!(", offset {offset}: {violation}").as_bytes());
    // The message of an exception made in C ends at a NUL.
    text.retain(|&byte| byte != 0);
    CString::new(text).ok()
}
