//! What happened, as the hook tells it in the ring: two words, written in a few instructions. The
//! writer makes records of them ([`super::packet`]).
//!
//! The first word is the register of outcomes that came before, as the interpreter keeps it; the
//! second is what happened then. Where that does not fit, the first word is zero, which no register is,
//! and the second the number of bytes that follow: whole records, up to a multiple of the words' size
//! filled with zeros, each of which is a record that says nothing.

use super::packet::{Event, Fault, Outcomes};

/// The size of both words, in bytes. All that is told starts at a multiple of it.
pub const SIZE: usize = 16;

/// What the second word is, in its lowest 8 bits; those above hold the fields.
mod kind {
    /// `lasti` (24 bits), code object (32)
    pub const ENTER: u8 = 0;
    /// `lasti` (24 bits), code object (16), offset (16)
    pub const RESUME: u8 = 1;
    /// nothing
    pub const OUTCOMES: u8 = 2;
    /// `lasti` (24 bits), offset (32)
    pub const LAND: u8 = 3;
    /// nothing (24 bits), `lasti` (32)
    pub const EXIT: u8 = 4;
    /// opcode (8 bits), offset (16), operand (32)
    pub const STEP: u8 = 5;
    /// nothing (24 bits), offset (32)
    pub const ASYNC_BEFORE: u8 = 6;
    /// nothing (24 bits), `lasti` (32)
    pub const ASYNC_WITHIN: u8 = 7;
    /// nothing (24 bits), offset (32)
    pub const ASYNC_END: u8 = 8;
}

/// [`Event::Outcomes`]
pub const OUTCOMES: u64 = kind::OUTCOMES as u64;

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

/// [`Event::Enter`], if it fits.
#[inline]
pub fn enter(lasti: i32, code: u32) -> Option<u64> {
    Some(word(kind::ENTER, place(lasti)?, code))
}

/// [`Event::Resume`], if it fits.
#[inline]
pub fn resume(lasti: i32, code: u32, start: u32) -> Option<u64> {
    let lasti = place(lasti)?;
    ((code | start) < 1 << 16).then_some(word(kind::RESUME, lasti, code | start << 16))
}

/// [`Event::Land`], if it fits.
#[inline]
pub fn land(lasti: i32, target: u32) -> Option<u64> {
    Some(word(kind::LAND, place(lasti)?, target))
}

/// [`Event::Exit`].
#[inline]
pub fn exit(lasti: i32) -> u64 {
    word(kind::EXIT, 0, lasti as u32)
}

/// [`Event::Step`] without a text, if it fits.
#[inline]
pub fn step(opcode: u8, offset: u32, operand: i32) -> Option<u64> {
    (offset < 1 << 16).then_some(word(kind::STEP, u32::from(opcode) | offset << 8, operand as u32))
}

/// [`Event::Stand`]; never zero.
#[inline]
pub fn async_begin(offset: i32, begun: bool) -> u64 {
    word(kind::ASYNC_BEFORE + u8::from(begun), 0, offset as u32)
}

/// The fields of the [`Event::Stand`] in a word of [`async_begin`].
#[inline]
pub fn read_async_begin(word: u64) -> (i32, bool) {
    ((word >> 32) as i32, word as u8 == kind::ASYNC_WITHIN)
}

/// [`Event::Go`].
#[inline]
pub fn async_end(offset: u32) -> u64 {
    word(kind::ASYNC_END, 0, offset)
}

/// What two words say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// This, after these outcomes.
    Short(Outcomes, Event<'static>),
    /// Records follow, so many bytes of them.
    Long(u64),
}

/// Reads the words at the start of `bytes`.
///
/// # Errors
///
/// [`Fault::Short`] where not both are there.
#[inline]
pub fn read(bytes: &[u8]) -> Result<Told, Fault> {
    let words: &[u8; SIZE] = bytes.first_chunk().ok_or(Fault::Short)?;
    let words = u128::from_le_bytes(*words);
    let (register, word) = (words as u64, (words >> 64) as u64);
    if register == 0 {
        return Ok(Told::Long(word));
    }
    let (kind, low, high) = (word as u8, word as u32 >> 8, (word >> 32) as u32);
    let lasti = low as i32;
    let event = match kind {
        kind::ENTER => Event::Enter { lasti, code: high },
        kind::RESUME => Event::Resume { lasti, code: high & 0xffff, start: high >> 16 },
        kind::OUTCOMES => Event::Outcomes,
        kind::LAND => Event::Land { lasti, target: high },
        kind::EXIT => Event::Exit { lasti: high as i32 },
        kind::STEP => {
            let (opcode, offset) = (low as u8, low >> 8);
            Event::Step { opcode, offset, operand: high as i32, text: None }
        }
        kind::ASYNC_BEFORE => Event::Stand { offset: high as i32, begun: false },
        kind::ASYNC_WITHIN => Event::Stand { offset: high as i32, begun: true },
        kind::ASYNC_END => Event::Go { offset: high },
        kind => return Err(Fault::Kind(kind)),
    };
    Ok(Told::Short(Outcomes::of_register(register), event))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_read() {
        let most = (1 << 24) - 1;
        for (word, event) in [
            (enter(0, 1), Event::Enter { lasti: 0, code: 1 }),
            (enter(most, u32::MAX), Event::Enter { lasti: most, code: u32::MAX }),
            (resume(most, 65_535, 1), Event::Resume { lasti: most, code: 65_535, start: 1 }),
            (resume(3, 1, 65_535), Event::Resume { lasti: 3, code: 1, start: 65_535 }),
            (Some(OUTCOMES), Event::Outcomes),
            (land(most, u32::MAX), Event::Land { lasti: most, target: u32::MAX }),
            (Some(exit(-1)), Event::Exit { lasti: -1 }),
            (Some(exit(i32::MAX)), Event::Exit { lasti: i32::MAX }),
            (Some(async_begin(-1, false)), Event::Stand { offset: -1, begun: false }),
            (Some(async_begin(i32::MAX, true)), Event::Stand { offset: i32::MAX, begun: true }),
            (Some(async_end(u32::MAX)), Event::Go { offset: u32::MAX }),
            (
                step(255, 65_535, -1),
                Event::Step { opcode: 255, offset: 65_535, operand: -1, text: None },
            ),
        ] {
            for register in [1, 0b1010, u64::MAX] {
                let mut bytes = register.to_le_bytes().to_vec();
                bytes.extend_from_slice(&word.unwrap().to_le_bytes());
                let told = Told::Short(Outcomes::of_register(register), event);
                assert_eq!(read(&bytes), Ok(told));
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
            assert_eq!((enter(lasti, 1), resume(lasti, 1, 1), land(lasti, 1)), (None, None, None));
        }
        assert_eq!((resume(0, 65_536, 1), resume(0, 1, 65_536)), (None, None));
        assert_eq!(step(0, 65_536, 0), None);
        let bytes = [[0; 8], 80u64.to_le_bytes()].concat();
        assert_eq!(read(&bytes), Ok(Told::Long(80)));
        let unknown = [1u64.to_le_bytes(), 99u64.to_le_bytes()].concat();
        assert_eq!(read(&unknown), Err(Fault::Kind(99)));
    }
}
