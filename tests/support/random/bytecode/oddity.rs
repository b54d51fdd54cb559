//! What only hands write: jumps into operands, prefixes without need, code that is read twice.
//!
//! Each leaves the stacks as they were.

use super::assembler::{Kind, number};
use super::function::Function;
use super::marshal::Constant;
use bytecode::opcode::EXTENDED_ARG;

impl Function {
    pub fn oddity(&mut self) {
        match self.asm.rng.below(7) {
            0..=1 => self.in_a_prefix(),
            2 => self.in_a_constant(),
            3 => self.prefixes(),
            4 => self.hops(),
            5 if self.generator() => self.prefixed_yield(),
            5 => self.no_reason(),
            _ => {
                let over = self.asm.label();
                let len = self.asm.rng.range(1, 200);
                let op = self.asm.rng.pick(&["JUMP_FORWARD", "JUMP_ABSOLUTE"]);
                self.asm.jump(op, over);
                self.asm.junk(len);
                self.asm.place(over);
            }
        }
    }

    /// `EXTENDED_ARG x y; NOP z w`: read from its start all is ignored, read from its second
    /// byte x, y, NOP, z and w are instructions.
    fn in_a_prefix(&mut self) {
        let [nop, dup, pop] = ["NOP", "DUP_TOP", "POP_TOP"].map(number);
        let [rotate, not] = ["ROT_TWO", "UNARY_NOT"].map(number);
        let plain = self.asm.here().stack.iter().rev().take(2).filter(|k| **k == Kind::Any).count();
        let mut hidden = vec![[nop; 4], [0, nop, nop, nop], [nop, nop, nop, 6]];
        if plain > 0 {
            hidden.extend([[dup, pop, nop, nop], [dup, not, pop, nop], [nop, dup, nop, pop]]);
        }
        if plain > 1 {
            hidden.extend([[rotate, nop, rotate, nop], [dup, rotate, rotate, pop]]);
        }
        let [x, y, z, w] = hidden[self.asm.rng.below(hidden.len())];
        self.read_twice(&[EXTENDED_ARG, x, y, nop, z, w]);
    }

    /// The operand of a `LOAD_CONST` is an unknown opcode, or a known one and then `STOP_CODE`.
    fn in_a_constant(&mut self) {
        let wanted = [6, 7, 8, number("NOP")][self.asm.rng.below(4)];
        while self.asm.constants.len() <= usize::from(wanted) {
            let fill = self.asm.constants.len() as i32;
            self.asm.constants.push(Constant::Int(fill));
        }
        self.read_twice(&[number("LOAD_CONST"), wanted, 0, number("POP_TOP")]);
    }

    /// Bytes that are run from their first or their second one on.
    fn read_twice(&mut self, bytes: &[u8]) {
        let second = self.asm.label();
        self.condition(1);
        self.asm.jump("POP_JUMP_IF_TRUE", second);
        self.asm.place_ahead(second, 1);
        self.asm.raw(bytes);
        // Either way may have had a value more for a while.
        self.asm.push(Kind::Any);
        self.asm.pop();
        if self.asm.rng.chance(30) {
            // Both ways in one run.
            self.condition(0);
            let out = self.asm.label();
            self.asm.jump("POP_JUMP_IF_FALSE", out);
            self.burn(out);
            self.asm.jump("JUMP_ABSOLUTE", second);
            self.asm.place(out);
        }
    }

    /// Prefixes in a row, before an instruction that ignores its operand or bears it.
    fn prefixes(&mut self) {
        for _ in 0..self.asm.rng.range(1, 4) {
            self.asm.raw(&[EXTENDED_ARG]);
            self.asm.junk(2);
        }
        self.asm.raw(&[number("NOP")]);
        self.asm.junk(2);
        if self.asm.rng.chance(50) {
            self.int(0);
            self.int(0);
            // Two values are taken unless the operand is 3.
            let high = self.asm.rng.range(1, 0xffff) as u32;
            self.op_with("BUILD_SLICE", high << 16 | 3, 2, 1);
            self.op("POP_TOP", 1, 0);
        }
    }

    /// Jumps to jumps.
    fn hops(&mut self) {
        let out = self.asm.label();
        let hops: Vec<_> = (0..self.asm.rng.range(2, 4)).map(|_| self.asm.label()).collect();
        let mut order: Vec<usize> = (0..hops.len()).collect();
        self.asm.rng.shuffle(&mut order);
        let state = self.asm.here();
        self.asm.jump("JUMP_ABSOLUTE", hops[0]);
        for hop in order {
            self.asm.place_with(hops[hop], &state);
            let op = self.asm.rng.pick(&["JUMP_FORWARD", "JUMP_ABSOLUTE"]);
            self.asm.jump(op, hops.get(hop + 1).copied().unwrap_or(out));
        }
        self.asm.place(out);
    }

    /// A generator goes on one byte behind where its last instruction began: in the prefix.
    fn prefixed_yield(&mut self) {
        let [nop, resume] = ["NOP", "YIELD_VALUE"].map(number);
        self.int(1);
        // Resumed at the first NOP, it yields what was sent; resumed again, it passes the others.
        self.asm.raw(&[EXTENDED_ARG, nop, nop, resume, nop, nop]);
        self.store();
    }

    /// `END_FINALLY` of None and of WHY_NOT goes on.
    fn no_reason(&mut self) {
        let reason = [Constant::None, Constant::Int(1)][self.asm.rng.below(2)].clone();
        self.constant(reason);
        self.op("END_FINALLY", 1, 0);
    }
}
