//! Functions as values, and calls of them.

use super::assembler::Kind;
use super::function::Function;
use super::marshal::Constant;
use crate::random::rng::Rng;

/// Functions that take any number of arguments.
const CALLED: [&str; 5] = ["helper", "helper", "OBJ", "OBJ", "len"];

impl Function {
    /// A function: made here, with or without a closure, or an earlier one; how many arguments
    /// it takes.
    pub fn function_value(&mut self) -> usize {
        if self.level == 0 || self.left == 0 || self.asm.rng.chance(40) {
            let current = self.earlier;
            if current > 0 && self.asm.rng.chance(50) {
                let number = self.asm.rng.below(current + 1);
                self.global(&format!("f{number}"));
                return 0;
            }
            let name = self.asm.rng.pick(&CALLED);
            self.global(name);
            return self.asm.rng.below(4);
        }
        self.left -= 1;
        let free = (self.cells + self.free).min(self.asm.rng.below(3));
        let rng = Rng::new(self.asm.rng.next());
        let code = Function::code(rng, self.level - 1, self.earlier, free);
        let arguments = code.arguments as usize;
        let defaults = self.asm.rng.below(arguments + 1);
        (0..defaults).for_each(|_| self.small_constant());
        if free > 0 {
            for _ in 0..free {
                let cell = self.asm.rng.below(self.cells + self.free);
                self.op_with("LOAD_CLOSURE", cell as u32, 0, 1);
            }
            self.op_with("BUILD_TUPLE", free as u32, free, 1);
        }
        self.constant(Constant::Code(Box::new(code)));
        if free > 0 {
            self.op_with("MAKE_CLOSURE", defaults as u32, 2 + defaults, 1);
        } else {
            self.op_with("MAKE_FUNCTION", defaults as u32, 1 + defaults, 1);
        }
        arguments - self.asm.rng.below(defaults + 1)
    }

    /// A call, by one of the four instructions.
    pub fn call(&mut self, depth: usize) {
        let mut wanted = self.function_value();
        if self.asm.rng.chance(5) {
            wanted += 1;
        }
        let way = self.asm.rng.below(8);
        let (sequence, mapping) = (way == 1 || way == 3, way == 2 || way == 3);
        let plain = if sequence { wanted.saturating_sub(2) } else { wanted };
        (0..plain).for_each(|_| self.int(depth.min(1)));
        let keywords = if self.asm.rng.chance(8) { 1 } else { 0 };
        if keywords > 0 {
            let name = self.asm.rng.pick(&["v0", "v1", "other"]);
            self.constant(Constant::text(name));
            self.int(0);
        }
        if sequence {
            self.numbers(wanted - plain);
        }
        if mapping {
            self.asm.op("BUILD_MAP", Some(1), 0, &[Kind::Dict]);
            if self.asm.rng.chance(20) {
                self.small_constant();
                self.constant(Constant::text("v1"));
                self.asm.op("STORE_MAP", None, 2, &[]);
            }
            self.asm.retype(1, Kind::Any);
        }
        let op = match (sequence, mapping) {
            (false, false) => "CALL_FUNCTION",
            (true, false) => "CALL_FUNCTION_VAR",
            (false, true) => "CALL_FUNCTION_KW",
            (true, true) => "CALL_FUNCTION_VAR_KW",
        };
        let pops = 1 + plain + 2 * keywords + usize::from(sequence) + usize::from(mapping);
        self.op_with(op, (plain | keywords << 8) as u32, pops, 1);
    }
}
