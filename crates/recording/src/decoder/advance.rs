//! How far the running frame goes on: to the instruction that a record names.

use super::{Decoder, Fault, InstructionSink, MOST_HELD};
use crate::block::Block;
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
        let is_old = lasti == NOWHERE || u32::try_from(lasti).ok() == self.decided;
        let stands = self.frames.last().is_none_or(|frame| frame.stands);
        if !is_old && !stands && self.lies_ahead(lasti)? {
            self.reach(lasti, sink)?;
        }
        Ok(())
    }

    /// Whether the running frame comes to `lasti` without a decision. Looks along the blocks, which
    /// only ever go forward, and executes nothing.
    fn lies_ahead(&mut self, lasti: i32) -> Result<bool, Fault> {
        let Some(frame) = self.frames.last() else { return Ok(false) };
        let Some(code) = self.code(frame.code).filter(|_| !self.is_explicit(frame)) else {
            return Ok(false);
        };
        let block = code.block(frame.block);
        let ahead = &block.instructions[frame.at as usize..];
        if ahead.iter().any(|instruction| i64::from(instruction.lasti) == i64::from(lasti)) {
            return Ok(true);
        }
        let (mut successors, mut looked, mut found) = (block.successors, self.looked, false);
        while let Successors::On(next) = successors {
            // Offsets only grow on the way.
            if next > i64::from(lasti) {
                break;
            }
            let next = u32::try_from(next).ok();
            let Some(at) = next.and_then(|next| decode::decode(&code.definition.code, next)) else {
                break;
            };
            found = i64::from(at.lasti) == i64::from(lasti);
            looked += 1;
            if found || looked > MOST_LOOKED {
                break;
            }
            successors = cfg::successors(&at);
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
        while !self.reaches(lasti, sink)? {
            self.give_up(sink)?;
        }
        Ok(())
    }

    /// False if it is to be called again, as too many blocks were made.
    #[inline]
    fn reaches(&mut self, lasti: i32, sink: &mut impl InstructionSink) -> Result<bool, Fault> {
        let Some(frame) = self.frames.last_mut() else { return Ok(true) };
        let code = self.codes[frame.code as usize].as_deref_mut();
        let code = code.ok_or(Fault::Code(frame.code))?;
        if frame.stands || self.every || code.is_watched {
            return Ok(true);
        }
        let wanted = lasti as u32;
        loop {
            let block = code.block(frame.block);
            let (at, length) = (frame.at as usize, block.instructions.len());
            // Nothing of it has begun since it was entered, or resumed after that instruction.
            if at == 0 && i64::from(lasti) + 1 == i64::from(block.start) {
                return Ok(true);
            }
            if at > 0 && block.instructions[at - 1].lasti == wanted {
                return Ok(true);
            }
            if let Some(found) = find(block, at, wanted) {
                sink.block(code, block, at, found + 1);
                self.executed += block.count(at, found + 1);
                frame.at = found as u32 + 1;
                return Ok(true);
            }
            if !matches!(block.successors, Successors::On(_)) {
                return Err(Fault::Offset(lasti.into()));
            }
            sink.block(code, block, at, length);
            self.executed += block.count(at, length);
            let next = code.next(frame.block, 0, &mut self.totals);
            frame.block = next.ok_or(Fault::Offset(lasti.into()))?;
            frame.at = 0;
            if self.totals.bytes + sink.held() > MOST_HELD {
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
        let Some(frame) = self.frames.last_mut() else { return Ok(true) };
        let code = self.codes[frame.code as usize].as_deref_mut();
        let code = code.ok_or(Fault::Code(frame.code))?;
        if frame.stands || self.every || code.is_watched {
            return Ok(true);
        }
        loop {
            let block = code.block(frame.block);
            let (at, length) = (frame.at as usize, block.instructions.len());
            if let Some(found) = find(block, at, offset as u32) {
                sink.block(code, block, at, found);
                self.executed += block.count(at, found);
                frame.at = found as u32;
                return Ok(true);
            }
            let Successors::On(next) = block.successors else {
                return Err(Fault::Offset(offset.into()));
            };
            sink.block(code, block, at, length);
            self.executed += block.count(at, length);
            if next == i64::from(offset) {
                frame.at = length as u32;
                return Ok(true);
            }
            let next = code.next(frame.block, 0, &mut self.totals);
            frame.block = next.ok_or(Fault::Offset(offset.into()))?;
            frame.at = 0;
            if self.totals.bytes + sink.held() > MOST_HELD {
                return Ok(false);
            }
        }
    }
}

/// The index of the instruction at `lasti`, from `at` on.
#[inline]
fn find(block: &Block, at: usize, lasti: u32) -> Option<usize> {
    let ahead = &block.instructions[at..];
    let found = ahead.binary_search_by_key(&lasti, |instruction| instruction.lasti);
    found.ok().map(|found| at + found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{RenderOptions, TextSink};
    use wire::code::Definition;
    use wire::packet::Event;

    /// More instructions than a run holds, and no decision among them.
    const LENGTH: usize = 600;

    fn straight() -> (Decoder, TextSink) {
        let mut decoder = Decoder::new();
        let code = [&[9; LENGTH][..], b"S"].concat();
        let definition = Definition { name: b"f".to_vec(), code, ..Definition::default() };
        decoder.define(1, definition).unwrap();
        let mut text = TextSink::new(RenderOptions::default());
        decoder.event(&Event::Enter { lasti: -1, code: 1 }, &mut text).unwrap();
        (decoder, text)
    }

    #[test]
    fn an_end_that_cannot_be_writes_nothing() {
        for lasti in [LENGTH as i32 + 1, 7_777, i32::MAX, -1, NOWHERE] {
            let (mut decoder, mut text) = straight();
            decoder.event(&Event::End { lasti }, &mut text).unwrap();
            assert_eq!((decoder.executed(), text.lines.len()), (0, 0), "{lasti}");
        }
    }

    #[test]
    fn an_end_further_on_is_reached_across_runs() {
        for lasti in [0, 255, 256, 599, 600] {
            let (mut decoder, mut text) = straight();
            decoder.event(&Event::End { lasti }, &mut text).unwrap();
            assert_eq!(decoder.executed(), lasti as u64 + 1);
        }
    }
}
