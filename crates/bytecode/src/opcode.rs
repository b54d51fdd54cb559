//! The opcodes of Python 2.7: numbers, names, what an operand means, and what an instruction
//! does to the value stack.
//!
//! The only opcode table of the project. Source of its facts: `Lib/opcode.py` of CPython
//! 2.7.18 (`opmap`, `HAVE_ARGUMENT`, the `has…` lists, `cmp_op`), which the integration tests
//! compare, and for the value stack `PyEval_EvalFrameEx` in `Python/ceval.c`.

mod effect;
pub mod numbers;

pub use effect::{Effect, stack_effect};

use Operand::{Compare, Const, Free, JumpAbsolute, JumpRelative, Local, Name, Plain};

/// Opcodes from this one on take a 16-bit operand (`HAVE_ARGUMENT`), known or not.
pub const HAVE_ARGUMENT: u8 = 90;

/// The prefix that gives the next instruction the upper 16 bits of its operand.
pub const EXTENDED_ARG: u8 = 145;

/// What the operand of an opcode stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operand {
    /// The opcode takes no operand.
    None,
    /// A number that names nothing: a count, flags, a size.
    Plain,
    /// An index into `co_consts`.
    Const,
    /// An index into `co_names`.
    Name,
    /// An index into `co_varnames`.
    Local,
    /// An index into `co_cellvars`, then `co_freevars`.
    Free,
    /// An index into [`COMPARE`].
    Compare,
    /// The offset of an instruction.
    JumpAbsolute,
    /// A distance from the end of this instruction.
    JumpRelative,
}

/// The comparisons that `COMPARE_OP` chooses from (`cmp_op`).
pub const COMPARE: [&str; 12] =
    ["<", "<=", "==", "!=", ">", ">=", "in", "not in", "is", "is not", "exception match", "BAD"];

/// The name of an opcode, or `None` where 2.7 has no such opcode.
pub const fn name(opcode: u8) -> Option<&'static str> {
    NAMES[opcode as usize]
}

/// What the operand of `opcode` means; an unknown opcode has [`Operand::None`] below
/// [`HAVE_ARGUMENT`] and [`Operand::Plain`] from there on, as the interpreter decodes it.
pub const fn operand(opcode: u8) -> Operand {
    OPERANDS[opcode as usize]
}

/// The number of the opcode of that name.
pub fn by_name(name: &str) -> Option<u8> {
    by_bytes(name.as_bytes())
}

/// The number of the opcode of that name, from bytes that may be no text at all.
#[inline]
pub fn by_bytes(name: &[u8]) -> Option<u8> {
    let row = &TABLE.get(usize::from(ROWS[slot(name)]))?;
    (row.1.as_bytes() == name).then_some(row.0)
}

/// The number of the opcode of that name, while compiling: an unknown name ends the build.
pub const fn number(name: &str) -> u8 {
    let row = ROWS[slot(name.as_bytes())] as usize;
    let (known, name) = (TABLE[row].1.as_bytes(), name.as_bytes());
    assert!(known.len() == name.len(), "2.7 has no such opcode");
    let mut at = 0;
    while at < name.len() {
        assert!(known[at] == name[at], "2.7 has no such opcode");
        at += 1;
    }
    TABLE[row].0
}

/// Every opcode of 2.7, ascending.
pub fn all() -> impl Iterator<Item = u8> {
    TABLE.iter().map(|row| row.0)
}

const NAMES: [Option<&str>; 256] = {
    let mut names = [None; 256];
    let mut row = 0;
    while row < TABLE.len() {
        names[TABLE[row].0 as usize] = Some(TABLE[row].1);
        row += 1;
    }
    names
};

const OPERANDS: [Operand; 256] = {
    let mut operands = [Operand::None; 256];
    let mut unknown = HAVE_ARGUMENT as usize;
    while unknown < operands.len() {
        operands[unknown] = Plain;
        unknown += 1;
    }
    let mut row = 0;
    while row < TABLE.len() {
        operands[TABLE[row].0 as usize] = TABLE[row].2;
        row += 1;
    }
    operands
};

/// For each slot the row of the one name that has it; readers look up a name for every step.
const ROWS: [u8; SLOTS] = {
    let mut rows = [u8::MAX; SLOTS];
    let mut row = 0;
    while row < TABLE.len() {
        let slot = slot(TABLE[row].1.as_bytes());
        assert!(rows[slot] == u8::MAX, "two names share a slot: choose another factor");
        rows[slot] = row as u8;
        row += 1;
    }
    rows
};

const SLOTS: usize = 1 << 10;

/// A perfect hash: no two names of opcodes share a slot, as [`ROWS`] asserts. The factor was
/// found by trial.
const fn slot(name: &[u8]) -> usize {
    let len = name.len();
    if len < 4 {
        return len;
    }
    let first = u32::from_le_bytes([name[0], name[1], name[2], name[3]]);
    let last = u32::from_le_bytes([name[len - 4], name[len - 3], name[len - 2], name[len - 1]]);
    let mid = len / 2 - 2;
    let mid = u32::from_le_bytes([name[mid], name[mid + 1], name[mid + 2], name[mid + 3]]);
    let mixed = first.wrapping_mul(31) ^ last.wrapping_mul(7) ^ mid ^ ((len as u32) << 13);
    (mixed.wrapping_mul(0x648b_3049) >> 22) as usize
}

/// Number, name, operand, then what [`stack_effect`] starts from: the values that are taken and
/// left whatever the operand.
#[rustfmt::skip]
const TABLE: [(u8, &str, Operand, u8, u8); 119] = [
    (0, "STOP_CODE", Operand::None, 0, 0),
    (1, "POP_TOP", Operand::None, 1, 0),
    (2, "ROT_TWO", Operand::None, 2, 2),
    (3, "ROT_THREE", Operand::None, 3, 3),
    (4, "DUP_TOP", Operand::None, 1, 2),
    (5, "ROT_FOUR", Operand::None, 4, 4),
    (9, "NOP", Operand::None, 0, 0),
    (10, "UNARY_POSITIVE", Operand::None, 1, 1),
    (11, "UNARY_NEGATIVE", Operand::None, 1, 1),
    (12, "UNARY_NOT", Operand::None, 1, 1),
    (13, "UNARY_CONVERT", Operand::None, 1, 1),
    (15, "UNARY_INVERT", Operand::None, 1, 1),
    (19, "BINARY_POWER", Operand::None, 2, 1),
    (20, "BINARY_MULTIPLY", Operand::None, 2, 1),
    (21, "BINARY_DIVIDE", Operand::None, 2, 1),
    (22, "BINARY_MODULO", Operand::None, 2, 1),
    (23, "BINARY_ADD", Operand::None, 2, 1),
    (24, "BINARY_SUBTRACT", Operand::None, 2, 1),
    (25, "BINARY_SUBSCR", Operand::None, 2, 1),
    (26, "BINARY_FLOOR_DIVIDE", Operand::None, 2, 1),
    (27, "BINARY_TRUE_DIVIDE", Operand::None, 2, 1),
    (28, "INPLACE_FLOOR_DIVIDE", Operand::None, 2, 1),
    (29, "INPLACE_TRUE_DIVIDE", Operand::None, 2, 1),
    (30, "SLICE+0", Operand::None, 1, 1),
    (31, "SLICE+1", Operand::None, 2, 1),
    (32, "SLICE+2", Operand::None, 2, 1),
    (33, "SLICE+3", Operand::None, 3, 1),
    (40, "STORE_SLICE+0", Operand::None, 2, 0),
    (41, "STORE_SLICE+1", Operand::None, 3, 0),
    (42, "STORE_SLICE+2", Operand::None, 3, 0),
    (43, "STORE_SLICE+3", Operand::None, 4, 0),
    (50, "DELETE_SLICE+0", Operand::None, 1, 0),
    (51, "DELETE_SLICE+1", Operand::None, 2, 0),
    (52, "DELETE_SLICE+2", Operand::None, 2, 0),
    (53, "DELETE_SLICE+3", Operand::None, 3, 0),
    (54, "STORE_MAP", Operand::None, 3, 1),
    (55, "INPLACE_ADD", Operand::None, 2, 1),
    (56, "INPLACE_SUBTRACT", Operand::None, 2, 1),
    (57, "INPLACE_MULTIPLY", Operand::None, 2, 1),
    (58, "INPLACE_DIVIDE", Operand::None, 2, 1),
    (59, "INPLACE_MODULO", Operand::None, 2, 1),
    (60, "STORE_SUBSCR", Operand::None, 3, 0),
    (61, "DELETE_SUBSCR", Operand::None, 2, 0),
    (62, "BINARY_LSHIFT", Operand::None, 2, 1),
    (63, "BINARY_RSHIFT", Operand::None, 2, 1),
    (64, "BINARY_AND", Operand::None, 2, 1),
    (65, "BINARY_XOR", Operand::None, 2, 1),
    (66, "BINARY_OR", Operand::None, 2, 1),
    (67, "INPLACE_POWER", Operand::None, 2, 1),
    (68, "GET_ITER", Operand::None, 1, 1),
    (70, "PRINT_EXPR", Operand::None, 1, 0),
    (71, "PRINT_ITEM", Operand::None, 1, 0),
    (72, "PRINT_NEWLINE", Operand::None, 0, 0),
    (73, "PRINT_ITEM_TO", Operand::None, 2, 0),
    (74, "PRINT_NEWLINE_TO", Operand::None, 1, 0),
    (75, "INPLACE_LSHIFT", Operand::None, 2, 1),
    (76, "INPLACE_RSHIFT", Operand::None, 2, 1),
    (77, "INPLACE_AND", Operand::None, 2, 1),
    (78, "INPLACE_XOR", Operand::None, 2, 1),
    (79, "INPLACE_OR", Operand::None, 2, 1),
    (80, "BREAK_LOOP", Operand::None, 0, 0),
    (81, "WITH_CLEANUP", Operand::None, 2, 1),
    (82, "LOAD_LOCALS", Operand::None, 0, 1),
    (83, "RETURN_VALUE", Operand::None, 1, 0),
    (84, "IMPORT_STAR", Operand::None, 1, 0),
    (85, "EXEC_STMT", Operand::None, 3, 0),
    (86, "YIELD_VALUE", Operand::None, 1, 1),
    (87, "POP_BLOCK", Operand::None, 0, 0),
    (88, "END_FINALLY", Operand::None, 1, 0),
    (89, "BUILD_CLASS", Operand::None, 3, 1),
    (90, "STORE_NAME", Name, 1, 0),
    (91, "DELETE_NAME", Name, 0, 0),
    (92, "UNPACK_SEQUENCE", Plain, 1, 0),
    (93, "FOR_ITER", JumpRelative, 1, 2),
    (94, "LIST_APPEND", Plain, 1, 0),
    (95, "STORE_ATTR", Name, 2, 0),
    (96, "DELETE_ATTR", Name, 1, 0),
    (97, "STORE_GLOBAL", Name, 1, 0),
    (98, "DELETE_GLOBAL", Name, 0, 0),
    (99, "DUP_TOPX", Plain, 0, 0),
    (100, "LOAD_CONST", Const, 0, 1),
    (101, "LOAD_NAME", Name, 0, 1),
    (102, "BUILD_TUPLE", Plain, 0, 1),
    (103, "BUILD_LIST", Plain, 0, 1),
    (104, "BUILD_SET", Plain, 0, 1),
    (105, "BUILD_MAP", Plain, 0, 1),
    (106, "LOAD_ATTR", Name, 1, 1),
    (107, "COMPARE_OP", Compare, 2, 1),
    (108, "IMPORT_NAME", Name, 2, 1),
    (109, "IMPORT_FROM", Name, 1, 2),
    (110, "JUMP_FORWARD", JumpRelative, 0, 0),
    (111, "JUMP_IF_FALSE_OR_POP", JumpAbsolute, 1, 0),
    (112, "JUMP_IF_TRUE_OR_POP", JumpAbsolute, 1, 0),
    (113, "JUMP_ABSOLUTE", JumpAbsolute, 0, 0),
    (114, "POP_JUMP_IF_FALSE", JumpAbsolute, 1, 0),
    (115, "POP_JUMP_IF_TRUE", JumpAbsolute, 1, 0),
    (116, "LOAD_GLOBAL", Name, 0, 1),
    (119, "CONTINUE_LOOP", JumpAbsolute, 0, 0),
    (120, "SETUP_LOOP", JumpRelative, 0, 0),
    (121, "SETUP_EXCEPT", JumpRelative, 0, 0),
    (122, "SETUP_FINALLY", JumpRelative, 0, 0),
    (124, "LOAD_FAST", Local, 0, 1),
    (125, "STORE_FAST", Local, 1, 0),
    (126, "DELETE_FAST", Local, 0, 0),
    (130, "RAISE_VARARGS", Plain, 0, 0),
    (131, "CALL_FUNCTION", Plain, 1, 1),
    (132, "MAKE_FUNCTION", Plain, 1, 1),
    (133, "BUILD_SLICE", Plain, 2, 1),
    (134, "MAKE_CLOSURE", Plain, 2, 1),
    (135, "LOAD_CLOSURE", Free, 0, 1),
    (136, "LOAD_DEREF", Free, 0, 1),
    (137, "STORE_DEREF", Free, 1, 0),
    (140, "CALL_FUNCTION_VAR", Plain, 2, 1),
    (141, "CALL_FUNCTION_KW", Plain, 2, 1),
    (142, "CALL_FUNCTION_VAR_KW", Plain, 3, 1),
    (143, "SETUP_WITH", JumpRelative, 1, 2),
    (145, "EXTENDED_ARG", Plain, 0, 0),
    (146, "SET_ADD", Plain, 1, 0),
    (147, "MAP_ADD", Plain, 2, 0),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_ascends_and_splits_at_have_argument() {
        assert!(TABLE.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for (number, name, operand, ..) in TABLE {
            assert_eq!(number < HAVE_ARGUMENT, operand == Operand::None, "{name}");
        }
    }

    #[test]
    fn names_and_numbers_are_inverse() {
        for number in all() {
            let name = name(number).unwrap();
            assert_eq!(by_name(name), Some(number));
        }
        for text in ["", "N", "NOPE", "POP_TOPS", "pop_top", "\u{10ffff}"] {
            assert_eq!(by_name(text), None, "{text}");
        }
        assert_eq!(name(EXTENDED_ARG), Some("EXTENDED_ARG"));
        assert_eq!((name(6), name(255)), (None, None));
        assert_eq!((operand(6), operand(255)), (Operand::None, Plain));
    }
}
