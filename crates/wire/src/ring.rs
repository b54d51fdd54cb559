//! Packets in the ring: two words each, written in a few instructions. The writer turns them into
//! packets of a recording ([`super::packet`]).
//!
//! The first word is the register of branch bits that came before, as the interpreter keeps it; the
//! second is what happened then. Where that does not fit, the first word is zero, which no register is,
//! and the second the number of bytes that follow: whole records, up to a multiple of the words' size
//! filled with zeros, each of which is a record that says nothing.

use super::packet::{BranchBits, Fault, Packet};

/// The size of both words, in bytes. Every packet starts at a multiple of it.
pub const SIZE: usize = 16;

/// What the second word is, in its lowest 8 bits; those above hold the fields.
mod kind {
    /// `lasti` (24 bits), code object (32)
    pub const ENTER: u8 = 0;
    /// `lasti` (24 bits), code object (16), offset (16)
    pub const RESUME: u8 = 1;
    /// nothing
    pub const BRANCH_BITS: u8 = 2;
    /// `lasti` (24 bits), offset (32), by `return`, `break` or `continue`
    pub const UNWIND: u8 = 3;
    /// one if an exception did it, else zero (24 bits), `lasti` (32)
    pub const FRAME_UNWOUND: u8 = 4;
    /// opcode (8 bits), offset (16), operand (32)
    pub const INSTRUCTION: u8 = 5;
    /// nothing (24 bits), offset (32)
    pub const ASYNC_BEFORE: u8 = 6;
    /// nothing (24 bits), `lasti` (32)
    pub const ASYNC_WITHIN: u8 = 7;
    /// nothing (24 bits), offset (32)
    pub const ASYNC_END: u8 = 8;
    /// as `UNWIND`, by an exception
    pub const UNWIND_EXCEPTION: u8 = 9;
}

/// [`Packet::BranchBits`]
pub const BRANCH_BITS: u64 = kind::BRANCH_BITS as u64;

#[inline]
fn word(kind: u8, low: u32, high: u32) -> u64 {
    u64::from(kind) | u64::from(low) << 8 | u64::from(high) << 32
}

/// An offset that can be that of an instruction.
#[inline]
fn place(lasti: i32) -> Option<u32> {
    let place = lasti as u32;
    (place < 1 << 24).then_some(place)
}

/// [`Packet::Enter`], if it fits.
#[inline]
pub fn enter(lasti: i32, code: u32) -> Option<u64> {
    Some(word(kind::ENTER, place(lasti)?, code))
}

/// [`Packet::Resume`], if it fits.
#[inline]
pub fn resume(lasti: i32, code: u32, start: u32) -> Option<u64> {
    let lasti = place(lasti)?;
    ((code | start) < 1 << 16).then_some(word(kind::RESUME, lasti, code | start << 16))
}

/// [`Packet::Unwind`], if it fits.
#[inline]
pub fn unwind(lasti: i32, target: u32, exception: bool) -> Option<u64> {
    let kind = if exception { kind::UNWIND_EXCEPTION } else { kind::UNWIND };
    Some(word(kind, place(lasti)?, target))
}

/// [`Packet::FrameExit`].
#[inline]
pub fn frame_unwound(lasti: i32, exception: bool) -> u64 {
    word(kind::FRAME_UNWOUND, exception.into(), lasti as u32)
}

/// [`Packet::Instruction`] without a text, if it fits.
#[inline]
pub fn instruction(opcode: u8, offset: u32, operand: i32) -> Option<u64> {
    (offset < 1 << 16).then_some(word(
        kind::INSTRUCTION,
        u32::from(opcode) | offset << 8,
        operand as u32,
    ))
}

/// [`Packet::AsyncBegin`]; never zero.
#[inline]
pub fn async_begin(offset: i32, begun: bool) -> u64 {
    word(kind::ASYNC_BEFORE + u8::from(begun), 0, offset as u32)
}

/// The fields of the [`Packet::AsyncBegin`] in a word of [`async_begin`].
#[inline]
pub fn read_async_begin(word: u64) -> (i32, bool) {
    ((word >> 32) as i32, word as u8 == kind::ASYNC_WITHIN)
}

/// [`Packet::AsyncEnd`].
#[inline]
pub fn async_end(offset: u32) -> u64 {
    word(kind::ASYNC_END, 0, offset)
}

/// What two words say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RingPacket {
    /// This, after these branch bits.
    Short(BranchBits, Packet<'static>),
    /// Records follow, that many bytes of them.
    Long(u64),
}

/// Reads the words at the start of `bytes`.
///
/// # Errors
///
/// [`Fault::Short`] where not both are there.
#[inline]
pub fn read(bytes: &[u8]) -> Result<RingPacket, Fault> {
    let words: &[u8; SIZE] = bytes.first_chunk().ok_or(Fault::Short)?;
    let words = u128::from_le_bytes(*words);
    let (register, word) = (words as u64, (words >> 64) as u64);
    if register == 0 {
        return Ok(RingPacket::Long(word));
    }
    let (kind, low, high) = (word as u8, word as u32 >> 8, (word >> 32) as u32);
    let lasti = low as i32;
    let event = match kind {
        kind::ENTER => Packet::Enter { lasti, code: high },
        kind::RESUME => Packet::Resume { lasti, code: high & 0xffff, start: high >> 16 },
        kind::BRANCH_BITS => Packet::BranchBits,
        kind::UNWIND | kind::UNWIND_EXCEPTION => {
            Packet::Unwind { lasti, target: high, exception: kind == kind::UNWIND_EXCEPTION }
        }
        kind::FRAME_UNWOUND => Packet::FrameExit { lasti: high as i32, exception: low != 0 },
        kind::INSTRUCTION => {
            let (opcode, offset) = (low as u8, low >> 8);
            Packet::Instruction { opcode, offset, operand: high as i32, text: None }
        }
        kind::ASYNC_BEFORE => Packet::AsyncBegin { offset: high as i32, begun: false },
        kind::ASYNC_WITHIN => Packet::AsyncBegin { offset: high as i32, begun: true },
        kind::ASYNC_END => Packet::AsyncEnd { offset: high },
        kind => return Err(Fault::Kind(kind)),
    };
    Ok(RingPacket::Short(BranchBits::of_register(register), event))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_read_as_they_were_written() {
        let most = (1 << 24) - 1;
        for (word, event) in [
            (enter(0, 1), Packet::Enter { lasti: 0, code: 1 }),
            (enter(most, u32::MAX), Packet::Enter { lasti: most, code: u32::MAX }),
            (resume(most, 65_535, 1), Packet::Resume { lasti: most, code: 65_535, start: 1 }),
            (resume(3, 1, 65_535), Packet::Resume { lasti: 3, code: 1, start: 65_535 }),
            (Some(BRANCH_BITS), Packet::BranchBits),
            (
                unwind(most, u32::MAX, true),
                Packet::Unwind { lasti: most, target: u32::MAX, exception: true },
            ),
            (unwind(1, 2, false), Packet::Unwind { lasti: 1, target: 2, exception: false }),
            (Some(frame_unwound(-1, true)), Packet::FrameExit { lasti: -1, exception: true }),
            (
                Some(frame_unwound(i32::MAX, false)),
                Packet::FrameExit { lasti: i32::MAX, exception: false },
            ),
            (Some(async_begin(-1, false)), Packet::AsyncBegin { offset: -1, begun: false }),
            (
                Some(async_begin(i32::MAX, true)),
                Packet::AsyncBegin { offset: i32::MAX, begun: true },
            ),
            (Some(async_end(u32::MAX)), Packet::AsyncEnd { offset: u32::MAX }),
            (
                instruction(255, 65_535, -1),
                Packet::Instruction { opcode: 255, offset: 65_535, operand: -1, text: None },
            ),
        ] {
            for register in [1, 0b1010, u64::MAX] {
                let mut bytes = register.to_le_bytes().to_vec();
                bytes.extend_from_slice(&word.unwrap().to_le_bytes());
                let packet = RingPacket::Short(BranchBits::of_register(register), event);
                assert_eq!(read(&bytes), Ok(packet));
                assert_eq!(read(&bytes[..15]), Err(Fault::Short));
            }
        }
    }

    #[test]
    fn what_begins_is_read_from_its_word() {
        for (offset, begun) in [(0, false), (0, true), (-1, true), (i32::MAX, false)] {
            let word = async_begin(offset, begun);
            assert_ne!(word, 0);
            assert_eq!(read_async_begin(word), (offset, begun));
        }
    }

    #[test]
    fn what_does_not_fit_is_for_a_record() {
        for lasti in [-1, 1 << 24] {
            assert_eq!((enter(lasti, 1), resume(lasti, 1, 1)), (None, None));
            assert_eq!(unwind(lasti, 1, true), None);
        }
        assert_eq!((resume(0, 65_536, 1), resume(0, 1, 65_536)), (None, None));
        assert_eq!(instruction(0, 65_536, 0), None);
        let bytes = [[0; 8], 80u64.to_le_bytes()].concat();
        assert_eq!(read(&bytes), Ok(RingPacket::Long(80)));
        let unknown = [1u64.to_le_bytes(), 99u64.to_le_bytes()].concat();
        assert_eq!(read(&unknown), Err(Fault::Kind(99)));
    }
}
