//! Where all frames stand, as bytes: what a section of a recording starts with.

use super::{Decoder, Fault, Frame, MOST_FRAMES, NOTHING};
use crate::block::LONGEST;
use wire::packet::{Fields, fold, write_number};

impl Decoder {
    /// Appends where all frames stand.
    pub fn save(&self, out: &mut Vec<u8>) {
        out.push(self.every.into());
        write_number(out, self.frames.len() as u64);
        for frame in &self.frames {
            let start = match frame.is_known {
                true => self.blocks.all[frame.block as usize].start,
                false => frame.block,
            };
            for number in [frame.code, start, frame.at, frame.stands.into()] {
                write_number(out, number.into());
            }
        }
        let decided = if self.decided == NOTHING { 0 } else { fold(self.decided as i32) + 1 };
        write_number(out, decided);
    }

    /// Puts all frames where [`Decoder::save`] found them, after `executed` instructions; returns
    /// how many bytes that took.
    ///
    /// # Errors
    ///
    /// Bytes that it did not write, code objects that are not there.
    pub fn restore(&mut self, executed: u64, bytes: &[u8]) -> Result<usize, Fault> {
        let mut fields = Fields { bytes, at: 0 };
        self.every = fields.byte()? != 0;
        self.frames.clear();
        (self.looked, self.executed) = (0, executed);
        for _ in 0..fields.number()? {
            let (code, block) = (fields.small()?, fields.small()?);
            let (at, stands) = (fields.small()?, fields.small()? != 0);
            let is_watched = self.code(code).ok_or(Fault::Code(code))?.is_watched;
            if at as usize > LONGEST {
                return Err(Fault::Offset(block.into()));
            }
            if self.frames.len() == MOST_FRAMES {
                return Err(Fault::TooMany("frames"));
            }
            let (is_stepped, is_known) = (self.every || is_watched, false);
            self.frames.push(Frame { code, block, at, stands, is_stepped, is_known });
        }
        let decided = fields.number()?.checked_sub(1).map(|folded| (folded >> 1) as u32);
        self.decided = decided.unwrap_or(NOTHING);
        self.find()?;
        Ok(fields.at)
    }
}
