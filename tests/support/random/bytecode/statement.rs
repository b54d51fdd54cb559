//! What leaves the stacks as they were; what holds other statements is in `flow`.

use super::assembler::Kind;
use super::expression::NAMES;
use super::function::{Function, VALUES};
use super::marshal::Constant;
use crate::random::rng::Rng;

/// Blocks deeper than this hold simple statements only; the interpreter allows 20.
const DEEPEST: usize = 5;

impl Function {
    /// One statement; behind it code may be unreachable.
    pub fn statement(&mut self, depth: usize) {
        self.left = self.left.saturating_sub(1);
        if depth == 0 && self.asm.rng.chance(85) {
            return self.guarded();
        }
        if depth < DEEPEST && self.left > 0 && self.asm.rng.chance(50) {
            return self.compound(depth);
        }
        match self.asm.rng.below(24) {
            0..=4 => {
                if self.asm.rng.chance(70) {
                    self.int(3);
                } else {
                    self.any(3);
                }
                self.store();
            }
            5..=6 => self.print(),
            7 | 21 => self.subscript(),
            8 => self.attribute(),
            9 => self.delete(),
            10 => self.execute(),
            11 => self.import(),
            12 => self.unpack(),
            13 => self.append(),
            14 => self.class(),
            15..=16 => {
                self.call(2);
                self.store();
            }
            17 => self.generator_step(),
            18 => {
                self.op("LOAD_LOCALS", 0, 1);
                self.op("POP_TOP", 1, 0);
            }
            19 => self.stack_work(),
            20 if self.generator() || self.asm.rng.chance(4) => {
                self.any(1);
                self.op("YIELD_VALUE", 1, 1);
                self.store();
            }
            22 if self.asm.rng.chance(40) => self.signal(),
            _ => self.oddity(),
        }
    }

    /// A statement whose exceptions end there.
    fn guarded(&mut self) {
        let (caught, done) = (self.asm.label(), self.asm.label());
        let state = self.asm.here();
        self.asm.jump("SETUP_EXCEPT", caught);
        self.statement(1);
        if self.asm.reachable() {
            self.asm.pop_block();
            self.asm.jump("JUMP_FORWARD", done);
        }
        self.asm.place(caught);
        (0..3).for_each(|_| self.op("POP_TOP", 1, 0));
        self.asm.place_with(done, &state);
    }

    /// Several statements, as long as the end of each can be reached.
    pub fn body(&mut self, depth: usize) {
        let early = if self.loops.is_empty() { 5 } else { 30 };
        if self.asm.rng.chance(early) {
            self.leave_or_not();
        }
        for _ in 0..self.asm.rng.range(1, 3) {
            if self.asm.reachable() {
                self.statement(depth);
            }
        }
        if self.asm.reachable() && self.asm.rng.chance(20) {
            self.leave_or_not();
        }
        if self.asm.reachable() && self.asm.rng.chance(15) {
            self.leave();
        }
    }

    /// Takes the topmost value.
    pub fn store(&mut self) {
        let name = self.asm.rng.pick(&NAMES);
        match self.asm.rng.below(12) {
            0 => self.named("STORE_NAME", name, 1, 0),
            1 => self.named("STORE_GLOBAL", name, 1, 0),
            2 if self.cells + self.free > 0 => {
                let cell = self.asm.rng.below(self.cells + self.free);
                self.op_with("STORE_DEREF", cell as u32, 1, 0);
            }
            3..=4 => self.op("POP_TOP", 1, 0),
            _ => {
                let local = self.asm.rng.below(VALUES);
                self.op_with("STORE_FAST", local as u32, 1, 0);
            }
        }
    }

    fn print(&mut self) {
        match self.asm.rng.below(5) {
            0 => {
                self.any(2);
                // What shows an address is printed at once.
                self.op("UNARY_CONVERT", 1, 1);
                self.op("PRINT_ITEM", 1, 0);
            }
            1 => {
                self.int(2);
                let stream = self.asm.rng.pick(&["OUT", "OBJ", "p"]);
                self.global(stream);
                self.op("PRINT_ITEM_TO", 2, 0);
                self.global("OUT");
                self.op("PRINT_NEWLINE_TO", 1, 0);
            }
            2 => {
                self.int(2);
                self.op("PRINT_EXPR", 1, 0);
            }
            _ => {
                self.int(2);
                self.op("PRINT_ITEM", 1, 0);
            }
        }
        self.op("PRINT_NEWLINE", 0, 0);
    }

    fn sequence(&mut self) {
        let rng = &mut self.asm.rng;
        match rng.below(3) {
            0 => self.global("OBJ"),
            _ => {
                (0..4).for_each(|_| self.int(0));
                self.op_with("BUILD_LIST", 4, 4, 1);
                if self.asm.rng.chance(30) {
                    self.op("DUP_TOP", 1, 2);
                    self.op_with("STORE_FAST", 0, 1, 0);
                }
            }
        }
    }

    fn subscript(&mut self) {
        match self.asm.rng.below(5) {
            0 => {
                self.int(1);
                self.sequence();
                self.int(1);
                self.op("STORE_SUBSCR", 3, 0);
            }
            1 => {
                self.sequence();
                self.int(1);
                self.op("DELETE_SUBSCR", 2, 0);
            }
            2 => {
                self.display(1);
                self.sequence();
                self.slice(1, "STORE_SLICE", 0);
            }
            3 => {
                self.sequence();
                self.slice(1, "DELETE_SLICE", 0);
            }
            _ => {
                self.sequence();
                self.slice(1, "SLICE", 1);
                self.store();
            }
        }
    }

    fn attribute(&mut self) {
        let name = self.asm.rng.pick(&NAMES);
        match self.asm.rng.below(3) {
            0 => {
                self.int(1);
                self.global("OBJ");
                self.named("STORE_ATTR", name, 2, 0);
            }
            1 => {
                self.global("OBJ");
                self.named("DELETE_ATTR", name, 1, 0);
            }
            _ => {
                self.int(1);
                self.named("LOAD_ATTR", b"real", 1, 1);
                self.store();
            }
        }
    }

    fn delete(&mut self) {
        // Not what other functions count on.
        let name = self.asm.rng.pick(&NAMES[3..]);
        let local = self.asm.rng.below(VALUES) as u32;
        let kind = self.asm.rng.below(3);
        if self.asm.rng.chance(70) {
            self.int(0);
            match kind {
                0 => self.named("STORE_NAME", name, 1, 0),
                1 => self.named("STORE_GLOBAL", name, 1, 0),
                _ => self.op_with("STORE_FAST", local, 1, 0),
            }
        }
        match kind {
            0 => self.named("DELETE_NAME", name, 0, 0),
            1 => self.named("DELETE_GLOBAL", name, 0, 0),
            _ => self.op_with("DELETE_FAST", local, 0, 0),
        }
    }

    /// `exec` of a string, of a code object, of what it refuses.
    fn execute(&mut self) {
        let texts = [
            "p = 1\nq = p + 2\n",
            "for q in range(3): print q,",
            "raise Trouble(5)",
            "p = = q",
            "try: v0 = v1\nfinally: r = 3",
            "def p(): return 3\n",
        ];
        if self.level > 0 && self.left > 0 && self.asm.rng.chance(40) {
            self.left -= 1;
            let rng = Rng::new(self.asm.rng.next());
            let code = Function::code(rng, self.level - 1, self.earlier, 0);
            self.constant(Constant::Code(Box::new(code)));
        } else if self.asm.rng.chance(10) {
            self.int(1);
        } else {
            let text = self.asm.rng.pick(&texts);
            self.constant(Constant::text(text));
        }
        self.constant(Constant::None);
        self.op("DUP_TOP", 1, 2);
        self.op("EXEC_STMT", 3, 0);
    }

    fn import(&mut self) {
        if self.asm.rng.chance(20) {
            let object = self.asm.rng.pick(&["STAR", "STAR", "OBJ", "p"]);
            self.global(object);
            return self.op("IMPORT_STAR", 1, 0);
        }
        let level = [-1, 0][self.asm.rng.below(2)];
        self.constant(Constant::Int(level));
        self.constant(Constant::None);
        let modules = [("sys", "maxint"), ("errno", "EPERM"), ("sys", "no"), ("no_such", "no")];
        let (module, name) = modules[self.asm.rng.below(modules.len())];
        self.named("IMPORT_NAME", module.as_bytes(), 2, 1);
        self.named("IMPORT_FROM", name.as_bytes(), 1, 2);
        self.store();
        self.op("POP_TOP", 1, 0);
    }

    fn unpack(&mut self) {
        let len = self.asm.rng.below(5);
        match self.asm.rng.below(3) {
            0 => self.iterable(1),
            1 => {
                (0..len).for_each(|_| self.int(0));
                let op = self.asm.rng.pick(&["BUILD_TUPLE", "BUILD_LIST"]);
                self.op_with(op, len as u32, len, 1);
            }
            _ => self.sequence(),
        }
        self.op_with("UNPACK_SEQUENCE", len as u32, 1, len);
        (0..len).for_each(|_| self.store());
    }

    /// What comprehensions do, with what they do it to further down the stack.
    fn append(&mut self) {
        let between = self.asm.rng.below(3);
        let kind = self.asm.rng.below(4);
        match kind {
            0 => self.op_with("BUILD_LIST", 0, 0, 1),
            1 => self.op_with("BUILD_SET", 0, 0, 1),
            2 => self.asm.op("BUILD_MAP", Some(0), 0, &[Kind::Dict]),
            _ => self.int(1),
        }
        (0..between).for_each(|_| self.int(0));
        self.int(1);
        let below = between as u32 + 1;
        match kind {
            0 => self.op_with("LIST_APPEND", below, 1, 0),
            1 => self.op_with("SET_ADD", below, 1, 0),
            2 => {
                self.int(0);
                self.op_with("MAP_ADD", below, 2, 0);
            }
            // A number is no list: that is found out.
            _ => self.op_with("LIST_APPEND", below, 1, 0),
        }
        (0..between).for_each(|_| self.op("POP_TOP", 1, 0));
        if kind == 2 {
            self.asm.retype(1, Kind::Any);
        }
        self.store();
    }

    fn class(&mut self) {
        self.constant(Constant::text("C"));
        match self.asm.rng.below(4) {
            0 => self.op_with("BUILD_TUPLE", 0, 0, 1),
            1 => self.int(0),
            _ => {
                let base = self.asm.rng.pick(&["Trouble", "Manager", "object"]);
                self.global(base);
                self.op_with("BUILD_TUPLE", 1, 1, 1);
            }
        }
        if self.asm.rng.chance(50) {
            self.op_with("BUILD_MAP", 0, 0, 1);
        } else {
            self.op("LOAD_LOCALS", 0, 1);
        }
        self.op("BUILD_CLASS", 3, 1);
        self.op("POP_TOP", 1, 0);
    }

    /// Resumes what may be a generator.
    fn generator_step(&mut self) {
        if self.asm.rng.chance(40) {
            self.global("generate");
            self.int(0);
            self.op_with("CALL_FUNCTION", 1, 2, 1);
            self.op("DUP_TOP", 1, 2);
            self.op_with("STORE_FAST", 1, 1, 0);
        } else {
            let local = self.asm.rng.below(VALUES);
            self.op_with("LOAD_FAST", local as u32, 0, 1);
        }
        let how = self.asm.rng.below(5);
        let method = ["next", "send", "throw", "close", "next"][how];
        self.named("LOAD_ATTR", method.as_bytes(), 1, 1);
        let arguments = match how {
            1 => {
                self.constant(Constant::None);
                1
            }
            2 => {
                let kind = self.asm.rng.pick(&["Trouble", "StopIteration", "GeneratorExit"]);
                self.global(kind);
                1
            }
            _ => 0,
        };
        self.op_with("CALL_FUNCTION", arguments, 1 + arguments as usize, 1);
        self.store();
    }

    /// A signal, whose handler runs before the next instruction.
    fn signal(&mut self) {
        ["kill", "PID", "SIGNAL"].into_iter().for_each(|name| self.global(name));
        self.op_with("CALL_FUNCTION", 2, 3, 1);
        if self.left > 0 && self.asm.rng.chance(50) {
            self.statement(1);
        }
        if self.asm.reachable() {
            self.op("POP_TOP", 1, 0);
        }
    }

    /// Values that are turned round on the stack, and a statement above them.
    fn stack_work(&mut self) {
        let count = self.asm.rng.range(4, 6);
        (0..count).for_each(|_| self.int(0));
        for _ in 0..self.asm.rng.below(4) {
            match self.asm.rng.below(4) {
                0 => self.op("ROT_TWO", 2, 2),
                1 => self.op("ROT_THREE", 3, 3),
                2 => self.op("ROT_FOUR", 4, 4),
                _ => {
                    let count = self.asm.rng.range(2, 3);
                    self.op_with("DUP_TOPX", count as u32, count, 2 * count);
                    (0..count).for_each(|_| self.op("POP_TOP", 1, 0));
                }
            }
        }
        if self.left > 0 {
            self.statement(5);
        }
        if self.asm.reachable() {
            (0..count).for_each(|_| self.op("POP_TOP", 1, 0));
        }
    }
}
