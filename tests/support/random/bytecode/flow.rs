//! Statements with others inside: branches, loops, blocks, and jumps in all directions.

use super::assembler::{Kind, Label};
use super::function::Function;
use super::marshal::Constant;

impl Function {
    pub fn compound(&mut self, depth: usize) {
        match self.asm.rng.below(17) {
            0 => self.branch(depth + 1),
            1..=4 => self.for_loop(depth + 1),
            5..=6 => self.while_loop(depth + 1),
            7..=9 => self.try_except(depth + 1),
            10..=12 => self.try_finally(depth + 1),
            13..=14 => self.with(depth + 1),
            _ => self.tangle(depth + 1),
        }
    }

    /// A jump without a condition, by either instruction.
    fn jump(&mut self, label: Label) {
        let op = self.asm.rng.pick(&["JUMP_FORWARD", "JUMP_ABSOLUTE"]);
        self.asm.jump(op, label);
    }

    fn jump_if_reachable(&mut self, label: Label) {
        if self.asm.reachable() {
            self.jump(label);
        }
    }

    fn branch(&mut self, depth: usize) {
        let (other, done) = (self.asm.label(), self.asm.label());
        let state = self.asm.here();
        self.condition(2);
        let op = self.asm.rng.pick(&["POP_JUMP_IF_FALSE", "POP_JUMP_IF_TRUE"]);
        self.asm.jump(op, other);
        self.body(depth);
        self.jump_if_reachable(done);
        self.asm.place(other);
        if self.asm.rng.chance(40) {
            self.body(depth);
        }
        self.asm.place_with(done, &state);
    }

    fn for_loop(&mut self, depth: usize) {
        let (head, done) = (self.asm.label(), self.asm.label());
        let (spent, after) = (self.asm.label(), self.asm.label());
        let block = self.asm.rng.chance(75);
        if block {
            self.asm.jump("SETUP_LOOP", after);
        }
        self.iterable(2);
        self.asm.op("GET_ITER", None, 1, &[Kind::Iterator]);
        self.asm.place(head);
        self.burn(spent);
        self.asm.jump("FOR_ITER", done);
        if self.asm.rng.chance(10) {
            self.op_with("UNPACK_SEQUENCE", 2, 1, 2);
            self.store();
        }
        self.store();
        if block {
            self.loops.push(head);
        }
        self.body(depth);
        self.jump_if_reachable(head);
        self.asm.place(done);
        self.loop_ends(depth, block, spent, after);
    }

    fn while_loop(&mut self, depth: usize) {
        let (head, done) = (self.asm.label(), self.asm.label());
        let (spent, after) = (self.asm.label(), self.asm.label());
        self.asm.jump("SETUP_LOOP", after);
        self.asm.place(head);
        self.burn(spent);
        self.condition(1);
        self.asm.jump("POP_JUMP_IF_FALSE", done);
        self.loops.push(head);
        self.body(depth);
        self.jump_if_reachable(head);
        self.asm.place(done);
        self.loop_ends(depth, true, spent, after);
    }

    /// From where the loop has run out: the `else` clause, then `spent`, where it is cut short.
    fn loop_ends(&mut self, depth: usize, block: bool, spent: Label, after: Label) {
        if block {
            self.loops.pop();
            self.asm.pop_block();
        }
        if self.asm.rng.chance(30) {
            self.body(depth);
        }
        self.jump_if_reachable(after);
        self.asm.place(spent);
        match (block, self.asm.rng.chance(50)) {
            (true, true) => self.asm.leave("BREAK_LOOP", None, 0),
            (true, false) => self.asm.pop_block(),
            (false, _) => self.op("POP_TOP", 1, 0),
        }
        self.asm.place(after);
    }

    fn try_except(&mut self, depth: usize) {
        let (caught, done) = (self.asm.label(), self.asm.label());
        let state = self.asm.here();
        // The handler may come first: it is found by a negative distance.
        let first = self.asm.rng.chance(15);
        if first {
            let start = self.asm.label();
            self.jump(start);
            let mut there = state.clone();
            there.stack.extend([Kind::Any; 3]);
            self.asm.place_with(caught, &there);
            self.handler(done, depth);
            self.jump_if_reachable(done);
            self.asm.place(start);
        }
        self.asm.jump("SETUP_EXCEPT", caught);
        self.body(depth);
        if self.asm.reachable() {
            self.asm.pop_block();
            if self.asm.rng.chance(30) {
                self.body(depth);
            }
            self.jump_if_reachable(done);
        }
        if !first {
            self.asm.place(caught);
            self.handler(done, depth);
            self.jump_if_reachable(done);
        }
        self.asm.place_with(done, &state);
    }

    /// What is at a handler: traceback, value and class are on the stack.
    pub fn handler(&mut self, done: Label, depth: usize) {
        match self.asm.rng.below(12) {
            0 => self.asm.leave("END_FINALLY", None, 3),
            1 => {
                self.op("ROT_THREE", 3, 3);
                self.op("ROT_TWO", 2, 2);
                self.asm.leave("RAISE_VARARGS", Some(3), 3);
            }
            2 => self.asm.leave("RAISE_VARARGS", Some(0), 0),
            3..=7 => {
                for _ in 0..self.asm.rng.range(1, 2) {
                    self.clause(done, depth);
                }
                self.asm.leave("END_FINALLY", None, 3);
            }
            8 => {
                self.statement(depth.max(4));
                if self.asm.reachable() {
                    (0..3).for_each(|_| self.op("POP_TOP", 1, 0));
                }
            }
            _ => {
                (0..3).for_each(|_| self.op("POP_TOP", 1, 0));
                self.body(depth);
            }
        }
    }

    fn clause(&mut self, done: Label, depth: usize) {
        let next = self.asm.label();
        self.op("DUP_TOP", 1, 2);
        let classes =
            ["Trouble", "Deeper", "SystemError", "TypeError", "Exception", "StopIteration"];
        let class = self.asm.rng.pick(&classes);
        self.global(class);
        if self.asm.rng.chance(30) {
            self.global("KeyError");
            self.op_with("BUILD_TUPLE", 2, 2, 1);
        }
        self.op_with("COMPARE_OP", 10, 2, 1);
        self.asm.jump("POP_JUMP_IF_FALSE", next);
        self.op("POP_TOP", 1, 0);
        self.store();
        self.op("POP_TOP", 1, 0);
        self.body(depth);
        self.jump_if_reachable(done);
        self.asm.place(next);
    }

    fn try_finally(&mut self, depth: usize) {
        let finally = self.asm.label();
        self.asm.jump("SETUP_FINALLY", finally);
        self.body(depth);
        if self.asm.reachable() {
            self.asm.pop_block();
            self.reason();
        }
        self.asm.place(finally);
        self.body(depth);
        if self.asm.reachable() {
            self.asm.op("END_FINALLY", None, 1, &[]);
        }
    }

    /// What `END_FINALLY` shall find: None, or what a block would have put there.
    fn reason(&mut self) {
        let why = if self.asm.rng.chance(15) { self.asm.rng.range(1, 3) } else { 0 };
        match why {
            1 => {
                self.int(1);
                self.constant(Constant::Int(8));
                self.asm.retype(2, Kind::Finally);
            }
            2 => {
                let why = [1, 2, 4, 16][self.asm.rng.below(4)];
                self.constant(Constant::Int(why));
                self.asm.retype(1, Kind::Finally);
            }
            3 => {
                self.constant(Constant::None);
                self.any(1);
                self.global("Trouble");
                self.asm.retype(3, Kind::Finally);
            }
            _ => {
                self.constant(Constant::None);
                self.asm.retype(1, Kind::Finally);
            }
        }
    }

    fn with(&mut self, depth: usize) {
        let finally = self.asm.label();
        match self.asm.rng.below(12) {
            0 => self.any(1),
            1 => self.global("OBJ"),
            _ => {
                let manager = self.asm.rng.pick(&["M0", "M0", "M1", "M2", "M3", "M4", "M4"]);
                self.global(manager);
            }
        }
        self.asm.jump("SETUP_WITH", finally);
        self.store();
        self.body(depth);
        if self.asm.reachable() {
            self.asm.pop_block();
            self.reason();
        }
        self.asm.place(finally);
        if self.asm.rng.chance(20) {
            self.statement(depth.max(4));
        }
        if self.asm.reachable() {
            self.asm.op("WITH_CLEANUP", None, 2, &[Kind::Finally]);
            if self.asm.rng.chance(20) {
                self.statement(depth.max(4));
            }
        }
        if self.asm.reachable() {
            self.asm.op("END_FINALLY", None, 1, &[]);
        }
    }

    /// Pieces of code in any order that jump to one another until the counter is used up.
    fn tangle(&mut self, depth: usize) {
        let state = self.asm.here();
        let out = self.asm.label();
        let pieces: Vec<Label> = (0..self.asm.rng.range(3, 6)).map(|_| self.asm.label()).collect();
        let mut order = pieces.clone();
        self.asm.rng.shuffle(&mut order);
        let any = |function: &mut Function| pieces[function.asm.rng.below(pieces.len())];
        let first = any(self);
        self.jump(first);
        for piece in order {
            self.asm.place_with(piece, &state);
            self.burn(out);
            self.statement(depth);
            if !self.asm.reachable() {
                continue;
            }
            let next = any(self);
            match self.asm.rng.below(4) {
                0 => {}
                1 => {
                    self.condition(1);
                    self.asm.jump("POP_JUMP_IF_TRUE", next);
                }
                2 => {
                    // The value stays for the one that jumps, and goes for the other.
                    let kept = self.asm.label();
                    let over = self.asm.label();
                    self.condition(1);
                    self.asm.jump("JUMP_IF_FALSE_OR_POP", kept);
                    self.jump(over);
                    self.asm.place(kept);
                    self.op("POP_TOP", 1, 0);
                    self.jump(next);
                    self.asm.place(over);
                }
                _ => self.jump(next),
            }
        }
        self.asm.place_with(out, &state);
    }

    /// The head of the innermost loop, if `CONTINUE_LOOP` would find there what it expects.
    pub fn continuable(&self) -> Option<Label> {
        let head = *self.loops.last()?;
        let there = self.asm.continued()?;
        (self.asm.state_at(head) == Some(&there)).then_some(head)
    }
}
