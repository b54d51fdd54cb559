//! Decodes one instruction with its prefixes, as the evaluation loop reads it.
//!
//! The only decoder of `EXTENDED_ARG`: the hook, the guard, the replay of recordings and the
//! disassembler use it.

use crate::opcode::{EXTENDED_ARG, HAVE_ARGUMENT};

/// Prefixes of one instruction at most; no compiler writes more than one. Code with more of them
/// is single-stepped.
pub const MOST_PREFIXES: u32 = 63;

/// One instruction, with its prefixes: what the interpreter executes at one `f_lasti`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// The offset of the first prefix, or of the instruction if it has none: `f_lasti`.
    pub lasti: u32,
    /// The instruction's own offset.
    pub offset: u32,
    /// The opcode.
    pub opcode: u8,
    /// The operand with the bits of its prefixes, the interpreter's `int`.
    pub operand: i32,
    /// The offset after it.
    pub next: u32,
    /// How many prefixes it has.
    pub prefixes: u32,
}

/// Decodes the instruction at `lasti`, as the evaluation loop does. `None` where its bytes are
/// not all known, or too many.
pub fn decode(code: &[u8], lasti: u32) -> Option<Instruction> {
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
        return Some(Instruction {
            lasti,
            offset: at,
            opcode,
            operand: 0,
            next: at + 1,
            prefixes: 0,
        });
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
    Some(Instruction { lasti, offset: next - 3, opcode, operand, next, prefixes })
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
