//! The way out through the block stack (`fast_block_end` in `PyEval_EvalFrameEx`).

use bytecode::opcode::numbers::{SETUP_EXCEPT, SETUP_FINALLY, SETUP_LOOP, SETUP_WITH};

use super::{Block, Moment, Plan, Value, Violation, plan};

/// `WHY_NOT`, nothing to unwind for; these are `enum why_code` in `Python/ceval.c`.
pub(super) const WHY_NOT: u32 = 1;
pub(super) const WHY_EXCEPTION: u32 = 2;
pub(super) const WHY_RERAISE: u32 = 4;
pub(super) const WHY_RETURN: u32 = 8;
pub(super) const WHY_BREAK: u32 = 16;
pub(super) const WHY_CONTINUE: u32 = 32;
pub(super) const WHY_YIELD: u32 = 64;

/// Values that an exception brings along: traceback, value, type.
const EXCEPTION: usize = 3;

/// Whether an exception may enter the handler of `block`, the innermost one, with `depth` values on the
/// value stack. To be asked when it is about to, as only then it is known that it will: the
/// violation, raised in its place, goes on to the next block.
pub fn enter(plan: &Plan, code: &[u8], depth: usize, block: Block) -> Result<(), Violation> {
    match block.kind {
        SETUP_EXCEPT | SETUP_FINALLY | SETUP_WITH => {
            arrive(plan, code, depth.min(block.level), block, EXCEPTION)
        }
        _ => Ok(()),
    }
}

/// Whether the block stack may be unwound for anything but an exception: `why` with `depth` values on the
/// value stack, and with the value that `return` and `continue` carry.
pub(super) fn unwind(
    plan: &Plan,
    moment: &Moment,
    mut depth: usize,
    why: u32,
    carried: Option<Value>,
) -> Result<(), Violation> {
    for &block in moment.blocks.iter().rev() {
        if block.kind == SETUP_LOOP && why == WHY_CONTINUE {
            return match carried {
                Some(Value::Int(target)) => plan::jump("continue to", target, moment.code),
                Some(Value::Bool(target)) => plan::jump("continue to", target.into(), moment.code),
                _ => moment.refuse("the target of `continue` is no int"),
            };
        }
        depth = depth.min(block.level);
        if block.kind == SETUP_LOOP && why == WHY_BREAK {
            return plan::jump("break to", block.handler.into(), moment.code);
        }
        if matches!(block.kind, SETUP_FINALLY | SETUP_WITH) {
            let carries = why & (WHY_RETURN | WHY_CONTINUE) != 0;
            if carries && carried.is_none() {
                return moment.refuse(&format!("{why} is no reason to unwind"));
            }
            return arrive(plan, moment.code, depth, block, if carries { 2 } else { 1 });
        }
    }
    Ok(())
}

/// Whether a handler that is given so many values may be gone to.
fn arrive(
    plan: &Plan,
    code: &[u8],
    depth: usize,
    block: Block,
    values: usize,
) -> Result<(), Violation> {
    plan::jump("handler at", block.handler.into(), code)?;
    if depth + values <= plan.room() {
        return Ok(());
    }
    let (handler, stacksize) = (block.handler, plan.stacksize());
    Err(Violation(format!(
        "handler at {handler}: the value stack is full, it is given {values} on top of {depth}, \
         co_stacksize is {stacksize}"
    )))
}
