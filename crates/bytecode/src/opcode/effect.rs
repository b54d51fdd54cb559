//! What an instruction does to the value stack, as `PyEval_EvalFrameEx` does it.
//!
//! What exceptions, `return`, `break` and `continue` do on their way through the block stack is
//! not here, nor what a handler is given.

use super::TABLE;
use super::numbers::{
    BUILD_LIST, BUILD_SET, BUILD_SLICE, BUILD_TUPLE, CALL_FUNCTION, CALL_FUNCTION_KW,
    CALL_FUNCTION_VAR, CALL_FUNCTION_VAR_KW, DUP_TOPX, FOR_ITER, JUMP_IF_FALSE_OR_POP,
    JUMP_IF_TRUE_OR_POP, LIST_APPEND, MAKE_CLOSURE, MAKE_FUNCTION, MAP_ADD, RAISE_VARARGS, SET_ADD,
    UNPACK_SEQUENCE,
};

/// Values on the value stack, before and after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// Values that must be there, from the top down.
    pub takes: u32,
    /// Values that stand in their place if all goes well and the next instruction follows.
    pub leaves: u32,
    /// The same if it jumps.
    pub jumped: u32,
}

/// The effect of an instruction; an unknown opcode has none.
///
/// Where it depends on the values themselves it is the least: `END_FINALLY` takes 1, 2 or 3,
/// `WITH_CLEANUP` 2, 3 or 4 and leaves one fewer. `YIELD_VALUE` leaves what is sent. A negative operand
/// counts as 0.
pub const fn stack_effect(opcode: u8, operand: i32) -> Effect {
    let (takes, leaves) = FIXED[opcode as usize];
    let (takes, leaves) = (takes as u32, leaves as u32);
    let n = if operand < 0 { 0 } else { operand as u32 };
    let (takes, leaves) = match opcode {
        BUILD_TUPLE | BUILD_LIST | BUILD_SET | MAKE_FUNCTION | MAKE_CLOSURE => (takes + n, leaves),
        LIST_APPEND | SET_ADD | MAP_ADD => (takes + n, n),
        UNPACK_SEQUENCE => (takes, n),
        // Any other operand is a fatal error there.
        DUP_TOPX if n == 2 || n == 3 => (n, 2 * n),
        // Any other operand is refused there before anything is taken.
        RAISE_VARARGS if n <= 3 => (n, 0),
        BUILD_SLICE => (if operand == 3 { 3 } else { 2 }, leaves),
        CALL_FUNCTION | CALL_FUNCTION_VAR | CALL_FUNCTION_KW | CALL_FUNCTION_VAR_KW => {
            let (positional, keywords) = (operand & 0xff, operand >> 8 & 0xff);
            (takes + positional as u32 + 2 * keywords as u32, leaves)
        }
        _ => (takes, leaves),
    };
    let jumped = match opcode {
        FOR_ITER => 0,
        JUMP_IF_FALSE_OR_POP | JUMP_IF_TRUE_OR_POP => 1,
        _ => leaves,
    };
    Effect { takes, leaves, jumped }
}

const FIXED: [(u8, u8); 256] = {
    let mut fixed = [(0, 0); 256];
    let mut row = 0;
    while row < TABLE.len() {
        fixed[TABLE[row].0 as usize] = (TABLE[row].3, TABLE[row].4);
        row += 1;
    }
    fixed
};

#[cfg(test)]
mod tests {
    use super::super::{by_name, name};
    use super::*;

    #[track_caller]
    fn effect(name: &str, operand: i32) -> (u32, u32, u32) {
        let Effect { takes, leaves, jumped } = stack_effect(by_name(name).unwrap(), operand);
        (takes, leaves, jumped)
    }

    #[test]
    fn operands_count() {
        assert_eq!(effect("POP_TOP", 7), (1, 0, 0));
        assert_eq!(effect("BUILD_LIST", 3), (3, 1, 1));
        assert_eq!(effect("BUILD_TUPLE", -1), (0, 1, 1));
        assert_eq!(effect("BUILD_MAP", 9), (0, 1, 1));
        assert_eq!(effect("UNPACK_SEQUENCE", 4), (1, 4, 4));
        assert_eq!(effect("DUP_TOPX", 3), (3, 6, 6));
        assert_eq!(effect("LIST_APPEND", 2), (3, 2, 2));
        assert_eq!(effect("MAP_ADD", 2), (4, 2, 2));
        assert_eq!(effect("RAISE_VARARGS", 2), (2, 0, 0));
        assert_eq!(effect("RAISE_VARARGS", 4), (0, 0, 0));
        assert_eq!((effect("BUILD_SLICE", 2), effect("BUILD_SLICE", 3)), ((2, 1, 1), (3, 1, 1)));
        assert_eq!(effect("MAKE_CLOSURE", 1), (3, 1, 1));
    }

    #[test]
    fn calls_take_the_callable_and_two_bytes_of_counts() {
        assert_eq!(effect("CALL_FUNCTION", 0x0102), (5, 1, 1));
        assert_eq!(effect("CALL_FUNCTION", 0x10001), (2, 1, 1));
        assert_eq!(effect("CALL_FUNCTION_VAR", 1), (3, 1, 1));
        assert_eq!(effect("CALL_FUNCTION_KW", 1), (3, 1, 1));
        assert_eq!(effect("CALL_FUNCTION_VAR_KW", 0x0100), (5, 1, 1));
    }

    #[test]
    fn jumps_may_leave_something_else() {
        assert_eq!(effect("FOR_ITER", 3), (1, 2, 0));
        assert_eq!(effect("JUMP_IF_TRUE_OR_POP", 3), (1, 0, 1));
        assert_eq!(effect("POP_JUMP_IF_TRUE", 3), (1, 0, 0));
    }

    #[test]
    fn no_operand_overflows() {
        for opcode in 0..=255 {
            for operand in [i32::MIN, -1, 0, 1, 0xffff, i32::MAX] {
                let effect = stack_effect(opcode, operand);
                assert!(name(opcode).is_some() || effect == Effect::default(), "{opcode}");
            }
        }
    }
}
