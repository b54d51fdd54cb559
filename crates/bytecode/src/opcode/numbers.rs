//! The numbers of opcodes as constants, for those that say in code what an opcode does.

use super::number;

macro_rules! numbers {
    ($($name:ident)*) => {
        $(
            #[doc = concat!("`", stringify!($name), "`")]
            pub const $name: u8 = number(stringify!($name));
        )*
    };
}

numbers! {
    STOP_CODE LOAD_CONST ROT_TWO ROT_THREE ROT_FOUR DUP_TOPX BINARY_ADD INPLACE_ADD
    STORE_MAP PRINT_ITEM_TO PRINT_NEWLINE_TO IMPORT_STAR EXEC_STMT
    BREAK_LOOP WITH_CLEANUP RETURN_VALUE YIELD_VALUE POP_BLOCK END_FINALLY
    STORE_NAME UNPACK_SEQUENCE FOR_ITER LIST_APPEND SET_ADD MAP_ADD
    BUILD_TUPLE BUILD_LIST BUILD_SET BUILD_SLICE
    JUMP_FORWARD JUMP_ABSOLUTE JUMP_IF_FALSE_OR_POP JUMP_IF_TRUE_OR_POP
    POP_JUMP_IF_FALSE POP_JUMP_IF_TRUE CONTINUE_LOOP
    SETUP_LOOP SETUP_EXCEPT SETUP_FINALLY SETUP_WITH
    STORE_FAST LOAD_CLOSURE LOAD_DEREF STORE_DEREF RAISE_VARARGS
    CALL_FUNCTION CALL_FUNCTION_VAR CALL_FUNCTION_KW CALL_FUNCTION_VAR_KW
    MAKE_FUNCTION MAKE_CLOSURE
}

/// `SLICE+0`, the first of four.
pub const SLICE_0: u8 = number("SLICE+0");
/// `SLICE+3`
pub const SLICE_3: u8 = number("SLICE+3");
/// `STORE_SLICE+0`, the first of four.
pub const STORE_SLICE_0: u8 = number("STORE_SLICE+0");
/// `STORE_SLICE+3`
pub const STORE_SLICE_3: u8 = number("STORE_SLICE+3");
/// `DELETE_SLICE+0`, the first of four.
pub const DELETE_SLICE_0: u8 = number("DELETE_SLICE+0");
/// `DELETE_SLICE+3`
pub const DELETE_SLICE_3: u8 = number("DELETE_SLICE+3");
