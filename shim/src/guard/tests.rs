//! Each rule, on code that exists only here.

use bytecode::opcode::numbers::{SETUP_EXCEPT, SETUP_FINALLY, SETUP_LOOP, SETUP_WITH};
use bytecode::opcode::{HAVE_ARGUMENT, by_name};

use super::*;

/// A frame and the instruction that it is about to run.
#[derive(Clone)]
struct Case {
    facts: Facts<'static>,
    stack: Vec<Value>,
    iterators: bool,
    cells: Vec<Value>,
    locals: bool,
    blocks: Vec<Block>,
}

impl Frame for Case {
    fn value(&self, below_top: usize) -> Value {
        self.stack[self.stack.len() - 1 - below_top]
    }
    fn is_iterator(&self, below_top: usize) -> bool {
        assert_ne!(self.value(below_top), Value::Null);
        self.iterators
    }
    fn cell(&self, index: usize) -> Value {
        self.cells[index]
    }
    fn truth(&self, _: usize) -> Option<bool> {
        None
    }

    fn has_locals(&self) -> bool {
        self.locals
    }
}

/// A code object with two of everything, room for 6 values, and ten NOPs for code.
fn case(stack: &[Value]) -> Case {
    let facts = Facts {
        code: Some(&[9; 10]),
        consts: 2,
        names: 2,
        locals: 2,
        cellvars: 1,
        freevars: 1,
        stacksize: 5,
        argcount: 0,
        flags: 0x43,
        asserts: false,
    };
    let cells = vec![Value::Cell; 2];
    Case { facts, stack: stack.to_vec(), iterators: true, cells, locals: true, blocks: vec![] }
}

impl Case {
    fn blocks(mut self, blocks: &[(u8, i32, usize)]) -> Case {
        let block = |&(kind, handler, level): &_| Block { kind, handler, level };
        self.blocks = blocks.iter().map(block).collect();
        self
    }

    /// The verdict on an instruction at offset 0, `""` if it may run.
    fn verdict(&self, name: &str, operand: i32) -> String {
        let opcode = by_name(name).unwrap();
        let next = if opcode < HAVE_ARGUMENT { 1 } else { 3 };
        self.verdict_at(0, next, opcode, operand)
    }

    fn verdict_at(&self, offset: usize, next: usize, opcode: u8, operand: i32) -> String {
        let (code, depth) = (self.facts.code.unwrap_or_default(), self.stack.len());
        let moment = Moment { code, offset, next, opcode, operand, depth, blocks: &self.blocks };
        said(check(&Plan::new(&self.facts), &moment, self))
    }

    #[track_caller]
    fn passes(&self, name: &str, operand: i32) {
        assert_eq!(self.verdict(name, operand), "", "{name} {operand}");
    }

    #[track_caller]
    fn refuses(&self, name: &str, operand: i32, reason: &str) {
        assert_eq!(self.verdict(name, operand), reason);
    }
}

fn said(result: Result<(), Violation>) -> String {
    result.err().map(|violation| violation.to_string()).unwrap_or_default()
}

const ONE: Value = Value::Other;

#[test]
fn operands_are_in_range_for_their_table() {
    let empty = case(&[]);
    for name in ["LOAD_CONST", "LOAD_NAME", "LOAD_GLOBAL", "LOAD_FAST", "LOAD_DEREF"] {
        empty.passes(name, 1);
    }
    empty.refuses("LOAD_CONST", 700, "LOAD_CONST 700: the code object has 2 constants");
    empty.refuses("LOAD_CONST", -1, "LOAD_CONST -1: the code object has 2 constants");
    empty.refuses("LOAD_NAME", 2, "LOAD_NAME 2: the code object has 2 names");
    empty.refuses("LOAD_FAST", 2, "LOAD_FAST 2: the code object has 2 locals");
    empty.refuses(
        "LOAD_CLOSURE",
        2,
        "LOAD_CLOSURE 2: the code object has 2 cell and free variables",
    );
    let mut one = empty.clone();
    one.facts.consts = 1;
    one.refuses("LOAD_CONST", 1, "LOAD_CONST 1: the code object has 1 constant");
    let two = case(&[ONE, ONE]);
    two.passes("COMPARE_OP", 10);
    two.refuses("COMPARE_OP", 11, "COMPARE_OP 11: there are 11 comparisons");
}

#[test]
fn the_stack_holds_what_is_taken() {
    case(&[]).refuses("POP_TOP", 0, "POP_TOP: the value stack is empty");
    case(&[ONE]).passes("POP_TOP", 0);
    let reason = "BUILD_TUPLE 3: it takes 3 values, the value stack has 2";
    case(&[ONE, ONE]).refuses("BUILD_TUPLE", 3, reason);
    let reason = "CALL_FUNCTION 258: it takes 5 values, the value stack has 4";
    case(&[ONE, Value::Str, ONE, ONE]).refuses("CALL_FUNCTION", 258, reason);
    case(&[]).refuses("RETURN_VALUE", 0, "RETURN_VALUE: the value stack is empty");
    case(&[ONE; 5]).passes("DUP_TOP", 0);
    case(&[]).passes("BUILD_TUPLE", -1);
    case(&[]).refuses("BUILD_SET", -1, "BUILD_SET -1: the operand is negative");
    case(&[ONE; 3]).refuses("DUP_TOPX", 1, "DUP_TOPX 1: it duplicates 2 or 3 values");
}

#[test]
fn the_stack_has_room_for_what_is_left() {
    case(&[ONE; 5]).passes("LOAD_CONST", 0);
    let full = case(&[ONE; 6]);
    full.refuses("LOAD_CONST", 0, "LOAD_CONST 0: the value stack is full, co_stacksize is 5");
    full.passes("BINARY_MULTIPLY", 0);
    full.passes("BUILD_TUPLE", -1);
    full.passes("BUILD_TUPLE", 1);
    let mut asserting = case(&[ONE; 5]);
    asserting.facts.asserts = true;
    let reason = "LOAD_CONST 0: the value stack is full, co_stacksize is 5";
    asserting.refuses("LOAD_CONST", 0, reason);
    case(&[ONE; 4]).passes("DUP_TOPX", 2);
    let reason = "DUP_TOPX 3: the value stack is full, co_stacksize is 5";
    case(&[ONE; 4]).refuses("DUP_TOPX", 3, reason);
    case(&[ONE]).passes("UNPACK_SEQUENCE", 6);
    let reason = "UNPACK_SEQUENCE 7: the value stack is full, co_stacksize is 5";
    case(&[ONE]).refuses("UNPACK_SEQUENCE", 7, reason);
    // Nothing comes of it: ceval raises.
    case(&[Value::None]).passes("UNPACK_SEQUENCE", 7);
    case(&[Value::Tuple(0)]).passes("UNPACK_SEQUENCE", 7);
}

#[test]
fn a_negative_number_is_unpacked_from_what_has_something() {
    case(&[Value::Tuple(1)]).passes("UNPACK_SEQUENCE", -5);
    case(&[ONE, Value::Tuple(0)]).passes("UNPACK_SEQUENCE", -1);
    let reason = "UNPACK_SEQUENCE -2: it drops 2 values, the value stack has 2";
    case(&[ONE, ONE]).refuses("UNPACK_SEQUENCE", -2, reason);
}

#[test]
fn jumps_stay_in_the_code() {
    case(&[]).passes("JUMP_ABSOLUTE", 10);
    case(&[]).refuses("JUMP_ABSOLUTE", 11, "jump to 11: the code object has 10 bytes");
    case(&[]).refuses("JUMP_ABSOLUTE", -1, "jump to -1: the code object has 10 bytes");
    case(&[]).passes("JUMP_FORWARD", -3);
    case(&[]).refuses("JUMP_FORWARD", 8, "jump to 11: the code object has 10 bytes");
    case(&[Value::Bool(false)]).refuses(
        "POP_JUMP_IF_FALSE",
        512,
        "jump to 512: the code object has 10 bytes",
    );
    // Not taken, or not known to be.
    case(&[Value::Bool(true)]).passes("POP_JUMP_IF_FALSE", 512);
    case(&[ONE]).passes("JUMP_IF_TRUE_OR_POP", 512);
    case(&[]).passes("SETUP_EXCEPT", 512);
}

#[test]
fn what_is_read_is_in_the_code() {
    let code = &[9, 100, 1, 0, 100, 1];
    assert_eq!(said(fetch(code, 6)), "");
    assert_eq!(said(fetch(code, 7)), "the code object has 6 bytes");
    assert_eq!(said(fetch(code, -1)), "the code object has 6 bytes");
    assert_eq!(said(fetch(code, i64::MAX)), "the code object has 6 bytes");
    // The NUL behind the code is the operand's high byte.
    assert_eq!(said(fetch(code, 4)), "");
    let reason = "LOAD_CONST: the code object has 5 bytes, its operand is beyond them";
    assert_eq!(said(fetch(&code[..5], 4)), reason);
    assert_eq!(case(&[]).verdict_at(10, 11, 0, 0), "");
    assert_eq!(case(&[]).verdict_at(11, 12, 0, 0), "the code object has 10 bytes");
    let reason = "LOAD_CONST: the code object has 10 bytes, its operand is beyond them";
    assert_eq!(case(&[]).verdict_at(9, 12, 100, 0), reason);
    // EXTENDED_ARG reads what it prefixes.
    assert_eq!(case(&[]).verdict_at(5, 8, 145, 0), "");
    let reason = "EXTENDED_ARG 0: it prefixes nothing, the code object has 10 bytes";
    assert_eq!(case(&[]).verdict_at(6, 9, 145, 0), reason);
    // An opcode that 2.7 does not have is ceval's to refuse.
    assert_eq!(case(&[]).verdict_at(0, 1, 6, 0), "");
    assert_eq!(case(&[]).verdict_at(0, 3, 255, 700), "");
}

#[test]
fn a_reason_says_whose_operand_the_offset_is_in() {
    let mut jumping = case(&[]);
    // JUMP_ABSOLUTE 4, LOAD_CONST 0x0109: 4 is a NOP, 5 is POP_TOP.
    jumping.facts.code = Some(&[113, 4, 0, 100, 9, 1, 83]);
    assert_eq!(jumping.verdict_at(4, 5, 9, 0), "");
    assert_eq!(jumping.verdict_at(5, 6, 1, 0), "POP_TOP: the value stack is empty");
    // Reached both ways: POP_JUMP_IF_TRUE 4.
    jumping.facts.code = Some(&[115, 4, 0, 100, 9, 1, 83]);
    let reason = "POP_TOP: the value stack is empty; the offset is inside the instruction at 3";
    assert_eq!(jumping.verdict_at(5, 6, 1, 0), reason);
}

#[test]
fn blocks_neither_overflow_nor_run_out() {
    let twenty = case(&[]).blocks(&[(SETUP_LOOP, 3, 0); 20]);
    let reason = "SETUP_LOOP 0: the block stack is full, it has room for 20";
    twenty.refuses("SETUP_LOOP", 0, reason);
    twenty.passes("POP_BLOCK", 0);
    case(&[]).blocks(&[(SETUP_LOOP, 3, 0); 19]).passes("SETUP_FINALLY", 0);
    case(&[]).refuses("POP_BLOCK", 0, "POP_BLOCK: the block stack is empty");
    let null = case(&[Value::Null, Value::Null, ONE]);
    let reason = "POP_BLOCK: value 2 from the top is NULL";
    null.clone().blocks(&[(SETUP_LOOP, 3, 1)]).refuses("POP_BLOCK", 0, reason);
    null.blocks(&[(SETUP_LOOP, 3, 2)]).passes("POP_BLOCK", 0);
}

#[test]
fn break_and_continue_go_through_the_blocks() {
    case(&[]).passes("BREAK_LOOP", 0);
    let bad = case(&[]).blocks(&[(SETUP_LOOP, 99, 0)]);
    bad.refuses("BREAK_LOOP", 0, "break to 99: the code object has 10 bytes");
    bad.passes("CONTINUE_LOOP", 3);
    bad.refuses("CONTINUE_LOOP", 11, "continue to 11: the code object has 10 bytes");
    case(&[]).passes("CONTINUE_LOOP", 11);
    // An inner `except` is passed by, an inner `finally` entered.
    let inner = bad.clone().blocks(&[(SETUP_LOOP, 99, 0), (SETUP_EXCEPT, 99, 0)]);
    inner.refuses("BREAK_LOOP", 0, "break to 99: the code object has 10 bytes");
    let inner = bad.clone().blocks(&[(SETUP_LOOP, 99, 0), (SETUP_FINALLY, 3, 0)]);
    inner.passes("BREAK_LOOP", 0);
    inner.passes("CONTINUE_LOOP", 99);
}

#[test]
fn handlers_have_room_for_what_they_are_given() {
    let open = |values: usize, kind: u8| case(&vec![ONE; values]).blocks(&[(kind, 3, 9)]);
    open(6, SETUP_FINALLY).refuses(
        "RETURN_VALUE",
        0,
        "handler at 3: the value stack is full, it is given 2 on top of 5, co_stacksize is 5",
    );
    open(5, SETUP_WITH).passes("RETURN_VALUE", 0);
    open(6, SETUP_EXCEPT).passes("RETURN_VALUE", 0);
    let reason = "handler at 99: the code object has 10 bytes";
    case(&[ONE]).blocks(&[(SETUP_FINALLY, 99, 0)]).refuses("RETURN_VALUE", 0, reason);

    let plan = Plan::new(&case(&[]).facts);
    let enter = |kind, handler, level, depth| {
        said(enter(&plan, &[9; 10], depth, Block { kind, handler, level }))
    };
    assert_eq!(enter(SETUP_EXCEPT, 3, 3, 6), "");
    assert_eq!(
        enter(SETUP_EXCEPT, 3, 4, 6),
        "handler at 3: the value stack is full, it is given 3 on top of 4, co_stacksize is 5"
    );
    assert_eq!(enter(SETUP_EXCEPT, 3, 4, 3), "");
    assert_eq!(enter(SETUP_WITH, 11, 0, 0), "handler at 11: the code object has 10 bytes");
    assert_eq!(enter(SETUP_LOOP, 11, 9, 9), "");
}

#[test]
fn end_finally_believes_ints_and_exceptions() {
    let finally = |stack: &[Value]| case(stack).verdict("END_FINALLY", 0);
    assert_eq!(finally(&[Value::None]), "");
    assert_eq!(finally(&[ONE]), "");
    assert_eq!(finally(&[Value::Null]), "END_FINALLY: the value on top is NULL");
    assert_eq!(finally(&[ONE, ONE, Value::ExceptionClass]), "");
    let reason = "END_FINALLY: it takes 3 values, the value stack has 2";
    assert_eq!(finally(&[ONE, Value::Str]), reason);
    assert_eq!(finally(&[ONE, Value::Int(8)]), "");
    let reason = "END_FINALLY: it takes 2 values, the value stack has 1";
    assert_eq!(finally(&[Value::Int(8)]), reason);
    assert_eq!(finally(&[Value::Int(32)]), reason);
    assert_eq!(finally(&[Value::Int(1 << 32 | 8)]), reason);
    for why in [0, 1, 2, 4, 16, 64, 9, 1 << 40] {
        assert_eq!(finally(&[Value::Int(why)]), "", "{why}");
    }
    let looping = |value| case(&[value, Value::Int(32)]).blocks(&[(SETUP_LOOP, 3, 0)]);
    looping(Value::Int(4)).passes("END_FINALLY", 0);
    let reason = "continue to 99: the code object has 10 bytes";
    looping(Value::Int(99)).refuses("END_FINALLY", 0, reason);
    let reason = "END_FINALLY: the target of `continue` is no int";
    looping(ONE).refuses("END_FINALLY", 0, reason);
    looping(Value::Null).refuses("END_FINALLY", 0, reason);
    // ceval would carry on whatever it carried last.
    let reason = "END_FINALLY: 9 is no reason to unwind";
    let inner = case(&[Value::Int(9)]).blocks(&[(SETUP_FINALLY, 3, 0)]);
    inner.refuses("END_FINALLY", 0, reason);
    let mut asserting = case(&[Value::Int(64)]);
    asserting.facts.asserts = true;
    asserting.refuses("END_FINALLY", 0, "END_FINALLY: 64 is no reason to unwind");
}

#[test]
fn with_cleanup_finds_exit_below() {
    let with = |stack: &[Value]| case(stack).verdict("WITH_CLEANUP", 0);
    assert_eq!(with(&[ONE, Value::None]), "");
    assert_eq!(with(&[ONE, Value::Null, Value::Int(8)]), "");
    assert_eq!(with(&[ONE, Value::Int(16)]), "");
    assert_eq!(with(&[ONE, ONE, ONE, Value::ExceptionClass]), "");
    let takes =
        |takes, has| format!("WITH_CLEANUP: it takes {takes} values, the value stack has {has}");
    assert_eq!(with(&[Value::None]), takes(2, 1));
    assert_eq!(with(&[ONE, Value::Int(32)]), takes(3, 2));
    assert_eq!(with(&[ONE, ONE, ONE]), takes(4, 3));
    let null = "WITH_CLEANUP: value 2 from the top is NULL";
    assert_eq!(with(&[Value::Null, Value::None]), null);
}

#[test]
fn null_is_moved_but_not_used() {
    let two = case(&[Value::Null, ONE]);
    for name in ["ROT_TWO", "STORE_FAST", "SLICE+0", "PRINT_ITEM_TO"] {
        let expected = match name {
            "PRINT_ITEM_TO" => "PRINT_ITEM_TO: value 2 from the top is NULL",
            _ => "",
        };
        assert_eq!(two.verdict(name, 0), expected);
    }
    let one = case(&[ONE, Value::Null]);
    for name in ["STORE_FAST", "RETURN_VALUE", "YIELD_VALUE", "PRINT_ITEM_TO", "SLICE+2"] {
        one.passes(name, 0);
    }
    for name in ["POP_TOP", "DUP_TOP", "BINARY_ADD", "SLICE+0", "GET_ITER", "PRINT_ITEM"] {
        one.refuses(name, 0, &format!("{name}: the value on top is NULL"));
    }
    two.refuses("SLICE+1", 0, "SLICE+1: value 2 from the top is NULL");
    two.refuses("LIST_APPEND", 1, "LIST_APPEND 1: value 2 from the top is NULL");
    two.passes("LIST_APPEND", 0);
}

#[test]
fn types_that_are_trusted() {
    let mut plain = case(&[ONE]);
    plain.passes("FOR_ITER", 3);
    plain.iterators = false;
    plain.refuses("FOR_ITER", 3, "FOR_ITER 3: the value on top is no iterator");
    plain.passes("GET_ITER", 0);
    plain.refuses("MAKE_FUNCTION", 0, "MAKE_FUNCTION 0: the value on top is no code object");
    case(&[ONE, Value::Code(0)]).passes("MAKE_FUNCTION", 1);
    case(&[Value::Code(2)]).refuses(
        "MAKE_FUNCTION",
        0,
        "MAKE_FUNCTION 0: the code object on top has 2 free variables, the closure 0 cells",
    );
    case(&[Value::Tuple(2), Value::Code(2)]).passes("MAKE_CLOSURE", 0);
    case(&[Value::Dict, Value::Code(2)]).passes("MAKE_CLOSURE", 0);
    case(&[Value::Tuple(0), Value::Code(1)]).refuses(
        "MAKE_CLOSURE",
        0,
        "MAKE_CLOSURE 0: the code object on top has 1 free variable, the closure 0 cells",
    );
    let mut map = case(&[ONE, ONE, ONE]);
    map.passes("STORE_MAP", 0);
    map.passes("MAP_ADD", 1);
    map.facts.asserts = true;
    map.refuses("STORE_MAP", 0, "STORE_MAP: value 3 from the top is no dict");
    map.refuses("MAP_ADD", 1, "MAP_ADD 1: value 3 from the top is no dict");
}

#[test]
fn keywords_given_twice_are_strings() {
    let call = |first, second| case(&[ONE, first, ONE, second, ONE]);
    call(Value::Str, Value::Str).passes("CALL_FUNCTION", 0x200);
    call(Value::Int(1), Value::Int(2)).passes("CALL_FUNCTION", 0x200);
    call(Value::Unicode, Value::Unicode).passes("CALL_FUNCTION", 0x200);
    let reason = "CALL_FUNCTION 512: a keyword that is no string may be given twice";
    call(Value::Int(1), Value::Int(1)).refuses("CALL_FUNCTION", 0x200, reason);
    let stars = case(&[ONE, Value::Int(1), ONE, Value::Dict]);
    let reason = "CALL_FUNCTION_KW 256: a keyword that is no string may be given twice";
    stars.refuses("CALL_FUNCTION_KW", 0x100, reason);
    case(&[ONE, Value::Str, ONE, Value::Dict]).passes("CALL_FUNCTION_KW", 0x100);
}

#[test]
fn cells_are_there() {
    let mut bare = case(&[ONE]);
    bare.cells = vec![Value::Null; 2];
    for name in ["LOAD_CLOSURE", "LOAD_DEREF", "STORE_DEREF"] {
        bare.refuses(name, 1, &format!("{name} 1: the cell is NULL"));
    }
    let reason = "IMPORT_STAR: what stands for cell variable 0 is no cell";
    bare.refuses("IMPORT_STAR", 0, reason);
    // Without CO_OPTIMIZED free variables are left alone.
    bare.cells[0] = Value::Cell;
    bare.facts.flags = 0;
    bare.passes("IMPORT_STAR", 0);
    let mut exec = case(&[ONE, Value::None, Value::None]);
    exec.cells[1] = ONE;
    let reason = "EXEC_STMT: what stands for cell variable 1 is no cell";
    exec.refuses("EXEC_STMT", 0, reason);
    exec.stack[1] = Value::Dict;
    exec.passes("EXEC_STMT", 0);
}

#[test]
fn concatenation_looks_at_the_next_instruction() {
    let mut strings = case(&[Value::Str, Value::Str]);
    let mut after = |next: &'static [u8]| {
        strings.facts.code = Some(next);
        strings.verdict("INPLACE_ADD", 0)
    };
    assert_eq!(after(&[55, 125, 1, 0]), "");
    assert_eq!(after(&[55, 124, 9, 0]), "");
    let reason = "INPLACE_ADD: it looks ahead: STORE_FAST 9: the code object has 2 locals";
    assert_eq!(after(&[55, 125, 9, 0]), reason);
    assert_eq!(after(&[55, 125, 1]), "");
    let reason = "INPLACE_ADD: it looks ahead: \
                  STORE_NAME: the code object has 2 bytes, its operand is beyond them";
    assert_eq!(after(&[55, 90]), reason);
    strings.facts.code = Some(&[55, 90, 0, 0]);
    strings.passes("INPLACE_ADD", 0);
    strings.locals = false;
    let reason = "INPLACE_ADD: it looks ahead: STORE_NAME 0: there are no locals";
    strings.refuses("INPLACE_ADD", 0, reason);
    strings.stack[0] = ONE;
    strings.passes("INPLACE_ADD", 0);
}

#[test]
fn frames_are_sound() {
    let mut odd = case(&[]);
    odd.facts.argcount = 2;
    odd.passes("NOP", 0);
    odd.facts.flags |= 4;
    odd.refuses("NOP", 0, "the code object has 3 arguments and 2 locals");
    let mut odd = case(&[]);
    odd.facts.stacksize = -1;
    odd.passes("NOP", 0);
    let reason = "LOAD_CONST 0: the value stack is full, co_stacksize is -1";
    odd.refuses("LOAD_CONST", 0, reason);
    odd.facts.stacksize = -2;
    odd.refuses("NOP", 0, "co_nlocals is 2, co_stacksize -2");
    odd.facts.stacksize = i32::MAX - 1;
    odd.refuses("NOP", 0, "co_nlocals is 2, co_stacksize 2147483646");
    let mut odd = case(&[]);
    odd.facts.code = None;
    odd.refuses("NOP", 0, "co_code is no string");
    let plan = Plan::new(&case(&[]).facts);
    assert_eq!(said(plan.closed_by(1)), "");
    assert_eq!(said(plan.closed_by(0)), "the code object has 1 free variable, the closure 0 cells");
}

/// Numbers that look random and are the same each time (xorshift64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn number(&mut self) -> i32 {
        match self.below(4) {
            0 => self.next() as i32,
            1 => [i32::MIN, -1, i32::MAX][self.below(3)],
            _ => self.below(12) as i32,
        }
    }

    fn value(&mut self) -> Value {
        use Value::*;
        let int = Int(i64::from(self.number()));
        let many = [
            Null,
            None,
            Bool(true),
            Bool(false),
            int,
            Int(8),
            Int(32),
            Int(i64::MAX),
            Str,
            Unicode,
            Tuple(0),
            Tuple(2),
            Dict,
            Code(0),
            Code(1),
            Cell,
            ExceptionClass,
            Other,
        ];
        many[self.below(many.len())]
    }
}

/// No moment is asked for what it has not (the frame here would panic), and none overflows.
#[test]
fn nothing_panics() {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    for _ in 0..100_000 {
        let length = numbers.below(12);
        let code: Vec<u8> = (0..length).map(|_| numbers.next() as u8).collect();
        let mut random = case(&[]);
        random.stack = (0..numbers.below(9)).map(|_| numbers.value()).collect();
        random.cells = vec![numbers.value(), numbers.value()];
        random.iterators = numbers.below(2) == 0;
        random.locals = numbers.below(2) == 0;
        random.facts.asserts = numbers.below(2) == 0;
        random.facts.argcount = numbers.below(4);
        random.facts.stacksize = numbers.number();
        let blocks: Vec<_> = (0..numbers.below(22))
            .map(|_| {
                let kind =
                    [SETUP_LOOP, SETUP_EXCEPT, SETUP_FINALLY, SETUP_WITH, 7][numbers.below(5)];
                (kind, numbers.number(), numbers.below(9))
            })
            .collect();
        let random = random.blocks(&blocks);
        let facts = Facts { code: Some(&code), ..random.facts };
        let moment = Moment {
            code: &code,
            offset: numbers.below(16),
            next: numbers.below(20),
            opcode: numbers.next() as u8,
            operand: numbers.number(),
            depth: random.stack.len(),
            blocks: &random.blocks,
        };
        let plan = Plan::new(&facts);
        let _ = check(&plan, &moment, &random);
        let _ = fetch(&code, i64::from(numbers.number()));
        if let Some(&block) = random.blocks.last() {
            let _ = enter(&plan, &code, moment.depth, block);
        }
    }
}
