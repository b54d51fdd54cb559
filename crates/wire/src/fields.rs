//! The fields of packets, code info and chunks: numbers and texts, written and read side by side.
//!
//! Unsigned numbers are LEB128; a text is its length, a number, and its bytes.

use crate::packet::Fault;

/// Reads what records and definitions are made of; trusts no length.
#[derive(Debug)]
pub struct Fields<'a> {
    /// All bytes.
    pub bytes: &'a [u8],
    /// Where the next field starts.
    pub at: usize,
}

impl<'a> Fields<'a> {
    /// Eight bytes, little endian.
    ///
    /// # Errors
    ///
    /// [`Fault::Short`] at the end of the bytes.
    #[inline]
    pub fn word(&mut self) -> Result<u64, Fault> {
        let bytes = self.take(8)?.first_chunk().ok_or(Fault::Short)?;
        Ok(u64::from_le_bytes(*bytes))
    }

    /// That many bytes.
    ///
    /// # Errors
    ///
    /// [`Fault::Short`] at the end of the bytes.
    #[inline]
    pub fn take(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let rest = self.bytes.get(self.at..).ok_or(Fault::Short)?;
        let taken = rest.get(..length).ok_or(Fault::Short)?;
        self.at += length;
        Ok(taken)
    }

    #[inline]
    /// One byte.
    ///
    /// # Errors
    ///
    /// [`Fault::Short`] at the end of the bytes, [`Fault::Number`] for what is too large.
    pub fn byte(&mut self) -> Result<u8, Fault> {
        Ok(self.take(1)?[0])
    }

    #[inline]
    pub(crate) fn short(&mut self) -> Result<(i32, u32), Fault> {
        let bytes = self.take(3)?;
        let short = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]);
        Ok(((short & 0x3ff) as i32, short >> 10))
    }

    /// An unsigned number.
    ///
    /// # Errors
    ///
    /// [`Fault::Short`] at the end of the bytes, [`Fault::Number`] for what is too large.
    pub fn number(&mut self) -> Result<u64, Fault> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            if part << shift >> shift != part {
                return Err(Fault::Number);
            }
            number |= part << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Fault::Number)
    }

    /// An unsigned number of at most 32 bits.
    ///
    /// # Errors
    ///
    /// [`Fault::Short`] at the end of the bytes, [`Fault::Number`] for what is too large.
    pub fn small(&mut self) -> Result<u32, Fault> {
        u32::try_from(self.number()?).map_err(|_| Fault::Number)
    }

    /// A number that can be negative.
    ///
    /// # Errors
    ///
    /// [`Fault::Short`] at the end of the bytes, [`Fault::Number`] for what is too large.
    pub fn signed(&mut self) -> Result<i32, Fault> {
        let folded = self.number()?;
        let half = i32::try_from(folded >> 1).map_err(|_| Fault::Number)?;
        Ok(if folded & 1 == 0 { half } else { !half })
    }

    /// What [`place`] made.
    ///
    /// # Errors
    ///
    /// [`Fault::Short`] at the end of the bytes, [`Fault::Number`] for what is too large.
    pub fn place(&mut self) -> Result<i32, Fault> {
        Ok(self.small()?.wrapping_sub(2) as i32)
    }

    /// A length, and as many bytes.
    ///
    /// # Errors
    ///
    /// [`Fault::Short`] at the end of the bytes, [`Fault::Number`] for what is too large.
    pub fn text(&mut self) -> Result<&'a [u8], Fault> {
        let length = usize::try_from(self.number()?).map_err(|_| Fault::Number)?;
        self.take(length)
    }

    /// As many bytes.
    ///
    /// # Errors
    ///
    /// [`Fault::Short`] at the end of the bytes.
    pub fn bytes(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        self.take(length)
    }

    /// An unsigned number of 32 bits, little endian.
    ///
    /// # Errors
    ///
    /// [`Fault::Short`] at the end of the bytes.
    pub fn fixed(&mut self) -> Result<u32, Fault> {
        let bytes = self.take(4)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }
}

/// A `lasti` or an offset as a number: two more, for -1 and -2 are usual, others below zero are not.
#[inline]
pub fn place(lasti: i32) -> u64 {
    u64::from((lasti as u32).wrapping_add(2))
}

/// 0, -1, 1, -2 … as 0, 1, 2, 3 …
#[inline]
pub fn fold(number: i32) -> u64 {
    let wide = i64::from(number);
    (if wide < 0 { !wide << 1 | 1 } else { wide << 1 }) as u64
}

/// Appends a number in LEB128.
pub fn write_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Appends a length and bytes.
pub fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    write_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}
