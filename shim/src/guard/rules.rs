//! What single opcodes trust beyond the depth of the stack: which values are not NULL, what they
//! are, where control goes.

use std::ops::Range;

use bytecode::opcode::numbers::{
    BINARY_ADD, BREAK_LOOP, BUILD_LIST, BUILD_SLICE, BUILD_TUPLE, CALL_FUNCTION, CALL_FUNCTION_KW,
    CALL_FUNCTION_VAR, CALL_FUNCTION_VAR_KW, CONTINUE_LOOP, DELETE_SLICE_0, DELETE_SLICE_3,
    END_FINALLY, EXEC_STMT, FOR_ITER, IMPORT_STAR, INPLACE_ADD, JUMP_ABSOLUTE, JUMP_FORWARD,
    JUMP_IF_FALSE_OR_POP, JUMP_IF_TRUE_OR_POP, LIST_APPEND, LOAD_CLOSURE, LOAD_DEREF, MAKE_CLOSURE,
    MAKE_FUNCTION, MAP_ADD, POP_BLOCK, POP_JUMP_IF_FALSE, POP_JUMP_IF_TRUE, PRINT_ITEM_TO,
    PRINT_NEWLINE_TO, RAISE_VARARGS, RETURN_VALUE, ROT_FOUR, ROT_THREE, ROT_TWO, SET_ADD,
    SETUP_EXCEPT, SETUP_FINALLY, SETUP_LOOP, SETUP_WITH, SLICE_0, SLICE_3, STORE_DEREF, STORE_FAST,
    STORE_MAP, STORE_NAME, STORE_SLICE_0, STORE_SLICE_3, UNPACK_SEQUENCE, WITH_CLEANUP,
    YIELD_VALUE,
};
use bytecode::opcode::stack_effect;

use super::unwind::{
    WHY_BREAK, WHY_CONTINUE, WHY_EXCEPTION, WHY_NOT, WHY_RERAISE, WHY_RETURN, WHY_YIELD, unwind,
};
use super::{Frame, Moment, Plan, Value, Violation, counted, plan, tables};

/// `CO_MAXBLOCKS` in `Include/code.h`; beyond it is a fatal error (`PyFrame_BlockSetup`).
const CO_MAXBLOCKS: usize = 20;

/// Whether an instruction that leaves more values than it takes can get so far as to do so.
pub(super) fn pushes(moment: &Moment, frame: &dyn Frame) -> bool {
    match moment.opcode {
        // `PyTuple_New` and `PyList_New` refuse a negative size.
        BUILD_TUPLE | BUILD_LIST => moment.operand >= 0,
        UNPACK_SEQUENCE => !yields_nothing(frame.value(0)),
        _ => true,
    }
}

/// The rules of the opcode. The operand is in range, and the stack as deep as it must be.
pub(super) fn check(plan: &Plan, moment: &Moment, frame: &dyn Frame) -> Result<(), Violation> {
    for below_top in not_null(moment) {
        present(moment, frame, below_top)?;
    }
    match moment.opcode {
        JUMP_FORWARD | JUMP_ABSOLUTE => jump(moment),
        POP_JUMP_IF_FALSE | JUMP_IF_FALSE_OR_POP if truth(frame) == Some(false) => jump(moment),
        POP_JUMP_IF_TRUE | JUMP_IF_TRUE_OR_POP if truth(frame) == Some(true) => jump(moment),
        SETUP_LOOP | SETUP_EXCEPT | SETUP_FINALLY | SETUP_WITH
            if moment.blocks.len() >= CO_MAXBLOCKS =>
        {
            moment.refuse(&format!("the block stack is full, it has room for {CO_MAXBLOCKS}"))
        }
        POP_BLOCK => pop_block(moment, frame),
        RETURN_VALUE => unwind(plan, moment, moment.depth - 1, WHY_RETURN, Some(frame.value(0))),
        BREAK_LOOP => unwind(plan, moment, moment.depth, WHY_BREAK, None),
        CONTINUE_LOOP => {
            let target = Value::Int(moment.operand.into());
            unwind(plan, moment, moment.depth, WHY_CONTINUE, Some(target))
        }
        END_FINALLY => end_finally(plan, moment, frame),
        WITH_CLEANUP => with_cleanup(moment, frame),
        FOR_ITER if !frame.is_iterator(0) => moment.refuse("the value on top is no iterator"),
        UNPACK_SEQUENCE if moment.operand < 0 => unpack_backwards(moment, frame),
        LIST_APPEND | SET_ADD => present(moment, frame, moment.operand as usize).map(|_| ()),
        MAP_ADD => dict(plan, moment, frame, 1 + moment.operand as usize),
        STORE_MAP => dict(plan, moment, frame, 2),
        MAKE_FUNCTION | MAKE_CLOSURE => make_function(moment, frame),
        CALL_FUNCTION | CALL_FUNCTION_VAR | CALL_FUNCTION_KW | CALL_FUNCTION_VAR_KW => {
            call(moment, frame)
        }
        LOAD_CLOSURE | LOAD_DEREF | STORE_DEREF
            if frame.cell(moment.operand as usize) == Value::Null =>
        {
            moment.refuse("the cell is NULL")
        }
        IMPORT_STAR => locals_are_cells(plan, moment, frame),
        // `exec_statement` makes the dict of locals where neither globals nor locals are given;
        // a tuple may give them.
        EXEC_STMT
            if [frame.value(0), frame.value(1)] == [Value::None; 2]
                && !matches!(frame.value(2), Value::Tuple(2 | 3)) =>
        {
            locals_are_cells(plan, moment, frame)
        }
        BINARY_ADD | INPLACE_ADD if [frame.value(0), frame.value(1)] == [Value::Str; 2] => {
            next_of_concatenation(plan, moment, frame)
        }
        _ => Ok(()),
    }
}

/// The values, counted from the top, that must not be NULL.
fn not_null(moment: &Moment) -> Range<usize> {
    let takes = stack_effect(moment.opcode, moment.operand).takes as usize;
    match moment.opcode {
        // These move it, or hand it on as something that is missing.
        ROT_TWO | ROT_THREE | ROT_FOUR | STORE_FAST | RETURN_VALUE | YIELD_VALUE
        | RAISE_VARARGS | PRINT_NEWLINE_TO => 0..0,
        // Bounds, a step and a stream may be missing; what is below may not.
        SLICE_0..=SLICE_3 | DELETE_SLICE_0..=DELETE_SLICE_3 => takes - 1..takes,
        STORE_SLICE_0..=STORE_SLICE_3 | BUILD_SLICE => takes - 2..takes,
        PRINT_ITEM_TO => 1..2,
        // What is further down has its own rule.
        LIST_APPEND | SET_ADD | WITH_CLEANUP => 0..1,
        MAP_ADD => 0..2,
        _ => 0..takes,
    }
}

/// A value that must not be NULL.
fn present(moment: &Moment, frame: &dyn Frame, below_top: usize) -> Result<Value, Violation> {
    match frame.value(below_top) {
        Value::Null if below_top == 0 => moment.refuse("the value on top is NULL"),
        Value::Null => moment.refuse(&format!("value {} from the top is NULL", below_top + 1)),
        value => Ok(value),
    }
}

/// A value that an assertion takes for a dict; without it `PyDict_SetItem` looks.
fn dict(
    plan: &Plan,
    moment: &Moment,
    frame: &dyn Frame,
    below_top: usize,
) -> Result<(), Violation> {
    match present(moment, frame, below_top)? {
        Value::Dict => Ok(()),
        _ if plan.asserts => {
            moment.refuse(&format!("value {} from the top is no dict", below_top + 1))
        }
        _ => Ok(()),
    }
}

fn jump(moment: &Moment) -> Result<(), Violation> {
    let from = if moment.opcode == JUMP_FORWARD { moment.next as i64 } else { 0 };
    plan::jump("jump to", from + i64::from(moment.operand), moment.code)
}

/// The truth of the value on top, where no code has to run to know it.
fn truth(frame: &dyn Frame) -> Option<bool> {
    match frame.value(0) {
        Value::Bool(truth) => Some(truth),
        Value::None => Some(false),
        _ => None,
    }
}

fn pop_block(moment: &Moment, frame: &dyn Frame) -> Result<(), Violation> {
    let Some(block) = moment.blocks.last() else {
        return moment.refuse("the block stack is empty");
    };
    for below_top in 0..moment.depth.saturating_sub(block.level) {
        present(moment, frame, below_top)?;
    }
    Ok(())
}

/// An int on top is taken for a `why_code`, of which two have a value below; an exception for
/// the first of three.
fn end_finally(plan: &Plan, moment: &Moment, frame: &dyn Frame) -> Result<(), Violation> {
    let why = match frame.value(0) {
        // The enumeration has the width of an unsigned int.
        Value::Int(why) => why as u32,
        Value::Bool(why) => why.into(),
        Value::ExceptionClass | Value::Str => return holds(moment, 3),
        _ => return Ok(()),
    };
    match why {
        WHY_NOT | WHY_EXCEPTION | WHY_RERAISE => Ok(()),
        WHY_RETURN | WHY_CONTINUE => {
            holds(moment, 2)?;
            unwind(plan, moment, moment.depth - 2, why, Some(frame.value(1)))
        }
        WHY_YIELD if plan.asserts => moment.refuse("64 is no reason to unwind"),
        _ => unwind(plan, moment, moment.depth - 1, why, None),
    }
}

/// `__exit__` stands below what says how the block was left: 1 to 3 values.
fn with_cleanup(moment: &Moment, frame: &dyn Frame) -> Result<(), Violation> {
    let above = match frame.value(0) {
        Value::None => 1,
        Value::Int(why) if [WHY_RETURN, WHY_CONTINUE].map(i64::from).contains(&why) => 2,
        Value::Int(_) | Value::Bool(_) => 1,
        _ => 3,
    };
    holds(moment, above + 1)?;
    // The value that `return` carries may be NULL, the exception's are used.
    for below_top in if above == 2 { 2..3 } else { 1..above + 1 } {
        present(moment, frame, below_top)?;
    }
    Ok(())
}

fn holds(moment: &Moment, takes: usize) -> Result<(), Violation> {
    match moment.depth {
        depth if depth >= takes => Ok(()),
        depth => moment.refuse(&format!("it takes {takes} values, the value stack has {depth}")),
    }
}

/// With nothing to unpack, a negative number of values is dropped.
fn unpack_backwards(moment: &Moment, frame: &dyn Frame) -> Result<(), Violation> {
    let drops = moment.operand.unsigned_abs() as usize;
    let may_be_empty = match frame.value(0) {
        Value::Tuple(length) => length == 0,
        value => !yields_nothing(value),
    };
    if drops < moment.depth || !may_be_empty {
        return Ok(());
    }
    moment.refuse(&format!("it drops {drops} values, the value stack has {}", moment.depth))
}

/// Whether iterating over it fails, or ends at once.
fn yields_nothing(value: Value) -> bool {
    use Value::{Bool, Cell, Code, Int, None, Tuple};
    matches!(value, None | Bool(_) | Int(_) | Code(_) | Cell | Tuple(0))
}

/// `PyFunction_New` takes what is on top for a code object, and whoever calls the function reads as
/// many cells from its closure as that has free variables.
fn make_function(moment: &Moment, frame: &dyn Frame) -> Result<(), Violation> {
    let Value::Code(free) = frame.value(0) else {
        return moment.refuse("the value on top is no code object");
    };
    let cells = match frame.value(usize::from(moment.opcode == MAKE_CLOSURE)) {
        Value::Tuple(length) => length,
        Value::Code(_) | Value::None => 0,
        // `PyFunction_SetClosure` refuses it.
        _ => return Ok(()),
    };
    if cells >= free {
        return Ok(());
    }
    let free = counted(free, "free variable");
    moment.refuse(&format!(
        "the code object on top has {free}, the closure {}",
        counted(cells, "cell")
    ))
}

/// Of a keyword that is given twice, `update_keyword_args` prints the text, if it has one or not.
fn call(moment: &Moment, frame: &dyn Frame) -> Result<(), Violation> {
    let keywords = (moment.operand >> 8 & 0xff) as usize;
    let flags = usize::from(moment.opcode - CALL_FUNCTION);
    let stars = (flags & 1) + (flags >> 1 & 1);
    let keys = (0..keywords).map(|pair| frame.value(stars + 2 * pair + 1));
    let odd: Vec<Value> = keys.filter(|key| !matches!(key, Value::Str | Value::Unicode)).collect();
    // Kinds that are alike may be the same; a dict may hold any key.
    let repeated = odd.iter().enumerate().any(|(at, key)| odd[..at].contains(key));
    if repeated || (flags >> 1 & 1 == 1 && !odd.is_empty()) {
        return moment.refuse("a keyword that is no string may be given twice");
    }
    Ok(())
}

/// `PyFrame_FastToLocals` reads what is in the cells, unlooked.
fn locals_are_cells(plan: &Plan, moment: &Moment, frame: &dyn Frame) -> Result<(), Violation> {
    match (0..plan.read_by_locals).find(|&index| frame.cell(index) != Value::Cell) {
        Some(index) => moment.refuse(&format!("what stands for cell variable {index} is no cell")),
        None => Ok(()),
    }
}

/// `string_concatenate` looks at the next instruction, without its prefix, and may empty what
/// that would store to.
fn next_of_concatenation(plan: &Plan, moment: &Moment, frame: &dyn Frame) -> Result<(), Violation> {
    let byte =
        |place: usize| moment.code.get(moment.next.saturating_add(place)).copied().unwrap_or(0);
    let next = Moment {
        offset: moment.next,
        next: moment.next.saturating_add(3),
        opcode: byte(0),
        operand: i32::from(byte(1)) | i32::from(byte(2)) << 8,
        ..*moment
    };
    let found = match next.opcode {
        STORE_FAST | STORE_DEREF | STORE_NAME => plan::read(&next)
            .and_then(|()| tables::operand(plan, &next))
            .and_then(|()| match next.opcode {
                STORE_NAME if !frame.has_locals() => next.refuse("there are no locals"),
                STORE_DEREF if frame.cell(next.operand as usize) != Value::Cell => {
                    next.refuse("there is no cell")
                }
                _ => Ok(()),
            }),
        _ => Ok(()),
    };
    found.or_else(|Violation(reason)| moment.refuse(&format!("it looks ahead: {reason}")))
}
