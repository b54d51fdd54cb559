//! Asks the guard about what the interpreter is about to do, and words its answer.
//!
//! Keeps the plan of each code object that has a number: those report their deaths.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::CString;

use crate::guard::{self, Moment, Plan, Violation};
use crate::py::{self, Frame, Gil, GilCell, Guarded, PyCodeObject, PyObject};

static PLANS: GilCell<RefCell<BTreeMap<usize, Plan>>> = GilCell::new(RefCell::new(BTreeMap::new()));

/// Asks the plan of a code object.
///
/// # Safety
///
/// It must stay alive for the call.
unsafe fn ask<T>(gil: Gil, code: *mut PyCodeObject, ask: impl FnOnce(&Plan, &[u8]) -> T) -> T {
    // SAFETY: alive by the contract of this function.
    let (facts, id) = unsafe { (py::facts(code), py::code_id_of(code)) };
    let bytes = facts.code.unwrap_or_default();
    if id.number() == 0 {
        return ask(&Plan::new(&facts), bytes);
    }
    let mut plans = PLANS.get(gil).borrow_mut();
    let plan = plans.entry(code as usize).or_insert_with(|| Plan::new(&facts));
    ask(plan, bytes)
}

/// Asks the plan of a frame's code object.
fn ask_of<T>(frame: Frame, body: impl FnOnce(&Plan, &[u8]) -> T) -> T {
    // SAFETY: a live frame owns its code object.
    unsafe { ask(frame.gil(), frame.code_address(), body) }
}

/// A code object dies.
pub fn forget(gil: Gil, code: *const PyCodeObject) {
    PLANS.get(gil).borrow_mut().remove(&(code as usize));
}

/// Why an instruction may not run.
///
/// # Safety
///
/// `stack` must be the evaluation loop's `stack_pointer` in the frame.
pub unsafe fn instruction(
    frame: Frame,
    opcode: u8,
    operand: i32,
    next: *const u8,
    stack: *const *mut PyObject,
) -> Option<CString> {
    let next = frame.offset(next);
    // SAFETY: the evaluation loop's stack pointer, by the contract of this function.
    let guarded = unsafe { Guarded::new(frame, stack) };
    let blocks = frame.blocks();
    let result = ask_of(frame, |plan, code| {
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
    let result = ask_of(frame, |_, code| guard::fetch(code, offset.into()));
    message(&frame, offset.into(), result)
}

/// Why the innermost handler may not be entered.
pub fn handler(frame: Frame, depth: usize) -> Option<CString> {
    let block = *frame.blocks().last()?;
    let result = ask_of(frame, |plan, code| guard::enter(plan, code, depth, block));
    message(&frame, frame.lasti().into(), result)
}

/// Why a code object may not be called.
///
/// # Safety
///
/// It must stay alive for the call.
pub unsafe fn call(gil: Gil, code: *mut PyCodeObject, cells: Option<usize>) -> Option<CString> {
    let usable = |plan: &Plan, _: &[u8]| {
        plan.usable().and_then(|()| cells.map_or(Ok(()), |cells| plan.closed_by(cells)))
    };
    // SAFETY: alive by the contract of this function.
    let result = unsafe { ask(gil, code, usable) };
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
