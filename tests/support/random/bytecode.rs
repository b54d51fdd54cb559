//! Random bytecode: a `.pyc` of many functions that no compiler makes, each run by a driver that
//! catches what it raises.
//!
//! An `assembler` that follows the stacks keeps it from crashing a plain interpreter. `FUEL`, an
//! iterator that each function takes from as it starts, and a counter in each frame bound it.
//! The contents of a function are in `function`, `expression`, `call`, `statement` (no other
//! statement inside), `flow` (loops, blocks, jumps), `leave` (ways out of them) and `oddity` (bytes
//! that mean two things, and more).

mod assembler;
mod call;
mod expression;
mod flow;
mod function;
mod leave;
mod marshal;
mod oddity;
mod statement;

use function::Function;
use marshal::{Constant, pyc};

use super::rng::Rng;

/// How deep functions are made inside functions.
const LEVELS: usize = 2;

/// What the functions find in their globals: what drives them, and objects whose operators are
/// Python code.
const PRELUDE: &str = include_str!("bytecode/prelude.py");

/// The bytes of a `.pyc` with `programs` functions.
pub fn file(seed: u64, programs: usize) -> Vec<u8> {
    let mut module = Function::module(Rng::new(seed));
    module.constant(Constant::text(PRELUDE));
    module.constant(Constant::None);
    module.op("DUP_TOP", 1, 2);
    module.op("EXEC_STMT", 3, 0);
    for number in 0..programs {
        module.program(number);
    }
    module.end();
    pyc(&module.finish(&[]))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use bytecode::opcode::{self, Operand};

    use super::marshal::Code;
    use super::*;

    #[test]
    fn a_seed_determines_the_file() {
        assert_eq!(file(7, 5), file(7, 5));
        assert_ne!(file(7, 5), file(8, 5));
    }

    /// The assembler asserts that the stacks agree; this, that nothing is out of range, on every
    /// way through the code.
    #[test]
    fn every_opcode_can_be_reached_and_has_what_it_names() {
        let mut reached = BTreeSet::new();
        for seed in 0..200 {
            reach(&Function::code(Rng::new(seed), LEVELS, 0, 0), &mut reached);
        }
        let missing = opcode::all().filter(|number| !reached.contains(number));
        let missing: Vec<_> = missing.filter_map(opcode::name).collect();
        assert!(missing.is_empty(), "never written: {missing:?}");
        assert!(reached.iter().any(|number| opcode::name(*number).is_none()));
    }

    fn reach(code: &Code, reached: &mut BTreeSet<u8>) {
        // Behind the end is a NUL.
        let byte = |at: usize| code.code.get(at).copied().unwrap_or(0);
        let (mut todo, mut seen) = (vec![0], BTreeSet::new());
        while let Some(start) = todo.pop() {
            if !seen.insert(start) {
                continue;
            }
            assert!(start <= code.code.len(), "jumps stay inside");
            let (mut at, mut number, mut operand) = (start, byte(start), 0);
            let mut takes = number >= opcode::HAVE_ARGUMENT;
            loop {
                reached.insert(number);
                if takes {
                    let low = u16::from_le_bytes([byte(at + 1), byte(at + 2)]);
                    operand = operand << 16 | u32::from(low);
                    at += 2;
                }
                at += 1;
                if number != opcode::EXTENDED_ARG {
                    break;
                }
                (number, takes) = (byte(at), true);
            }
            let below = |len: usize| assert!((operand as usize) < len, "{number} {operand}");
            match opcode::operand(number) {
                Operand::Const => below(code.constants.len()),
                Operand::Name => below(code.names.len()),
                Operand::Local => below(code.locals.len()),
                Operand::Free => below(code.cells.len() + code.free.len()),
                Operand::Compare => below(11),
                Operand::JumpAbsolute => todo.push(operand as usize),
                Operand::JumpRelative => todo.push((at as u32).wrapping_add(operand) as usize),
                Operand::Plain | Operand::None => {}
            }
            let leaves = [
                "STOP_CODE",
                "RETURN_VALUE",
                "RAISE_VARARGS",
                "BREAK_LOOP",
                "CONTINUE_LOOP",
                "JUMP_FORWARD",
                "JUMP_ABSOLUTE",
            ];
            if opcode::name(number).is_some_and(|name| !leaves.contains(&name)) {
                todo.push(at);
            }
        }
        for constant in &code.constants {
            if let Constant::Code(code) = constant {
                reach(code, reached);
            }
        }
    }
}
