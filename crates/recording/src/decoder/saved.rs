//! Where all frames stand, as bytes: what a section of a recording starts with.

use super::{Decoder, Fault, Frame, MOST_FRAMES, MOST_STACKS, NOTHING};
use crate::block::LONGEST;
use wire::fields::{Fields, fold, write_number};

impl Decoder {
    /// Appends where all frames stand.
    pub fn save(&self, out: &mut Vec<u8>) {
        out.push(self.every.into());
        self.save_frames(&self.frames, out);
        write_number(out, self.stack.into());
        write_number(out, self.others.len() as u64);
        for (&stack, frames) in &self.others {
            write_number(out, stack.into());
            self.save_frames(frames, out);
        }
        let decided = if self.decided == NOTHING { 0 } else { fold(self.decided as i32) + 1 };
        write_number(out, decided);
    }

    fn save_frames(&self, frames: &[Frame], out: &mut Vec<u8>) {
        write_number(out, frames.len() as u64);
        for frame in frames {
            let start = match frame.is_known {
                true => self.blocks.all[frame.block as usize].start,
                false => frame.block,
            };
            for number in [frame.code, start, frame.at, frame.is_between.into()] {
                write_number(out, number.into());
            }
        }
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
        (self.looked, self.executed) = (0, executed);
        self.elsewhere = 0;
        self.frames = self.restore_frames(&mut fields, 0)?;
        self.stack = fields.small()?;
        self.others.clear();
        for _ in 0..fields.number()? {
            let stack = fields.small()?;
            let frames = self.restore_frames(&mut fields, self.frames.len() + self.elsewhere)?;
            self.elsewhere += frames.len();
            if self.others.len() == MOST_STACKS {
                return Err(Fault::TooMany("stacks of frames"));
            }
            if stack == self.stack
                || frames.is_empty()
                || self.others.insert(stack, frames).is_some()
            {
                return Err(Fault::NoFrame);
            }
        }
        let decided = fields.number()?.checked_sub(1).map(|folded| (folded >> 1) as u32);
        self.decided = decided.unwrap_or(NOTHING);
        self.find()?;
        Ok(fields.at)
    }

    /// The frames of one stack, where `before` others were read.
    fn restore_frames(&self, fields: &mut Fields, before: usize) -> Result<Vec<Frame>, Fault> {
        let mut frames = Vec::new();
        for _ in 0..fields.number()? {
            let (code, block) = (fields.small()?, fields.small()?);
            let (at, is_between) = (fields.small()?, fields.small()? != 0);
            let is_watched = self.code(code).ok_or(Fault::Code(code))?.is_watched;
            if at as usize > LONGEST {
                return Err(Fault::Offset(block.into()));
            }
            if before + frames.len() >= MOST_FRAMES {
                return Err(Fault::TooMany("frames"));
            }
            let (is_stepped, is_known) = (self.every || is_watched, false);
            frames.push(Frame { code, block, at, is_between, is_stepped, is_known });
        }
        Ok(frames)
    }
}
