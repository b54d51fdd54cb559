//! The opcodes of Python 2.7: numbers, names, and what an operand means.
//!
//! The only opcode table of the project. Source of its facts: `Lib/opcode.py` of CPython
//! 2.7.18 (`opmap`, `HAVE_ARGUMENT`, the `has…` lists, `cmp_op`); the integration tests compare
//! the two.

use Operand::{Compare, Const, Free, JumpAbsolute, JumpRelative, Local, Name, Plain};

/// Opcodes from this one on take a 16-bit operand (`HAVE_ARGUMENT`), known or not.
pub const HAVE_ARGUMENT: u8 = 90;

/// The prefix that gives the next instruction the upper 16 bits of its operand.
pub const EXTENDED_ARG: u8 = 145;

/// Opcodes that lead elsewhere than to the next instruction, or may, and the one that loads
/// constants, by their names.
macro_rules! named {
    ($($name:ident)*) => {$(
        #[doc = concat!("`", stringify!($name), "`")]
        pub const $name: u8 = number(stringify!($name));
    )*};
}

named! {
    STOP_CODE POP_JUMP_IF_FALSE POP_JUMP_IF_TRUE JUMP_IF_FALSE_OR_POP
    JUMP_IF_TRUE_OR_POP JUMP_ABSOLUTE JUMP_FORWARD FOR_ITER
    RETURN_VALUE YIELD_VALUE BREAK_LOOP CONTINUE_LOOP
    RAISE_VARARGS SETUP_LOOP SETUP_EXCEPT SETUP_FINALLY
    SETUP_WITH LOAD_CONST
}

/// The number of an opcode that the table holds.
const fn number(name: &str) -> u8 {
    let mut row = 0;
    loop {
        let (number, other) = (TABLE[row].0, TABLE[row].1.as_bytes());
        let mut at = 0;
        while at < other.len() && at < name.len() && other[at] == name.as_bytes()[at] {
            at += 1;
        }
        if at == other.len() && at == name.len() {
            return number;
        }
        row += 1;
    }
}

/// What the operand of an opcode stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

#[rustfmt::skip]
const TABLE: [(u8, &str, Operand); 119] = [
    (0, "STOP_CODE", Operand::None),
    (1, "POP_TOP", Operand::None),
    (2, "ROT_TWO", Operand::None),
    (3, "ROT_THREE", Operand::None),
    (4, "DUP_TOP", Operand::None),
    (5, "ROT_FOUR", Operand::None),
    (9, "NOP", Operand::None),
    (10, "UNARY_POSITIVE", Operand::None),
    (11, "UNARY_NEGATIVE", Operand::None),
    (12, "UNARY_NOT", Operand::None),
    (13, "UNARY_CONVERT", Operand::None),
    (15, "UNARY_INVERT", Operand::None),
    (19, "BINARY_POWER", Operand::None),
    (20, "BINARY_MULTIPLY", Operand::None),
    (21, "BINARY_DIVIDE", Operand::None),
    (22, "BINARY_MODULO", Operand::None),
    (23, "BINARY_ADD", Operand::None),
    (24, "BINARY_SUBTRACT", Operand::None),
    (25, "BINARY_SUBSCR", Operand::None),
    (26, "BINARY_FLOOR_DIVIDE", Operand::None),
    (27, "BINARY_TRUE_DIVIDE", Operand::None),
    (28, "INPLACE_FLOOR_DIVIDE", Operand::None),
    (29, "INPLACE_TRUE_DIVIDE", Operand::None),
    (30, "SLICE+0", Operand::None),
    (31, "SLICE+1", Operand::None),
    (32, "SLICE+2", Operand::None),
    (33, "SLICE+3", Operand::None),
    (40, "STORE_SLICE+0", Operand::None),
    (41, "STORE_SLICE+1", Operand::None),
    (42, "STORE_SLICE+2", Operand::None),
    (43, "STORE_SLICE+3", Operand::None),
    (50, "DELETE_SLICE+0", Operand::None),
    (51, "DELETE_SLICE+1", Operand::None),
    (52, "DELETE_SLICE+2", Operand::None),
    (53, "DELETE_SLICE+3", Operand::None),
    (54, "STORE_MAP", Operand::None),
    (55, "INPLACE_ADD", Operand::None),
    (56, "INPLACE_SUBTRACT", Operand::None),
    (57, "INPLACE_MULTIPLY", Operand::None),
    (58, "INPLACE_DIVIDE", Operand::None),
    (59, "INPLACE_MODULO", Operand::None),
    (60, "STORE_SUBSCR", Operand::None),
    (61, "DELETE_SUBSCR", Operand::None),
    (62, "BINARY_LSHIFT", Operand::None),
    (63, "BINARY_RSHIFT", Operand::None),
    (64, "BINARY_AND", Operand::None),
    (65, "BINARY_XOR", Operand::None),
    (66, "BINARY_OR", Operand::None),
    (67, "INPLACE_POWER", Operand::None),
    (68, "GET_ITER", Operand::None),
    (70, "PRINT_EXPR", Operand::None),
    (71, "PRINT_ITEM", Operand::None),
    (72, "PRINT_NEWLINE", Operand::None),
    (73, "PRINT_ITEM_TO", Operand::None),
    (74, "PRINT_NEWLINE_TO", Operand::None),
    (75, "INPLACE_LSHIFT", Operand::None),
    (76, "INPLACE_RSHIFT", Operand::None),
    (77, "INPLACE_AND", Operand::None),
    (78, "INPLACE_XOR", Operand::None),
    (79, "INPLACE_OR", Operand::None),
    (80, "BREAK_LOOP", Operand::None),
    (81, "WITH_CLEANUP", Operand::None),
    (82, "LOAD_LOCALS", Operand::None),
    (83, "RETURN_VALUE", Operand::None),
    (84, "IMPORT_STAR", Operand::None),
    (85, "EXEC_STMT", Operand::None),
    (86, "YIELD_VALUE", Operand::None),
    (87, "POP_BLOCK", Operand::None),
    (88, "END_FINALLY", Operand::None),
    (89, "BUILD_CLASS", Operand::None),
    (90, "STORE_NAME", Name),
    (91, "DELETE_NAME", Name),
    (92, "UNPACK_SEQUENCE", Plain),
    (93, "FOR_ITER", JumpRelative),
    (94, "LIST_APPEND", Plain),
    (95, "STORE_ATTR", Name),
    (96, "DELETE_ATTR", Name),
    (97, "STORE_GLOBAL", Name),
    (98, "DELETE_GLOBAL", Name),
    (99, "DUP_TOPX", Plain),
    (100, "LOAD_CONST", Const),
    (101, "LOAD_NAME", Name),
    (102, "BUILD_TUPLE", Plain),
    (103, "BUILD_LIST", Plain),
    (104, "BUILD_SET", Plain),
    (105, "BUILD_MAP", Plain),
    (106, "LOAD_ATTR", Name),
    (107, "COMPARE_OP", Compare),
    (108, "IMPORT_NAME", Name),
    (109, "IMPORT_FROM", Name),
    (110, "JUMP_FORWARD", JumpRelative),
    (111, "JUMP_IF_FALSE_OR_POP", JumpAbsolute),
    (112, "JUMP_IF_TRUE_OR_POP", JumpAbsolute),
    (113, "JUMP_ABSOLUTE", JumpAbsolute),
    (114, "POP_JUMP_IF_FALSE", JumpAbsolute),
    (115, "POP_JUMP_IF_TRUE", JumpAbsolute),
    (116, "LOAD_GLOBAL", Name),
    (119, "CONTINUE_LOOP", JumpAbsolute),
    (120, "SETUP_LOOP", JumpRelative),
    (121, "SETUP_EXCEPT", JumpRelative),
    (122, "SETUP_FINALLY", JumpRelative),
    (124, "LOAD_FAST", Local),
    (125, "STORE_FAST", Local),
    (126, "DELETE_FAST", Local),
    (130, "RAISE_VARARGS", Plain),
    (131, "CALL_FUNCTION", Plain),
    (132, "MAKE_FUNCTION", Plain),
    (133, "BUILD_SLICE", Plain),
    (134, "MAKE_CLOSURE", Plain),
    (135, "LOAD_CLOSURE", Free),
    (136, "LOAD_DEREF", Free),
    (137, "STORE_DEREF", Free),
    (140, "CALL_FUNCTION_VAR", Plain),
    (141, "CALL_FUNCTION_KW", Plain),
    (142, "CALL_FUNCTION_VAR_KW", Plain),
    (143, "SETUP_WITH", JumpRelative),
    (145, "EXTENDED_ARG", Plain),
    (146, "SET_ADD", Plain),
    (147, "MAP_ADD", Plain),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_ascends_and_splits_at_have_argument() {
        assert!(TABLE.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for (number, name, operand) in TABLE {
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
