//! A code object as it grows: its variables, how it starts and how it ends.

use super::LEVELS;
use super::assembler::{Assembler, Kind, Label, State, number};
use super::marshal::{Code, Constant};
use crate::random::rng::Rng;

/// Local variables: any values, then the counter that bounds loops.
pub const VALUES: usize = 7;
const COUNTER: u32 = VALUES as u32;
/// Loops of a frame end when it has gone back this often.
const TURNS: i32 = 14;

const OPTIMIZED: u32 = 1;
const NEWLOCALS: u32 = 2;
const VARARGS: u32 = 4;
const VARKEYWORDS: u32 = 8;
const GENERATOR: u32 = 32;
const NOFREE: u32 = 64;

/// A function in the making.
pub struct Function {
    pub asm: Assembler,
    /// How many levels of functions may be inside.
    pub level: usize,
    /// Statements that may still come.
    pub left: usize,
    /// The heads of the loops that have a block here, the innermost last.
    pub loops: Vec<Label>,
    /// Earlier functions of the file, by number.
    pub earlier: usize,
    pub arguments: usize,
    pub flags: u32,
    pub cells: usize,
    pub free: usize,
    /// Behind the last byte.
    pub end: Label,
    /// Code near the start that returns: an operand of one byte reaches it.
    pub early: Option<(Label, usize)>,
}

impl Function {
    fn new(rng: Rng, level: usize, earlier: usize) -> Function {
        let mut asm = Assembler::new(rng);
        let end = asm.label();
        Function {
            asm,
            level,
            left: 0,
            loops: Vec::new(),
            earlier,
            arguments: 0,
            flags: 0,
            cells: 0,
            free: 0,
            end,
            early: None,
        }
    }

    /// The module's own code, which has fast locals here.
    pub fn module(rng: Rng) -> Function {
        let mut module = Function::new(rng, LEVELS, 0);
        module.flags = NOFREE;
        module.variables();
        module
    }

    /// A function of its own choice, with `free` variables.
    pub fn code(rng: Rng, level: usize, earlier: usize, free: usize) -> Code {
        let mut function = Function::new(rng, level, earlier);
        function.free = free;
        function.header();
        function.left = if level == LEVELS {
            function.asm.rng.range(12, 40)
        } else {
            function.asm.rng.range(2, 8)
        };
        while function.left > 0 && function.asm.reachable() {
            function.statement(0);
        }
        function.end();
        let names: Vec<Vec<u8>> = (0..free).map(|n| format!("free{n}").into_bytes()).collect();
        function.finish(&names)
    }

    /// How it is called, and what runs first.
    fn header(&mut self) {
        let rng = &mut self.asm.rng;
        self.flags = [OPTIMIZED | NEWLOCALS, OPTIMIZED | NEWLOCALS, NEWLOCALS, 0][rng.below(4)];
        self.arguments = if self.level == LEVELS { 0 } else { rng.below(3) };
        if rng.chance(20) {
            self.flags |= VARARGS;
        }
        if rng.chance(20) {
            self.flags |= VARKEYWORDS;
        }
        if rng.chance(25) {
            self.flags |= GENERATOR;
        }
        self.cells = if rng.chance(30) { rng.range(1, 2) } else { 0 };
        if self.cells + self.free == 0 && rng.chance(80) {
            self.flags |= NOFREE;
        }
        if rng.chance(3) {
            self.far();
        }
        match self.asm.rng.below(100) {
            0..=5 => (0..300).for_each(|n| self.asm.constants.push(Constant::Int(n))),
            6..=8 => (0..300).for_each(|n| self.asm.names.push(format!("n{n}").into())),
            _ => {}
        }
        if self.asm.rng.chance(30) {
            let (start, early) = (self.asm.label(), self.asm.label());
            self.asm.jump("JUMP_ABSOLUTE", start);
            let at = self.asm.len();
            self.asm.place_with(early, &State::default());
            self.constant(Constant::text("early"));
            self.asm.leave("RETURN_VALUE", None, 1);
            self.early = Some((early, at));
            self.asm.place(start);
        }
        self.burn_fuel();
        self.variables();
    }

    /// Takes from the file's fuel; returns where there is none.
    fn burn_fuel(&mut self) {
        let (spent, go) = (self.asm.label(), self.asm.label());
        self.global("FUEL");
        self.asm.retype(1, Kind::Iterator);
        self.asm.jump("FOR_ITER", spent);
        self.op("POP_TOP", 1, 0);
        self.op("POP_TOP", 1, 0);
        self.asm.jump("JUMP_FORWARD", go);
        self.asm.place(spent);
        self.constant(Constant::None);
        self.asm.leave("RETURN_VALUE", None, 1);
        self.asm.place(go);
    }

    /// The code grows beyond what 16 bits reach.
    fn far(&mut self) {
        self.asm.wide = true;
        let over = self.asm.label();
        self.asm.jump("JUMP_FORWARD", over);
        self.asm.junk(66_000);
        self.asm.place(over);
    }

    fn variables(&mut self) {
        self.constant(Constant::Int(TURNS));
        self.op_with("STORE_FAST", COUNTER, 1, 0);
        for local in self.arguments..4 {
            let value = self.asm.rng.below(9) as i32;
            // The names of `*rest` and `**more` keep what was passed, now and then.
            if self.asm.rng.chance(95) {
                self.constant(Constant::Int(value));
                self.op_with("STORE_FAST", local as u32, 1, 0);
            }
        }
        for cell in 0..self.cells {
            if self.asm.rng.chance(90) {
                self.constant(Constant::Int(2));
                self.op_with("STORE_DEREF", cell as u32, 1, 0);
            }
        }
    }

    /// Counts a turn, and leaves for `spent` if it was the last one.
    pub fn burn(&mut self, spent: Label) {
        self.op_with("LOAD_FAST", COUNTER, 0, 1);
        self.constant(Constant::Int(1));
        let op = self.asm.rng.pick(&["BINARY_SUBTRACT", "INPLACE_SUBTRACT"]);
        self.op(op, 2, 1);
        self.op("DUP_TOP", 1, 2);
        self.op_with("STORE_FAST", COUNTER, 1, 0);
        self.constant(Constant::Int(0));
        self.op_with("COMPARE_OP", 1, 2, 1);
        self.asm.jump("POP_JUMP_IF_TRUE", spent);
    }

    /// Makes a function of the file and runs it, by the driver or by hand.
    pub fn program(&mut self, number: usize) {
        let rng = Rng::new(self.asm.rng.next());
        let code = Function::code(rng, LEVELS, number, 0);
        self.constant(Constant::Code(Box::new(code)));
        self.op_with("MAKE_FUNCTION", 0, 1, 1);
        self.op("DUP_TOP", 1, 2);
        self.named("STORE_NAME", format!("f{number}").as_bytes(), 1, 0);
        self.earlier = number + 1;
        if self.asm.rng.chance(70) {
            self.named("LOAD_NAME", b"run", 0, 1);
            self.op("ROT_TWO", 2, 2);
            self.op_with("CALL_FUNCTION", 1, 2, 1);
            self.op("POP_TOP", 1, 0);
            return;
        }
        self.op("POP_TOP", 1, 0);
        self.global("refuel");
        self.op_with("CALL_FUNCTION", 0, 1, 1);
        self.op("POP_TOP", 1, 0);
        let (caught, done) = (self.asm.label(), self.asm.label());
        self.asm.jump("SETUP_EXCEPT", caught);
        self.global(&format!("f{number}"));
        self.op_with("CALL_FUNCTION", 0, 1, 1);
        self.op("POP_TOP", 1, 0);
        self.left = self.asm.rng.below(4);
        while self.left > 0 && self.asm.reachable() {
            // None that leaves the module.
            self.statement(5);
        }
        if self.asm.reachable() {
            self.asm.pop_block();
            self.asm.jump("JUMP_FORWARD", done);
        }
        self.asm.place(caught);
        (0..3).for_each(|_| self.op("POP_TOP", 1, 0));
        self.asm.place(done);
    }

    /// The last instructions: a way to return, or none, so that the code runs off its end.
    pub fn end(&mut self) {
        if self.asm.reachable() {
            match self.asm.rng.below(10) {
                0 => {}
                1 => self.unknown(),
                2 => self.raise(),
                _ => {
                    self.any(2);
                    self.asm.leave("RETURN_VALUE", None, 1);
                }
            }
        }
        if let Some((_, at)) = self.early.filter(|(_, at)| *at < 256)
            && self.asm.rng.chance(50)
        {
            // Its high byte is the NUL behind the string.
            self.asm.place_with(self.end, &State::default());
            self.asm.raw(&[number("JUMP_ABSOLUTE"), at as u8]);
        } else {
            self.asm.place_with(self.end, &State::default());
        }
    }

    /// The code object.
    pub fn finish(mut self, free: &[Vec<u8>]) -> Code {
        let rng = &mut self.asm.rng;
        let names = ["f", "", "two\nlines", "<lambda>", "a b", "%s", "nul\0", "f> 0 NOP"];
        let name = rng.pick(&names).as_bytes().to_vec();
        let first_line = rng.range(1, 500) as u32;
        let line_table = (0..2 * rng.below(9)).map(|_| rng.below(256) as u8).collect();
        let mut locals: Vec<Vec<u8>> = (0..VALUES).map(|n| format!("v{n}").into()).collect();
        locals.push(b"left".into());
        // The first argument's own name makes a cell of it.
        let cells = (0..self.cells).map(|n| format!("{}{n}", rng.pick(&["cell", "v"])).into());
        let cells = cells.collect();
        Code {
            arguments: self.arguments as u32,
            flags: self.flags,
            name,
            first_line,
            line_table,
            locals,
            cells,
            free: free.to_vec(),
            ..self.asm.finish()
        }
    }

    /// Whether it is a generator function.
    pub fn generator(&self) -> bool {
        self.flags & GENERATOR != 0
    }

    /// An instruction without operand.
    pub fn op(&mut self, name: &str, pops: usize, pushes: usize) {
        self.asm.op(name, None, pops, &[Kind::Any; 4][..pushes]);
    }

    /// An instruction with an operand.
    pub fn op_with(&mut self, name: &str, operand: u32, pops: usize, pushes: usize) {
        self.asm.op(name, Some(operand), pops, &[Kind::Any; 9][..pushes]);
    }

    /// An instruction whose operand is a name.
    pub fn named(&mut self, op: &str, name: &[u8], pops: usize, pushes: usize) {
        let index = self.asm.name(name);
        // An addition of strings looks ahead (`string_concatenate`): at STORE_NAME it takes the
        // locals for a dict, and these functions have none.
        if op == "STORE_NAME" && self.flags & OPTIMIZED != 0 {
            self.asm.raw(&[number("NOP")]);
        }
        self.op_with(op, index, pops, pushes);
    }

    /// `LOAD_CONST`
    pub fn constant(&mut self, constant: Constant) {
        let index = self.asm.constant(constant);
        self.op_with("LOAD_CONST", index, 0, 1);
    }

    /// `LOAD_GLOBAL`
    pub fn global(&mut self, name: &str) {
        self.named("LOAD_GLOBAL", name.as_bytes(), 0, 1);
    }
}
