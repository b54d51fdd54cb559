//! The ways to go elsewhere: behind them code cannot be reached.

use bytecode::opcode;

use super::assembler::{Block, Kind, State};
use super::function::Function;
use super::marshal::Constant;

impl Function {
    /// Leaves if a condition holds.
    pub fn leave_or_not(&mut self) {
        let over = self.asm.label();
        self.condition(1);
        self.asm.jump("POP_JUMP_IF_FALSE", over);
        self.leave();
        self.asm.place(over);
    }

    /// One of the ways, for certain.
    pub fn leave(&mut self) {
        let state = self.asm.here();
        let looped = state.blocks.iter().any(|block| block.0 == Block::Loop);
        match self.asm.rng.below(12) {
            0..=1 if looped => self.asm.leave("BREAK_LOOP", None, 0),
            2..=5 if looped => {
                if let Some(head) = self.continuable() {
                    return self.asm.jump("CONTINUE_LOOP", head);
                }
                self.asm.leave("BREAK_LOOP", None, 0);
            }
            6 => self.raise(),
            7 => self.unknown(),
            8 if state == State::default() => self.asm.jump("JUMP_ABSOLUTE", self.end),
            9 => self.end_finally(),
            _ => {
                self.int(2);
                self.asm.leave("RETURN_VALUE", None, 1);
            }
        }
    }

    /// An opcode that is none.
    pub fn unknown(&mut self) {
        // STOP_CODE has a name, and no more than that.
        let known = |number: &u8| *number > 0 && opcode::name(*number).is_some();
        let unknown: Vec<u8> = (0..=255).filter(|number| !known(number)).collect();
        let number = unknown[self.asm.rng.below(unknown.len())];
        if self.asm.rng.chance(20) {
            self.asm.raw(&[opcode::EXTENDED_ARG, 1, 0]);
        }
        self.asm.raw(&[number]);
        self.asm.junk(2);
        self.asm.state = None;
    }

    /// An exception, or what cannot be raised.
    pub fn raise(&mut self) {
        let kinds = ["Trouble", "Deeper", "KeyError", "StopIteration", "OBJ", "p"];
        let kind = self.asm.rng.pick(&kinds);
        let count = self.asm.rng.below(5);
        if (1..4).contains(&count) {
            self.global(kind);
        }
        if (2..4).contains(&count) {
            self.any(1);
        }
        if count == 3 {
            self.constant(Constant::None);
        }
        let count = if count == 4 { 0 } else { count };
        self.asm.leave("RAISE_VARARGS", Some(count as u32), count);
    }

    /// `END_FINALLY` on values that no block has put there.
    fn end_finally(&mut self) {
        match self.asm.rng.below(6) {
            0 => {
                self.int(1);
                self.constant(Constant::Int(8));
                self.asm.leave("END_FINALLY", None, 2);
            }
            1 => {
                // WHY_BREAK, which may find no loop; WHY_EXCEPTION and WHY_RERAISE, without one.
                let why = [16, 2, 4][self.asm.rng.below(3)];
                self.constant(Constant::Int(why));
                self.asm.leave("END_FINALLY", None, 1);
            }
            2 => {
                self.constant(Constant::None);
                self.any(1);
                self.global("Deeper");
                self.asm.leave("END_FINALLY", None, 3);
            }
            3 => {
                self.constant(Constant::Float(1.5));
                self.asm.leave("END_FINALLY", None, 1);
            }
            4 => {
                // WITH_CLEANUP calls what is below a return.
                self.global("helper");
                self.int(1);
                self.constant(Constant::Int(8));
                self.asm.op("WITH_CLEANUP", None, 3, &[Kind::Any, Kind::Any]);
                self.asm.leave("END_FINALLY", None, 2);
            }
            _ => match self.continuable() {
                Some(head) => {
                    let target = self.asm.offset_of(head);
                    self.op_with("LOAD_CONST", target, 0, 1);
                    self.constant(Constant::Int(32));
                    self.asm.leave("END_FINALLY", None, 2);
                }
                None => self.unknown(),
            },
        }
    }
}
