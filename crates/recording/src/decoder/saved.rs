//! Where all frames stand, as bytes: what a section of a recording starts with.

use super::{Fault, Frame, MOST_FRAMES, MOST_STACKS, Walker};
use crate::block::LONGEST;
use wire::packet::{Fields, fold, write_number};

impl Walker {
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
        write_number(out, self.decided.map_or(0, |lasti| fold(lasti as i32) + 1));
    }

    fn save_frames(&self, frames: &[Frame], out: &mut Vec<u8>) {
        write_number(out, frames.len() as u64);
        for frame in frames {
            let start = match self.code(frame.code) {
                Some(code) if frame.is_known => code.run(frame.run).start,
                _ => frame.run,
            };
            for number in [frame.code, start, frame.at, frame.stands.into()] {
                write_number(out, number.into());
            }
        }
    }

    /// Puts all frames where [`Walker::save`] found them; returns how many bytes that took.
    ///
    /// # Errors
    ///
    /// Bytes that it did not write, code objects that are not there.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        let mut fields = Fields { bytes, at: 0 };
        self.every = fields.byte()? != 0;
        self.looked = 0;
        self.frames = self.restore_frames(&mut fields)?;
        self.stack = fields.small()?;
        self.others.clear();
        for _ in 0..fields.number()? {
            let stack = fields.small()?;
            let frames = self.restore_frames(&mut fields)?;
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
        self.decided = fields.number()?.checked_sub(1).map(|folded| (folded >> 1) as u32);
        self.find()?;
        Ok(fields.at)
    }

    fn restore_frames(&self, fields: &mut Fields) -> Result<Vec<Frame>, Fault> {
        let mut frames = Vec::new();
        for _ in 0..fields.number()? {
            let (code, run) = (fields.small()?, fields.small()?);
            let (at, stands) = (fields.small()?, fields.small()? != 0);
            if self.code(code).is_none() {
                return Err(Fault::Code(code));
            }
            if at as usize > LONGEST {
                return Err(Fault::Offset(run.into()));
            }
            if frames.len() == MOST_FRAMES {
                return Err(Fault::TooMany("frames"));
            }
            frames.push(Frame { code, run, at, stands, is_known: false });
        }
        Ok(frames)
    }
}
