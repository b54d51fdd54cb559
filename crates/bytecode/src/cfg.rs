//! Which instructions of a code object can run, and whether all of them lie inside it.
//!
//! What lies behind `co_code` in memory is not in a recording. One byte is known: the NUL that
//! ends every string of the interpreter. A code object that may run or jump beyond it has to be
//! watched, each instruction individually. So has one that is entered at an offset which no path
//! leads to, until that path was followed too.

use crate::decode::{Instruction, decode};
use crate::opcode::{self, Operand, numbers};

/// Where the thread can be after an instruction, exceptions aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Successors {
    /// At one offset.
    On(i64),
    /// At the first if its outcome is zero, at the second if it is one.
    Branch([i64; 2]),
    /// Out of the frame, if its outcome is one.
    Leave,
    /// Nowhere: it always raises, or unwinds.
    Never,
}

/// What an instruction may lead to.
pub fn successors(at: &Instruction) -> Successors {
    let (next, operand) = (i64::from(at.next), i64::from(at.operand));
    match at.opcode {
        numbers::POP_JUMP_IF_FALSE | numbers::JUMP_IF_FALSE_OR_POP => {
            Successors::Branch([operand, next])
        }
        numbers::POP_JUMP_IF_TRUE | numbers::JUMP_IF_TRUE_OR_POP => {
            Successors::Branch([next, operand])
        }
        numbers::FOR_ITER => Successors::Branch([next + operand, next]),
        numbers::JUMP_ABSOLUTE => Successors::Branch([operand, operand]),
        numbers::JUMP_FORWARD if operand < 0 => {
            Successors::Branch([next + operand, next + operand])
        }
        numbers::JUMP_FORWARD => Successors::On(next + operand),
        numbers::RETURN_VALUE | numbers::YIELD_VALUE => Successors::Leave,
        numbers::BREAK_LOOP | numbers::CONTINUE_LOOP | numbers::RAISE_VARARGS => Successors::Never,
        numbers::STOP_CODE => Successors::Never,
        other if opcode::name(other).is_none() => Successors::Never,
        _ => Successors::On(next),
    }
}

/// The offsets from which paths were followed.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    seen: Vec<u64>,
}

impl Reach {
    /// Whether the path from here was followed.
    #[inline]
    pub fn has(&self, offset: u32) -> bool {
        let word = self.seen.get(offset as usize / 64);
        word.is_some_and(|word| word >> (offset % 64) & 1 != 0)
    }

    /// Follows all paths from an offset. False where one of them leaves what is known of the code:
    /// the code object must then be watched.
    pub fn follow(&mut self, code: &[u8], start: u32) -> bool {
        self.seen.resize(code.len() / 64 + 1, 0);
        let mut open = vec![i64::from(start)];
        while let Some(offset) = open.pop() {
            let Ok(offset) = u32::try_from(offset) else { return false };
            if self.has(offset) {
                continue;
            }
            let Some(at) = decode(code, offset) else { return false };
            self.seen[offset as usize / 64] |= 1 << (offset % 64);
            match successors(&at) {
                Successors::On(next) => open.push(next),
                Successors::Branch([first, second]) => open.extend([first, second]),
                // A generator goes on behind `f_lasti`, wherever its prefixes end.
                Successors::Leave if at.opcode == numbers::YIELD_VALUE => {
                    open.push(i64::from(at.lasti) + 1);
                }
                Successors::Leave | Successors::Never => {}
            }
            let sets_up = matches!(
                at.opcode,
                numbers::SETUP_LOOP
                    | numbers::SETUP_EXCEPT
                    | numbers::SETUP_FINALLY
                    | numbers::SETUP_WITH
            );
            match opcode::operand(at.opcode) {
                Operand::JumpRelative if sets_up => {
                    open.push(i64::from(at.next) + i64::from(at.operand));
                }
                Operand::JumpAbsolute if at.opcode == numbers::CONTINUE_LOOP => {
                    open.push(at.operand.into());
                }
                _ => {}
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn follow(code: &[u8]) -> bool {
        Reach::default().follow(code, 0)
    }

    #[test]
    fn paths_that_leave_the_code_are_seen() {
        assert!(follow(b"d\x00\x00S"));
        assert!(follow(b"\x09"), "the NUL behind the code ends it");
        assert!(!follow(b"d\x00"), "and is an operand's upper half, but what follows is unknown");
        assert!(!follow(b"\x71\x09\x00S"));
        assert!(!follow(b"\x78\xff\x00d\x00\x00S"));
        assert!(follow(b"\x6e\x02\x00\xff\xffd\x00\x00S"), "junk that is jumped over");
        assert!(!follow(b"\x91\xff\xff\x6e\x00\xffS"), "backwards, out of the code");
    }

    #[test]
    fn a_start_that_no_path_leads_to_is_not_known() {
        let code = b"\x6e\x04\x00d\x00\x00Sd\x00\x00S";
        let mut reach = Reach::default();
        assert!(reach.follow(code, 0));
        assert!(reach.has(0) && reach.has(7) && !reach.has(3));
        assert!(reach.follow(code, 3) && reach.has(3));
        assert!(!reach.follow(code, 400));
    }
}
