//! What leaves one value on the stack.
//!
//! Numbers stay small. Whatever may show an address (`repr` of a function, say) is made only where
//! it is printed or dropped at once. What is ordered is numbers and strings.

use super::assembler::Kind;
use super::function::{Function, VALUES};
use super::marshal::Constant;

/// Names that functions store to and load from, as names, globals and attributes.
pub const NAMES: [&[u8]; 7] = [b"p", b"q", b"r", b"", b"x", b"new\nline", b"nul\0inside"];

impl Function {
    /// A small number, or what raises.
    pub fn int(&mut self, depth: usize) {
        if depth == 0 || self.asm.rng.chance(25) {
            return match self.asm.rng.below(3) {
                0 => self.small_constant(),
                1 => self.masked_local(255),
                _ => {
                    self.variable();
                    self.mask(63);
                }
            };
        }
        let depth = depth - 1;
        match self.asm.rng.below(22) {
            0..=5 => {
                let ops = [
                    "ADD",
                    "SUBTRACT",
                    "MULTIPLY",
                    "DIVIDE",
                    "MODULO",
                    "FLOOR_DIVIDE",
                    "AND",
                    "XOR",
                    "OR",
                    "RSHIFT",
                    "TRUE_DIVIDE",
                ];
                self.int(depth);
                self.int(depth);
                self.binary(&ops);
            }
            6 => {
                let op = self.asm.rng.below(2);
                self.int(depth);
                self.mask(7);
                self.masked_local(7);
                self.binary(&[["POWER", "LSHIFT"][op]]);
            }
            7..=8 => {
                self.int(depth);
                let ops = ["UNARY_POSITIVE", "UNARY_NEGATIVE", "UNARY_NOT", "UNARY_INVERT"];
                let op = self.asm.rng.pick(&ops);
                self.op(op, 1, 1);
            }
            9..=10 => self.condition(depth),
            11 => {
                self.global("len");
                self.string(depth);
                self.op_with("CALL_FUNCTION", 1, 2, 1);
            }
            12 => {
                let over = self.asm.label();
                let ops = ["JUMP_IF_FALSE_OR_POP", "JUMP_IF_TRUE_OR_POP"];
                let op = self.asm.rng.pick(&ops);
                self.int(depth);
                self.asm.jump(op, over);
                self.int(depth);
                self.asm.place(over);
            }
            13 => {
                self.numbers(3);
                self.int(depth);
                self.op("BINARY_SUBSCR", 2, 1);
            }
            14..=15 => {
                // Python code in the place of an operator.
                self.global("OBJ");
                self.int(depth);
                if self.asm.rng.chance(30) {
                    self.op("ROT_TWO", 2, 2);
                }
                let ops = [
                    "ADD",
                    "SUBTRACT",
                    "MULTIPLY",
                    "DIVIDE",
                    "MODULO",
                    "AND",
                    "LSHIFT",
                    "POWER",
                    "TRUE_DIVIDE",
                    "FLOOR_DIVIDE",
                    "OR",
                    "XOR",
                    "RSHIFT",
                ];
                self.binary(&ops);
            }
            16 => {
                self.global("OBJ");
                let ops = ["UNARY_POSITIVE", "UNARY_NEGATIVE", "UNARY_NOT", "UNARY_INVERT"];
                let op = self.asm.rng.pick(&ops);
                self.op(op, 1, 1);
            }
            17 => {
                self.global("OBJ");
                let name = self.asm.rng.pick(&NAMES);
                self.named("LOAD_ATTR", name, 1, 1);
            }
            18 => {
                self.global("OBJ");
                self.int(depth);
                self.op("BINARY_SUBSCR", 2, 1);
            }
            _ => {
                self.call(depth);
                self.mask(127);
            }
        }
    }

    fn binary(&mut self, ops: &[&str]) {
        let op = self.asm.rng.pick(ops);
        let kind = if self.asm.rng.chance(75) { "BINARY" } else { "INPLACE" };
        self.op(&format!("{kind}_{op}"), 2, 1);
    }

    pub fn small_constant(&mut self) {
        let value = self.asm.rng.below(20) as i32 - 4;
        self.constant(Constant::Int(value));
    }

    /// A local variable; those that have no value are few.
    fn local(&mut self) {
        let rng = &mut self.asm.rng;
        let index = if rng.chance(95) { rng.below(4) } else { rng.below(VALUES) };
        self.op_with("LOAD_FAST", index as u32, 0, 1);
    }

    fn masked_local(&mut self, mask: i32) {
        self.local();
        self.mask(mask);
    }

    fn mask(&mut self, mask: i32) {
        self.constant(Constant::Int(mask));
        self.op("BINARY_AND", 2, 1);
    }

    /// A variable of any kind: local, global, by name, of a cell.
    fn variable(&mut self) {
        let name = self.asm.rng.pick(&NAMES);
        match self.asm.rng.below(4) {
            0 => self.named("LOAD_NAME", name, 0, 1),
            1 if self.cells + self.free > 0 => {
                let cell = self.asm.rng.below(self.cells + self.free);
                self.op_with("LOAD_DEREF", cell as u32, 0, 1);
            }
            2 => {
                let name = self.asm.rng.pick(&[&b"p"[..], b"q", b"r"]);
                self.named("LOAD_GLOBAL", name, 0, 1);
            }
            _ => self.local(),
        }
    }

    /// A truth value.
    pub fn condition(&mut self, depth: usize) {
        match self.asm.rng.below(8) {
            0..=3 => {
                self.int(depth);
                self.int(depth);
                let op = [0, 1, 2, 3, 4, 5, 8, 9][self.asm.rng.below(8)];
                self.op_with("COMPARE_OP", op, 2, 1);
            }
            4 => {
                self.int(depth);
                self.numbers(2);
                let op = self.asm.rng.range(6, 7) as u32;
                self.op_with("COMPARE_OP", op, 2, 1);
            }
            5 => {
                self.any(depth);
                self.any(depth);
                let op = [2, 3, 8, 9][self.asm.rng.below(4)];
                self.op_with("COMPARE_OP", op, 2, 1);
            }
            6 => {
                self.global("OBJ");
                self.int(depth);
                let op = self.asm.rng.below(6) as u32;
                self.op_with("COMPARE_OP", op, 2, 1);
            }
            _ => self.int(depth),
        }
    }

    /// A constant tuple of numbers.
    pub fn numbers(&mut self, len: usize) {
        let rng = &mut self.asm.rng;
        let items = (0..len).map(|_| Constant::Int(rng.below(9) as i32)).collect();
        self.constant(Constant::Tuple(items));
    }

    /// A string that shows no address.
    pub fn string(&mut self, depth: usize) {
        let texts = ["", "abc", "x\ny", "a rather long string, of more than one line\n", "%"];
        let text = self.asm.rng.pick(&texts);
        self.constant(Constant::text(text));
        let depth = depth.min(1);
        match self.asm.rng.below(8) {
            0 => {
                self.constant(Constant::text("more"));
                self.binary(&["ADD"]);
            }
            1 => self.slice(depth, "SLICE", 1),
            2 => {
                self.op("POP_TOP", 1, 0);
                self.constant(Constant::text("%s|%d"));
                self.int(depth);
                self.int(depth);
                self.op_with("BUILD_TUPLE", 2, 2, 1);
                self.binary(&["MODULO"]);
            }
            3 => {
                self.op("POP_TOP", 1, 0);
                self.int(depth);
                self.op("UNARY_CONVERT", 1, 1);
            }
            4 => {
                self.int(depth);
                self.op("BINARY_SUBSCR", 2, 1);
            }
            _ => {}
        }
    }

    /// One of the four `SLICE+n`, `STORE_SLICE+n`, `DELETE_SLICE+n`; the sequence is there.
    pub fn slice(&mut self, depth: usize, op: &str, pushes: usize) {
        let kind = self.asm.rng.below(4);
        let bounds = [0, 1, 1, 2][kind];
        (0..bounds).for_each(|_| self.int(depth));
        let values = if op == "STORE_SLICE" { 2 } else { 1 };
        self.op(&format!("{op}+{kind}"), bounds + values, pushes);
    }

    /// A value of any type.
    pub fn any(&mut self, depth: usize) {
        match self.asm.rng.below(14) {
            0..=3 => self.int(depth),
            4 => self.string(depth),
            5 => self.odd_constant(),
            6 => self.variable(),
            7 if depth > 0 => self.display(depth - 1),
            8 if depth > 0 => {
                let _ = self.function_value();
            }
            9 if depth > 0 => self.call(depth - 1),
            10 => self.global("OBJ"),
            11 if depth > 0 => {
                self.int(depth - 1);
                self.constant(Constant::None);
                let parts = self.asm.rng.range(2, 3);
                if parts == 3 {
                    self.small_constant();
                }
                self.op_with("BUILD_SLICE", parts as u32, parts, 1);
            }
            12 => {
                self.global("generate");
                self.small_constant();
                self.op_with("CALL_FUNCTION", 1, 2, 1);
            }
            _ => self.constant(Constant::None),
        }
    }

    fn odd_constant(&mut self) {
        let constants = [
            Constant::Ellipsis,
            Constant::StopIteration,
            Constant::Bool(true),
            Constant::Long(vec![1, 2, 3]),
            Constant::Float(-2.5),
            Constant::Complex(1.0, -3.0),
            Constant::Bytes(vec![0xff, 0, b'\n']),
            Constant::Unicode("gr\u{fc}n \u{20ac}"),
            Constant::Tuple(vec![Constant::None, Constant::Tuple(vec![]), Constant::Float(0.1)]),
            Constant::FrozenSet(vec![Constant::Int(4), Constant::Int(2)]),
        ];
        let constant = constants[self.asm.rng.below(constants.len())].clone();
        self.constant(constant);
    }

    /// A tuple, list, set or dict of numbers.
    pub fn display(&mut self, depth: usize) {
        let len = self.asm.rng.below(4);
        match self.asm.rng.below(4) {
            3 => {
                let hint = self.asm.rng.below(9) as u32;
                self.asm.op("BUILD_MAP", Some(hint), 0, &[Kind::Dict]);
                for _ in 0..len {
                    self.int(depth);
                    self.int(0);
                    self.asm.op("STORE_MAP", None, 2, &[]);
                }
                self.asm.retype(1, Kind::Any);
            }
            kind => {
                (0..len).for_each(|_| self.int(depth));
                let op = ["BUILD_TUPLE", "BUILD_LIST", "BUILD_SET"][kind];
                self.op_with(op, len as u32, len, 1);
            }
        }
    }

    /// Something to go through, in a few steps.
    pub fn iterable(&mut self, depth: usize) {
        match self.asm.rng.below(7) {
            0..=1 => self.numbers(4),
            2 => self.string(depth),
            3 => self.display(depth),
            4 => {
                self.global("generate");
                self.int(0);
                self.op_with("CALL_FUNCTION", 1, 2, 1);
            }
            5 => self.global("OBJ"),
            _ => self.any(depth),
        }
    }
}
