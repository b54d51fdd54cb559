//! What was executed, as lines of text or only counted.

use crate::block::{Code, Run};
use crate::decoder::Visit;

/// Collects the lines of a stretch of the instructions, and counts all.
#[derive(Debug)]
pub struct Text {
    /// The lines so far; whoever takes them clears it.
    pub lines: Vec<u8>,
    /// How many instructions were executed so far, as far as they count.
    pub count: u64,
    /// Of the instructions, counted from 0, those that are written.
    pub stretch: std::ops::Range<u64>,
    counts_lines: bool,
}

impl Text {
    /// All lines from the first instruction on.
    pub fn all() -> Text {
        Text::of(0, 0..u64::MAX)
    }

    /// The lines of a stretch, `count` instructions having been executed before.
    pub fn of(count: u64, stretch: std::ops::Range<u64>) -> Text {
        Text { lines: Vec::new(), count, stretch, counts_lines: false }
    }

    /// The first lines, where only what has a line counts ([`crate::block::Wanted::counts_lines`]).
    pub fn first(lines: u64) -> Text {
        Text { counts_lines: true, ..Text::of(0, 0..lines) }
    }

    /// Whether nothing that comes is written.
    pub fn is_over(&self) -> bool {
        self.count >= self.stretch.end
    }

    /// The lines of a run that holds none; `ended` may take them behind each.
    #[cold]
    pub fn long(&mut self, code: &Code, run: &Run, mut ended: impl FnMut(&mut Vec<u8>)) {
        let (mut count, mut kept) = (self.count, self.lines.len());
        let stretch = self.stretch.clone();
        code.long_lines(run, &mut self.lines, |lines| {
            if !stretch.contains(&count) {
                lines.truncate(kept);
            }
            ended(lines);
            (count, kept) = (count + 1, lines.len());
        });
        self.count = count;
    }
}

impl Visit for Text {
    #[inline]
    fn run(&mut self, code: &Code, run: &Run, from: usize, to: usize) {
        let after = self.count + run.count(from, to);
        if run.is_long {
            if from < to {
                self.long(code, run, |_| {});
            }
        } else if self.stretch.start <= self.count && after <= self.stretch.end {
            self.lines.extend_from_slice(run.lines(from, to));
        } else {
            let first = self.count;
            let clip = |at: u64| at.clamp(first, after) - first;
            let (skip, stop) = (clip(self.stretch.start), clip(self.stretch.end));
            let line = |index: u64| {
                let before = run.before(from) as usize + index as usize;
                if before == 0 { 0 } else { run.ends[before - 1] as usize }
            };
            if skip < stop {
                self.lines.extend_from_slice(&run.text[line(skip)..line(stop)]);
            }
        }
        self.count = after;
    }

    fn step(&mut self, _: &Code, _: u8, line: &[u8]) {
        if self.stretch.contains(&self.count) {
            self.lines.extend_from_slice(line);
        }
        self.count += u64::from(!self.counts_lines || !line.is_empty());
    }

    #[inline]
    fn count(&self) -> u64 {
        self.count
    }
}

/// Only counts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Count(pub u64);

impl Visit for Count {
    #[inline]
    fn run(&mut self, _: &Code, run: &Run, from: usize, to: usize) {
        self.0 += run.count(from, to);
    }

    fn step(&mut self, _: &Code, _: u8, _: &[u8]) {
        self.0 += 1;
    }

    #[inline]
    fn count(&self) -> u64 {
        self.0
    }
}
