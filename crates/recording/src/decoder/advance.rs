//! How far the running frame goes on: to the instruction that a record names.

use super::{Decoder, Fault, InstructionSink, MOST_HELD};
use crate::block::{End, Reached};
use bytecode::cfg::{self, Successors};
use bytecode::decode;
use wire::control::NOWHERE;

/// Instructions that are looked at in one section to see whether an offset lies ahead.
pub(super) const MOST_LOOKED: u32 = 1 << 28;

impl Decoder {
    /// Goes on to `lasti` if that lies ahead: it may be that of the last decision still.
    pub(super) fn progress(
        &mut self,
        lasti: i32,
        sink: &mut impl InstructionSink,
    ) -> Result<(), Fault> {
        let is_old = lasti == NOWHERE || lasti as u32 == self.decided;
        let is_between = self.frames.last().is_none_or(|frame| frame.is_between);
        if !is_old && !is_between && self.lies_ahead(lasti)? {
            self.reach(lasti, sink)?;
        }
        Ok(())
    }

    /// Whether the running frame comes to `lasti` without a decision. Looks along the code, which
    /// only ever goes forward, and executes nothing.
    fn lies_ahead(&mut self, lasti: i32) -> Result<bool, Fault> {
        let Some(frame) = self.frames.last().filter(|frame| !frame.is_stepped) else {
            return Ok(false);
        };
        let code = self.codes.get(frame.code).ok_or(Fault::Code(frame.code))?;
        let block = &self.blocks.all[frame.block as usize];
        let ahead = &block.instructions[frame.at as usize..];
        if ahead.iter().any(|instruction| i64::from(instruction.lasti) == i64::from(lasti)) {
            return Ok(true);
        }
        let (mut next, mut looked, mut found) = (block.on(), self.looked, false);
        while let Some(offset) = next {
            // Offsets only grow on the way.
            if offset > i64::from(lasti) {
                break;
            }
            let offset = u32::try_from(offset).ok();
            let bytes = &code.definition.code;
            let Some(at) = offset.and_then(|offset| decode::decode(bytes, offset)) else { break };
            found = i64::from(at.lasti) == i64::from(lasti);
            looked += 1;
            if found || looked > MOST_LOOKED {
                break;
            }
            next = match cfg::successors(&at) {
                Successors::On(next) => Some(next),
                _ => None,
            };
        }
        self.looked = looked;
        if looked > MOST_LOOKED { Err(Fault::Offset(lasti.into())) } else { Ok(found) }
    }

    /// Executes what the running frame had done when its `f_lasti` was this.
    #[inline]
    pub(super) fn reach(
        &mut self,
        lasti: i32,
        sink: &mut impl InstructionSink,
    ) -> Result<(), Fault> {
        if self.reaches_likely(lasti, sink) { Ok(()) } else { self.reach_slowly(lasti, sink) }
    }

    #[cold]
    fn reach_slowly(&mut self, lasti: i32, sink: &mut impl InstructionSink) -> Result<(), Fault> {
        while !self.reaches(lasti, sink)? {
            self.give_up(sink)?;
        }
        Ok(())
    }

    /// The same where the instruction is the one that came next before; false if it is not.
    #[inline(always)]
    pub(super) fn reaches_likely(&mut self, lasti: i32, sink: &mut impl InstructionSink) -> bool {
        let Some(frame) = self.frames.last_mut().filter(|frame| frame.goes()) else {
            return false;
        };
        let block = &self.blocks.all[frame.block as usize];
        let at = frame.at as usize;
        let Some(&likely) = block.reached.get(at) else { return false };
        if likely.lasti != lasti as u32 {
            return false;
        }
        sink.block(&self.codes, block, at, likely.to as usize);
        self.executed += u64::from(likely.count);
        frame.at = likely.to;
        true
    }

    /// False if it is to be called again, as too many blocks were made.
    fn reaches(&mut self, lasti: i32, sink: &mut impl InstructionSink) -> Result<bool, Fault> {
        let going = self.frames.last_mut().filter(|frame| frame.goes());
        let Some(frame) = going else { return Ok(true) };
        let wanted = lasti as u32;
        loop {
            let block = &mut self.blocks.all[frame.block as usize];
            let (at, length) = (frame.at as usize, block.instructions.len());
            // Nothing of it has begun since it was entered, or resumed after that instruction.
            if at == 0 && i64::from(lasti) + 1 == i64::from(block.start) {
                return Ok(true);
            }
            if at > 0 && block.instructions[at - 1].lasti == wanted {
                return Ok(true);
            }
            if let Some(found) = block.find(at, wanted) {
                let (to, count) = (found as u32 + 1, block.count(at, found + 1));
                block.reached[at] = Reached { lasti: wanted, count: count as u32, to };
                sink.block(&self.codes, block, at, found + 1);
                self.executed += count;
                frame.at = to;
                return Ok(true);
            }
            if block.end != End::On {
                return Err(Fault::Offset(lasti.into()));
            }
            sink.block(&self.codes, block, at, length);
            self.executed += block.count(at, length);
            let next = self.blocks.next(&mut self.codes, frame.block, 0);
            frame.block = next.ok_or(Fault::Offset(lasti.into()))?;
            frame.at = 0;
            if self.blocks.bytes + sink.held() > MOST_HELD {
                return Ok(false);
            }
        }
    }

    /// Executes what the running frame had done when this offset came next.
    pub(super) fn reach_before(
        &mut self,
        offset: i32,
        sink: &mut impl InstructionSink,
    ) -> Result<(), Fault> {
        while !self.reaches_before(offset, sink)? {
            self.give_up(sink)?;
        }
        Ok(())
    }

    /// False if it is to be called again, as [`Decoder::reaches`].
    fn reaches_before(
        &mut self,
        offset: i32,
        sink: &mut impl InstructionSink,
    ) -> Result<bool, Fault> {
        let going = self.frames.last_mut().filter(|frame| frame.goes());
        let Some(frame) = going else { return Ok(true) };
        loop {
            let block = &self.blocks.all[frame.block as usize];
            let (at, length) = (frame.at as usize, block.instructions.len());
            if let Some(found) = block.find(at, offset as u32) {
                sink.block(&self.codes, block, at, found);
                self.executed += block.count(at, found);
                frame.at = found as u32;
                return Ok(true);
            }
            let next = block.on().ok_or(Fault::Offset(offset.into()))?;
            sink.block(&self.codes, block, at, length);
            self.executed += block.count(at, length);
            if next == i64::from(offset) {
                frame.at = length as u32;
                return Ok(true);
            }
            let next = self.blocks.next(&mut self.codes, frame.block, 0);
            frame.block = next.ok_or(Fault::Offset(offset.into()))?;
            frame.at = 0;
            if self.blocks.bytes + sink.held() > MOST_HELD {
                return Ok(false);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{RenderOptions, TextSink};
    use wire::code::CodeInfo;
    use wire::packet::Packet;

    /// More instructions than a run holds, and no decision among them.
    const LENGTH: usize = 600;

    fn straight() -> (Decoder, TextSink) {
        let mut decoder = Decoder::new();
        let code = [&[9; LENGTH][..], b"S"].concat();
        let definition = CodeInfo { name: b"f".to_vec(), code, ..CodeInfo::default() };
        decoder.define(1, definition).unwrap();
        let mut text = TextSink::new(RenderOptions::default());
        decoder.event(&Packet::Enter { lasti: -1, code: 1 }, &mut text).unwrap();
        (decoder, text)
    }

    #[test]
    fn an_end_that_cannot_be_writes_nothing() {
        for lasti in [LENGTH as i32 + 1, 7_777, i32::MAX, -1, NOWHERE] {
            let (mut decoder, mut text) = straight();
            decoder.event(&Packet::End { lasti }, &mut text).unwrap();
            assert_eq!((decoder.executed(), text.lines.len()), (0, 0), "{lasti}");
        }
    }

    #[test]
    fn an_end_further_on_is_reached_across_runs() {
        for lasti in [0, 255, 256, 599, 600] {
            let (mut decoder, mut text) = straight();
            decoder.event(&Packet::End { lasti }, &mut text).unwrap();
            assert_eq!(decoder.executed(), lasti as u64 + 1);
        }
    }
}
