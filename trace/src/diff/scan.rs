//! Counts the steps of `blog` text at memory speed, and notes where frames are entered and left.
//!
//! Works on 64 bytes at once, in bit masks. Where the lines are as simple as nearly all are (one
//! `> ` with a digit behind it, a parenthesis opened is closed at the end), a line is a step; where
//! not, it says so and leaves the counting to the reader.

use super::path::CallPath;

const WIDTH: usize = 64;
/// How far back the line before the first is looked for.
const NEAR: usize = 4096;

/// Counts the lines of `text` from `from` on, where a line starts, to its end, which is a newline,
/// and follows the frames. `None` if any line is not simple; `path` is then of no use.
pub fn lines(text: &[u8], from: usize, path: &mut CallPath) -> Option<u64> {
    let near = &text[from.saturating_sub(NEAR)..from];
    let before = memchr::memrchr(b'\n', near.split_last().map_or(b"", |(_, line)| line));
    let before = before.map_or(from, |end| from - near.len() + end + 1);
    let mut scan = Scan { line: from, before, ..Scan::default() };
    let mut chunks = text[from..].chunks_exact(WIDTH);
    let mut at = from;
    for chunk in &mut chunks {
        scan.chunk(chunk.try_into().ok()?, text, at, path)?;
        at += WIDTH;
    }
    let mut last = [0; WIDTH];
    let rest = chunks.remainder();
    last[..rest.len()].copy_from_slice(rest);
    scan.chunk(&last, text, at, path)?;
    (scan.odd == 0).then_some(scan.count)
}

/// What the chunks so far leave to the next: whether the byte before it was such a one (bit 0).
#[derive(Default)]
struct Scan {
    count: u64,
    greater: u64,
    space: u64,
    /// A `> ` was seen in this line: all ones if the next mark must be a newline.
    odd: u64,
    /// The line has ` (`.
    open: bool,
    close: u64,
    letter_e: u64,
    mark: u64,
    zero: u64,
    /// Where the line began, and the one before it.
    line: usize,
    before: usize,
}

impl Scan {
    #[inline]
    fn chunk(
        &mut self,
        chunk: &[u8; WIDTH],
        text: &[u8],
        at: usize,
        path: &mut CallPath,
    ) -> Option<()> {
        let newline = mask(chunk, b'\n');
        let space = mask(chunk, b' ');
        // Where `> ` ends.
        let marks = space & shift(mask(chunk, b'>'), &mut self.greater);
        // Marks and newlines take turns, as the parity of their ranks tells.
        let parity = prefix_xor(newline | marks) ^ self.odd;
        let after_mark = shift(marks, &mut self.mark);
        let turns = parity & marks == marks && parity & newline == 0;
        self.odd = if parity >> (WIDTH - 1) != 0 { u64::MAX } else { 0 };
        // A sum carries from ` (` to the line's end.
        let opened = mask(chunk, b'(') & shift(space, &mut self.space);
        let (sum, over) = (!newline).overflowing_add(opened);
        let (sum, over_too) = sum.overflowing_add(u64::from(self.open));
        self.open = over | over_too;
        let closed = shift(mask(chunk, b')'), &mut self.close);
        if !turns || after_mark & !digits(chunk) != 0 || newline & sum & !closed != 0 {
            return None;
        }
        self.count += u64::from(newline.count_ones());
        // Calls: `> 0 `. Returns: lines that end as RETURN_VALUE does.
        let zero = mask(chunk, b'0') & after_mark;
        let entered = space & shift(zero, &mut self.zero);
        let left = newline & shift(mask(chunk, b'E'), &mut self.letter_e);
        if entered | left != 0 {
            self.frames(entered, left, newline, text, at, path);
        } else {
            self.remember(newline, at);
        }
        Some(())
    }

    /// Follows calls and returns, in their order.
    fn frames(
        &mut self,
        entered: u64,
        left: u64,
        newline: u64,
        text: &[u8],
        at: usize,
        path: &mut CallPath,
    ) {
        let (mut events, mut newlines) = (entered | left, newline);
        while events != 0 {
            let bit = events.trailing_zeros();
            events &= events - 1;
            let passed = newlines & ((1 << bit) - 1);
            self.remember(passed, at);
            newlines &= !passed;
            let end = at + bit as usize;
            if entered >> bit & 1 != 0 {
                let name = &text[self.line..end - 3];
                let before = &text[self.before..self.line];
                let caller = memchr::memmem::find(before, b"> ").map(|end| &before[..end]);
                let jumped = memchr::memmem::find(before, b"JUMP").is_some();
                if !(jumped && caller == Some(name)) {
                    path.enter(caller, name);
                }
            } else if text[self.line..end].ends_with(b" RETURN_VALUE")
                && let Some(name) = memchr::memmem::find(&text[self.line..end], b"> ")
            {
                path.leave(&text[self.line..self.line + name]);
            }
        }
        self.remember(newlines, at);
    }

    #[inline]
    fn remember(&mut self, newlines: u64, at: usize) {
        if newlines != 0 {
            let last = WIDTH - 1 - newlines.leading_zeros() as usize;
            let others = newlines & !(1 << last);
            self.before = match others {
                0 => self.line,
                _ => at + WIDTH - others.leading_zeros() as usize,
            };
            self.line = at + last + 1;
        }
    }
}

/// The mask moved to the bytes behind, with what the chunk before left and what this one leaves.
#[inline]
fn shift(mask: u64, carry: &mut u64) -> u64 {
    let shifted = mask << 1 | *carry;
    *carry = mask >> (WIDTH - 1);
    shifted
}

/// Each bit becomes the parity of the bits up to it.
#[inline]
fn prefix_xor(mut bits: u64) -> u64 {
    for distance in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << distance;
    }
    bits
}

/// Which bytes are that one.
#[inline]
fn mask(chunk: &[u8; WIDTH], byte: u8) -> u64 {
    collect(chunk, byte, byte)
}

#[inline]
fn digits(chunk: &[u8; WIDTH]) -> u64 {
    collect(chunk, b'0', b'9')
}

/// Which bytes are from `first` to `last`.
#[cfg(target_arch = "x86_64")]
#[inline]
fn collect(chunk: &[u8; WIDTH], first: u8, last: u8) -> u64 {
    // SAFETY: SSE2 is in every x86-64.
    unsafe { collect_sse2(chunk, first, last) }
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "sse2")]
fn collect_sse2(chunk: &[u8; WIDTH], first: u8, last: u8) -> u64 {
    use std::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_min_epu8, _mm_movemask_epi8, _mm_set1_epi8,
        _mm_sub_epi8,
    };
    let (first_, width) = (_mm_set1_epi8(first as i8), _mm_set1_epi8((last - first) as i8));
    let mut bits = 0;
    for (index, part) in chunk.chunks_exact(16).enumerate() {
        // SAFETY: `part` has the 16 bytes that are read, and the load needs no alignment.
        let bytes = unsafe { _mm_loadu_si128(part.as_ptr().cast::<__m128i>()) };
        let found = if first == last {
            _mm_cmpeq_epi8(bytes, first_)
        } else {
            let distance = _mm_sub_epi8(bytes, first_);
            _mm_cmpeq_epi8(_mm_min_epu8(distance, width), distance)
        };
        bits |= u64::from(_mm_movemask_epi8(found) as u32) << (16 * index);
    }
    bits
}

/// Which bytes are from `first` to `last`.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn collect(chunk: &[u8; WIDTH], first: u8, last: u8) -> u64 {
    let mut bits = 0;
    for (index, &byte) in chunk.iter().enumerate() {
        bits |= u64::from((first..=last).contains(&byte)) << index;
    }
    bits
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::diff::testing::events;

    fn count(text: &str) -> Option<u64> {
        lines(text.as_bytes(), 0, &mut CallPath::default())
    }

    #[test]
    fn simple_lines_are_counted() {
        assert_eq!(count(""), Some(0));
        assert_eq!(count("f> 0 POP_TOP\n"), Some(1));
        assert_eq!(count(&"module> 12 LOAD_CONST (a (b))\n> 0 SLICE+3\n".repeat(50)), Some(100));
    }

    #[test]
    fn others_are_told() {
        for odd in [
            "f> 0 LOAD_CONST (a\nb)\n",
            "f> 0 LOAD_CONST (a)\nb)\n",
            "f> 0 LOAD_CONST (a> 1)\n",
            "f> x POP_TOP\n",
            "f> 0 LOAD_CONST (a\nf> 3 POP_TOP\nb)\n",
            "\n",
        ] {
            for before in 0..70 {
                let text = format!("{}> 0 POP_TOP\n{odd}f> 3 POP_TOP\n", "x".repeat(before));
                assert_eq!(count(&text), None, "{text}");
            }
        }
    }

    proptest! {
        /// Whatever is simple has as many steps, and the same frames, as the reader finds.
        #[test]
        fn it_agrees_with_the_reader(
            steps in prop::collection::vec((0..4usize, 0..3u32, 0..6usize), 1..200)
        ) {
            let mut text = String::new();
            for (name, pc, kind) in steps {
                let name = ["f", "<module>", "a_rather_long_name_of_a_function", "<g>"][name];
                let kind = [
                    "RETURN_VALUE", "POP_TOP", "LOAD_CONST (x (y))", "JUMP_ABSOLUTE (0)",
                    "CALL_FUNCTION (1)", "COMPARE_OP (>)",
                ][kind];
                text.push_str(&format!("{name}> {pc} {kind}\n"));
            }
            let mut fast = CallPath::default();
            let counted = lines(text.as_bytes(), 0, &mut fast);
            let mut read = 0;
            events(&text, |_| read += 1);
            prop_assert_eq!(counted, Some(read));
        }
    }
}
