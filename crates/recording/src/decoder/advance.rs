//! How far the running frame goes on: to the instruction that a record names.

use super::{Fault, Frame, Visit, Walker};
use crate::block::{Code, Held};
use bytecode::cfg::{self, Then};
use wire::control::NOWHERE;

/// Instructions that are looked at in one section to see whether an offset lies ahead.
const MOST_LOOKED: u32 = 1 << 28;

impl Walker {
    /// Goes on to `lasti` if that lies ahead: it may be that of the last decision still.
    pub(super) fn progress(&mut self, lasti: i32, visit: &mut impl Visit) -> Result<(), Fault> {
        let is_old = lasti == NOWHERE || u32::try_from(lasti).ok() == self.decided;
        let stands = self.frames.last().is_none_or(|frame| frame.stands);
        if !is_old && !stands && self.lies_ahead(lasti)? {
            self.reach(lasti, visit)?;
        }
        Ok(())
    }

    /// Whether the running frame comes to `lasti` without a decision. Looks along the runs, which
    /// only ever go forward, and executes nothing.
    fn lies_ahead(&mut self, lasti: i32) -> Result<bool, Fault> {
        let Some(frame) = self.frames.last() else { return Ok(false) };
        let Some(code) = self.code(frame.code).filter(|_| !self.is_explicit(frame)) else {
            return Ok(false);
        };
        let run = code.run(frame.run);
        let ahead = &run.groups[frame.at as usize..];
        if ahead.iter().any(|group| i64::from(group.lasti) == i64::from(lasti)) {
            return Ok(true);
        }
        let (mut then, mut looked, mut found) = (run.then, self.looked, false);
        while let Then::On(next) = then {
            // Offsets only grow on the way.
            if next > i64::from(lasti) {
                break;
            }
            let next = u32::try_from(next).ok();
            let Some(at) = next.and_then(|next| cfg::decode(&code.definition.code, next)) else {
                break;
            };
            found = i64::from(at.lasti) == i64::from(lasti);
            looked += 1;
            if found || looked > MOST_LOOKED {
                break;
            }
            then = cfg::then(&at);
        }
        self.looked = looked;
        if looked > MOST_LOOKED { Err(Fault::Offset(lasti.into())) } else { Ok(found) }
    }

    /// Executes what the running frame had done when its `f_lasti` was this.
    #[inline]
    pub(super) fn reach(&mut self, lasti: i32, visit: &mut impl Visit) -> Result<(), Fault> {
        while !self.reaches(lasti, visit)? {
            self.give_up()?;
        }
        Ok(())
    }

    /// The running frame, if its instructions are not told one by one and it does not stand.
    #[inline]
    fn going(&mut self) -> Result<Option<(&mut Frame, &mut Code, &Held)>, Fault> {
        let Some(frame) = self.frames.last_mut() else { return Ok(None) };
        let code = self.codes[frame.code as usize].as_deref_mut();
        let code = code.ok_or(Fault::Code(frame.code))?;
        let is_told = frame.stands || self.every || code.is_watched;
        Ok((!is_told).then_some((frame, code, &self.held)))
    }

    /// False if it is to be called again, as [`Walker::outcome`].
    #[inline]
    fn reaches(&mut self, lasti: i32, visit: &mut impl Visit) -> Result<bool, Fault> {
        let Some((frame, code, held)) = self.going()? else { return Ok(true) };
        loop {
            let run = code.run(frame.run);
            let at = frame.at as usize;
            // Nothing of it has begun since it was entered, or resumed behind that instruction.
            if at == 0 && i64::from(lasti) + 1 == i64::from(run.start) {
                return Ok(true);
            }
            let wanted = lasti as u32;
            if at > 0 && run.groups[at - 1].lasti == wanted {
                return Ok(true);
            }
            // Generators are resumed by what ends a run.
            if run.last == Some(wanted) {
                visit.run(code, run, at, run.groups.len());
                frame.at = run.groups.len() as u32;
                return Ok(true);
            }
            let ahead = &run.groups[at..];
            if let Ok(found) = ahead.binary_search_by_key(&wanted, |group| group.lasti) {
                visit.run(code, run, at, at + found + 1);
                frame.at += found as u32 + 1;
                return Ok(true);
            }
            if !matches!(run.then, Then::On(_)) {
                return Err(Fault::Offset(lasti.into()));
            }
            visit.run(code, run, at, run.groups.len());
            let next = code.next(frame.run, 0, held);
            frame.run = next.ok_or(Fault::Offset(lasti.into()))?;
            frame.at = 0;
            if held.is_full() {
                return Ok(false);
            }
        }
    }

    /// Executes what the running frame had done when this offset came next.
    pub(super) fn reach_before(
        &mut self,
        offset: i32,
        visit: &mut impl Visit,
    ) -> Result<(), Fault> {
        while !self.reaches_before(offset, visit)? {
            self.give_up()?;
        }
        Ok(())
    }

    /// False if it is to be called again, as [`Walker::outcome`].
    fn reaches_before(&mut self, offset: i32, visit: &mut impl Visit) -> Result<bool, Fault> {
        let Some((frame, code, held)) = self.going()? else { return Ok(true) };
        loop {
            let run = code.run(frame.run);
            let at = frame.at as usize;
            let ahead = &run.groups[at..];
            if let Ok(found) = ahead.binary_search_by_key(&(offset as u32), |group| group.lasti) {
                visit.run(code, run, at, at + found);
                frame.at += found as u32;
                return Ok(true);
            }
            let Then::On(next) = run.then else { return Err(Fault::Offset(offset.into())) };
            visit.run(code, run, at, run.groups.len());
            if next == i64::from(offset) {
                frame.at = run.groups.len() as u32;
                return Ok(true);
            }
            let next = code.next(frame.run, 0, held);
            frame.run = next.ok_or(Fault::Offset(offset.into()))?;
            frame.at = 0;
            if held.is_full() {
                return Ok(false);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block::Wanted;
    use crate::text::Text;
    use wire::code::Definition;
    use wire::packet::Event;

    /// More instructions than a run holds, and no decision among them.
    const LENGTH: usize = 600;

    fn straight() -> (Walker, Text) {
        let wanted = Wanted { lines: true, ..Wanted::default() };
        let mut walker = Walker::new(wanted);
        let code = [&[9; LENGTH][..], b"S"].concat();
        let definition = Definition { name: b"f".to_vec(), code, ..Definition::default() };
        walker.define(1, definition).unwrap();
        let mut text = Text::all();
        walker.event(&Event::Enter { lasti: -1, code: 1 }, &mut text).unwrap();
        (walker, text)
    }

    #[test]
    fn an_end_that_cannot_be_writes_nothing() {
        for lasti in [LENGTH as i32 + 1, 7_777, i32::MAX, -1, NOWHERE] {
            let (mut walker, mut text) = straight();
            walker.event(&Event::End { lasti }, &mut text).unwrap();
            assert_eq!((text.count, text.lines.len()), (0, 0), "{lasti}");
        }
    }

    #[test]
    fn an_end_further_on_is_reached_across_runs() {
        for lasti in [0, 255, 256, 599, 600] {
            let (mut walker, mut text) = straight();
            walker.event(&Event::End { lasti }, &mut text).unwrap();
            assert_eq!(text.count, lasti as u64 + 1);
        }
    }
}
