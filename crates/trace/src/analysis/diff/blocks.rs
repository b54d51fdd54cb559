//! Two texts of `line` that are the same for long stretches: compared in blocks, not in lines.
//!
//! Equal bytes are equal steps, so only the left ones are counted. Memory addresses may differ: they
//! are passed over where they do. Everything else that differs is left to the comparison of steps.

use super::omissions::Omissions;
use super::path::CallPath;
use super::side::Resume;
use super::{mask, scan};
use crate::step::{Position, Saved, Step};

/// Bytes compared at once: they are still in the cache when they are counted.
const BLOCK: usize = 1 << 17;
/// Bytes after which progress is reported.
const REPORT: usize = 8 << 20;

/// What is learnt on the way.
#[derive(Debug, Default)]
pub struct Followed<'a> {
    /// The frames of the left.
    pub path: CallPath,
    /// Those of the right, where they are others.
    pub other: Option<CallPath>,
    /// Learns which code is the program's own.
    pub omissions: Option<&'a mut Omissions>,
}

/// How far two texts are the same.
#[derive(Clone, Debug)]
pub struct Prefix {
    /// Where a step of the left text starts, all before it being the same in both.
    pub left: Position,
    /// The same step of the right text.
    pub right: Position,
    /// Addresses that were not the same.
    pub addresses: u64,
    /// Some places before, on either side.
    passed: Vec<(Position, Position)>,
}

impl Prefix {
    /// Nothing yet: the texts are known to be in step at these places.
    pub fn new(left: Position, right: Position) -> Prefix {
        Prefix { left, right, addresses: 0, passed: vec![(left, right)] }
    }

    /// Goes on from where it is, as far as the texts are the same, and learns from
    /// the steps. Stops at a step near the first difference, or near the end; never behind it.
    ///
    /// Tells `passed` from time to time how many bytes of either text are behind it.
    pub fn extend(
        &mut self,
        left: (&[u8], &Resume<'_>),
        right: &[u8],
        followed: &mut Followed<'_>,
        passed: &dyn Fn(usize, usize),
    ) {
        let (left, resume) = left;
        let mut reported = 0;
        let (mut l, mut r) = (at(self.left), at(self.right));
        // Where the texts were last in step after an address: the distance holds from there on.
        let mut steps = vec![(l, r)];
        let mut waived = Vec::new();
        loop {
            let length = BLOCK.min(left.len() - l).min(right.len() - r);
            let block_end = l + length;
            let mut same = length > 0;
            while same && l < block_end {
                let rest = (block_end - l).min(right.len() - r);
                match mask::first_difference(&left[l..l + rest], &right[r..r + rest]) {
                    None => {
                        l += rest;
                        r += rest;
                        same = rest > 0;
                    }
                    Some(differs) => {
                        l += differs;
                        r += differs;
                        match mask::address(left, l, right, r) {
                            Some((left_end, right_end)) => {
                                (l, r) = (left_end, right_end);
                                steps.push((l, r));
                                waived.push(l);
                            }
                            None => same = false,
                        }
                    }
                }
            }
            let (before, places) = (at(self.left), (self.left, self.right));
            self.count((left, resume), l, followed);
            let here = at(self.left);
            let last = steps.iter().rposition(|step| step.0 <= here).unwrap_or(0);
            self.right.offset = (here - steps[last].0 + steps[last].1) as u64;
            steps.drain(..last);
            if here > before {
                self.passed.drain(..self.passed.len().saturating_sub(2));
                self.passed.push(places);
            }
            self.addresses += waived.iter().filter(|&&end| end <= here).count() as u64;
            waived.retain(|&end| end > here);
            if here >= reported + REPORT {
                reported = here;
                passed(here, at(self.right));
            }
            if !same || l - before > crate::lines::LONGEST && here == before {
                return;
            }
        }
    }

    /// Goes back to where at least `steps` steps lie before the place, if the texts were the same
    /// for so long; not much further. Gives how many they are, and where they start on either side.
    pub fn back(&self, left: &[u8], right: &[u8], steps: usize) -> (u64, Position, Position) {
        let near = (start(left, at(self.left), steps), start(right, at(self.right), steps));
        let count = steps as u64;
        if let (Some(l), Some(r)) = near {
            let (l_lines, r_lines) = (&left[l..at(self.left)], &right[r..at(self.right)]);
            let simple = scan::lines(l_lines, &mut CallPath::default()) == Some(count);
            if simple && mask::same(l_lines, r_lines) {
                let back = |position: Position, offset: usize| Position {
                    line: position.line - count,
                    offset: offset as u64,
                    step: position.step - count,
                };
                return (count, back(self.left, l), back(self.right, r));
            }
        }
        let far = |passed: &&(Position, Position)| passed.0.step + count <= self.left.step;
        let passed = self.passed.iter().rev().find(far).or(self.passed.first());
        let &(left, right) = passed.unwrap_or(&(self.left, self.right));
        (self.left.step - left.step, left, right)
    }

    /// Moves to the last step that starts before `end`, save for one line: what is behind a
    /// line may still belong to it.
    fn count(&mut self, left: (&[u8], &Resume<'_>), end: usize, followed: &mut Followed<'_>) {
        let (left, resume) = left;
        let from = at(self.left);
        let Some(newline) = memchr::memrchr(b'\n', &left[from..end]) else { return };
        let whole = &left[from..from + newline + 1];
        let last = memchr::memrchr(b'\n', &whole[..newline]).map_or(0, |end| end + 1);
        if let Some(lines) = followed.lines(&whole[..last], &whole[last..]) {
            self.go(last, lines, lines);
            return;
        }
        let mut reader = resume(self.left);
        let limit = (from + newline) as u64;
        // The last of them may go on behind the limit, and is left out.
        let mut reached: Option<Saved> = None;
        // A faulty line is met again where it is reported.
        while let Ok(Some(event)) = reader.next() {
            if event.position.offset > limit {
                break;
            }
            match &mut reached {
                Some(reached) => {
                    followed.step(&reached.step());
                    reached.set(&event);
                }
                None => reached = Some(Saved::new(&event)),
            }
        }
        if let Some(reached) = reached {
            let reached = reached.step().position;
            let bytes = (reached.offset - self.left.offset) as usize;
            self.go(bytes, reached.line - self.left.line, reached.step - self.left.step);
        }
    }

    fn go(&mut self, bytes: usize, lines: u64, steps: u64) {
        self.left.offset += bytes as u64;
        for position in [&mut self.left, &mut self.right] {
            position.line += lines;
            position.step += steps;
        }
    }
}

impl Followed<'_> {
    /// Follows `lines`, if they and the one `behind` are simple, and says how many they are.
    fn lines(&mut self, lines: &[u8], behind: &[u8]) -> Option<u64> {
        let mut path = self.path.clone();
        let count = scan::lines(lines, &mut path)?;
        scan::lines(behind, &mut CallPath::default())?;
        self.path = path;
        if let Some(other) = &mut self.other {
            scan::lines(lines, other)?;
        }
        if let Some(omissions) = &mut self.omissions {
            omissions.learn_lines(lines);
        }
        Some(count)
    }

    fn step(&mut self, event: &Step<'_>) {
        self.path.step(event);
        if let Some(other) = &mut self.other {
            other.step(event);
        }
        if let Some(omissions) = &mut self.omissions {
            omissions.learn_step(event);
        }
    }
}

/// Where the line begins that is `count` lines before the one at `end`, if it is near.
fn start(text: &[u8], end: usize, count: usize) -> Option<usize> {
    const NEAR: usize = 1 << 16;
    let near = &text[end.saturating_sub(NEAR)..end];
    let mut newlines = memchr::memrchr_iter(b'\n', near);
    newlines.nth(count).map(|before| end - near.len() + before + 1)
}

fn at(position: Position) -> usize {
    usize::try_from(position.offset).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::diff::testing;

    fn prefix(left: &str, right: &str) -> (Prefix, Vec<String>) {
        let (left, right) = (left.as_bytes(), right.as_bytes());
        let mut prefix = Prefix::new(Position::START, Position::START);
        let mut followed = Followed::default();
        let resume: Resume<'_> = Box::new(|position| testing::reader(left, position));
        prefix.extend((left, &resume), right, &mut followed, &|_, _| {});
        let names =
            followed.path.innermost(9).into_iter().map(|n| String::from_utf8_lossy(n).into_owned());
        (prefix, names.collect())
    }

    #[test]
    fn it_stops_shortly_before_the_difference() {
        let line = |n: usize| format!("f> {} LOAD_CONST (text)\n", n % 1000);
        let left: String = (0..50_000).map(line).collect();
        for at in [0, 1, 2, 999, 5_000, 49_999] {
            let mut right: Vec<String> = (0..50_000).map(line).collect();
            right[at] = "f> 7 POP_TOP\n".to_owned();
            let (prefix, _) = prefix(&left, &right.concat());
            let steps = prefix.left.step - 1;
            assert!(steps <= at as u64 && steps + 2 >= at as u64, "{at}: {steps}");
            assert_eq!((prefix.left, prefix.left.line), (prefix.right, prefix.left.step));
        }
    }

    #[test]
    fn addresses_are_passed_over_and_counted() {
        let line = |n: usize, address: usize| {
            format!("f> 3 LOAD_CONST (<code object g at 0x{address:x}, {n}>)\nf> 6 POP_TOP\n")
        };
        let left: String = (0..20_000).map(|n| line(n, n)).collect();
        let right: String = (0..20_000).map(|n| line(n, n * 77 + 1)).collect();
        let (prefix, _) = prefix(&left, &right);
        assert_eq!(prefix.left.step, 40_000);
        assert_eq!((prefix.right.step, prefix.addresses), (40_000, 20_000));
        assert!(right[prefix.right.offset as usize..].starts_with("f> 6 POP_TOP\n"));
    }

    #[test]
    fn constants_with_newlines_are_counted_by_the_reader() {
        let text = "m> 9 LOAD_CONST (a\nm> 7 POP_TOP\nb)\nm> 3 NOP\nf> 0 NOP\nf> 1 RETURN_VALUE\nm> 4 NOP\n";
        let text = text.repeat(10_000);
        let (prefix, names) = prefix(&text, &text);
        assert_eq!(prefix.left.step, 50_000);
        assert_eq!(names, ["m"]);
    }
}
