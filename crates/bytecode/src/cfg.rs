//! Which instructions of a code object can run, and whether all of them lie inside it.
//!
//! What lies behind `co_code` in memory is not in a recording. One byte is known: the NUL that
//! ends every string of the interpreter. A code object that may run or jump beyond it has to be
//! watched, each instruction by itself. So has one that is entered at an offset which no path
//! leads to, until that path was followed too.

use crate::opcode::{self, EXTENDED_ARG, HAVE_ARGUMENT, Operand, numbers};

/// Prefixes of one instruction at most; no compiler writes more than one. Code with more of them
/// is watched.
pub const MOST_PREFIXES: u32 = 63;

/// What decoding from some offset gives: one instruction, its prefixes included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The offset of the first prefix, or of the instruction if it has none: `f_lasti`.
    pub lasti: u32,
    /// The instruction's own offset.
    pub offset: u32,
    /// The opcode.
    pub opcode: u8,
    /// The operand with the bits of its prefixes, the interpreter's `int`.
    pub operand: i32,
    /// The offset behind it.
    pub next: u32,
    /// How many prefixes it has.
    pub prefixes: u32,
}

/// Decodes the instruction at `lasti`, as the evaluation loop does. `None` where its bytes are
/// not all known, or too many.
pub fn decode(code: &[u8], lasti: u32) -> Option<Decoded> {
    let byte = |at: usize| match at.cmp(&code.len()) {
        std::cmp::Ordering::Less => Some(code[at]),
        std::cmp::Ordering::Equal => Some(0),
        std::cmp::Ordering::Greater => None,
    };
    let mut offset = lasti as usize;
    let mut opcode = byte(offset)?;
    let argument = |at: usize| Some(i32::from(byte(at + 1)?) | i32::from(byte(at + 2)?) << 8);
    if opcode < HAVE_ARGUMENT {
        let at = lasti;
        return Some(Decoded { lasti, offset: at, opcode, operand: 0, next: at + 1, prefixes: 0 });
    }
    let mut operand = argument(offset)?;
    let mut prefixes = 0;
    while opcode == EXTENDED_ARG {
        if prefixes == MOST_PREFIXES {
            return None;
        }
        offset += 3;
        opcode = byte(offset)?;
        // Two bytes are taken with whatever follows, operand or not.
        operand = operand << 16 | argument(offset)?;
        prefixes += 1;
    }
    let next = u32::try_from(offset + 3).ok()?;
    Some(Decoded { lasti, offset: next - 3, opcode, operand, next, prefixes })
}

/// The operand that the prefix has which is the `number`th of the instruction at `lasti`, from 1.
pub fn prefix(code: &[u8], lasti: u32, number: u32) -> i32 {
    (0..number).fold(0, |operand, prefix| operand << 16 | argument(code, lasti + 3 * prefix))
}

/// The two bytes behind an opcode.
pub fn argument(code: &[u8], offset: u32) -> i32 {
    let byte = |at: usize| code.get(at).map_or(0, |&byte| i32::from(byte));
    byte(offset as usize + 1) | byte(offset as usize + 2) << 8
}

/// Where the thread can be after an instruction, exceptions aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
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
pub fn then(at: &Decoded) -> Then {
    let (next, operand) = (i64::from(at.next), i64::from(at.operand));
    match at.opcode {
        numbers::POP_JUMP_IF_FALSE | numbers::JUMP_IF_FALSE_OR_POP => Then::Branch([operand, next]),
        numbers::POP_JUMP_IF_TRUE | numbers::JUMP_IF_TRUE_OR_POP => Then::Branch([next, operand]),
        numbers::FOR_ITER => Then::Branch([next + operand, next]),
        numbers::JUMP_ABSOLUTE => Then::Branch([operand, operand]),
        numbers::JUMP_FORWARD if operand < 0 => Then::Branch([next + operand, next + operand]),
        numbers::JUMP_FORWARD => Then::On(next + operand),
        numbers::RETURN_VALUE | numbers::YIELD_VALUE => Then::Leave,
        numbers::BREAK_LOOP | numbers::CONTINUE_LOOP | numbers::RAISE_VARARGS => Then::Never,
        numbers::STOP_CODE => Then::Never,
        other if opcode::name(other).is_none() => Then::Never,
        _ => Then::On(next),
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
            match then(&at) {
                Then::On(next) => open.push(next),
                Then::Branch([first, second]) => open.extend([first, second]),
                // A generator goes on behind `f_lasti`, wherever its prefixes end.
                Then::Leave if at.opcode == numbers::YIELD_VALUE => {
                    open.push(i64::from(at.lasti) + 1);
                }
                Then::Leave | Then::Never => {}
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
    fn prefixes_belong_to_their_instruction() {
        let code = b"\x91\x01\x00\x91\x02\x00\x64\x03\x00S";
        let at = decode(code, 0).unwrap();
        assert_eq!((at.lasti, at.offset, at.next, at.prefixes), (0, 6, 9, 2));
        assert_eq!((at.opcode, at.operand), (100, 2 << 16 | 3));
        // The prefix of an instruction without operand takes two bytes all the same.
        assert_eq!(decode(b"\x91\x00\x00\x09dd", 0).map(|at| at.next), Some(6));
        assert_eq!(decode(b"\x91\x00\x00", 0), None);
        let chain =
            |prefixes: u32| [b"\x91\0\0".repeat(prefixes as usize), b"d\0\0".to_vec()].concat();
        assert_eq!(decode(&chain(MOST_PREFIXES), 0).map(|at| at.prefixes), Some(MOST_PREFIXES));
        assert_eq!(decode(&chain(MOST_PREFIXES + 1), 0), None);
        assert_eq!(decode(b"d\x01", 0).map(|at| at.operand), Some(1));
        assert_eq!(decode(b"d", 0), None);
        assert_eq!(decode(b"", 0).map(|at| at.opcode), Some(0));
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
