//! Counts the steps of `line` text at memory speed, and follows its frames.
//!
//! Works on 64 bytes at once, in bit masks. Where the lines are as simple as nearly all are (one
//! `> ` with an offset and an opcode of 2.7 after it, a parenthesis opened is closed at the end), a
//! line is a step; where not, it says so and leaves the counting to the reader. Most steps are in
//! the frame of the one before, which shows in the first bytes of their lines.

use super::path::CallPath;
use bytecode::opcode;
use bytecode::text::parse;

const WIDTH: usize = 64;
/// Bytes that hold an offset and an opcode, but for the longest.
const WINDOW: usize = 32;
/// Digits of an offset; longer ones are left to the reader.
const DIGITS: usize = 9;
/// Bytes of a name that are compared at once.
const WORD: usize = 16;

/// Counts the lines of `text`, which starts where a line does and ends with a newline, and follows
/// the frames as the steps themselves would. `None` if any line is not simple; `path` is then of no
/// use.
pub fn lines(text: &[u8], path: &mut CallPath) -> Option<u64> {
    let mut scan = Scan { text, ..Scan::default() };
    let mut chunks = text.chunks_exact(WIDTH);
    let mut at = 0;
    for chunk in &mut chunks {
        scan.chunk(chunk.try_into().ok()?, at, path)?;
        at += WIDTH;
    }
    let mut last = [0; WIDTH];
    let rest = chunks.remainder();
    last[..rest.len()].copy_from_slice(rest);
    scan.chunk(&last, at, path)?;
    if scan.odd != 0 {
        return None;
    }
    if scan.count > 0 && !path.has_left() {
        path.leave(scan.opcode_before());
    }
    Some(scan.count)
}

/// What the chunks so far leave to the next: whether the byte before it was such a one (bit 0).
#[derive(Default)]
struct Scan<'a> {
    text: &'a [u8],
    count: u64,
    greater: u64,
    space: u64,
    /// A `> ` was seen in this line: all ones if the next mark must be a newline.
    odd: u64,
    /// The line has ` (`.
    open: bool,
    close: u64,
    mark: u64,
    /// Where the line began, and the one before it.
    line: usize,
    before: usize,
    /// Where the last `> ` began.
    name_end: usize,
    /// The name of the line before.
    name: &'a [u8],
    /// Its line's first bytes, and those of them that are the name; none if it is longer.
    word: u128,
    kept: u128,
}

impl<'a> Scan<'a> {
    #[inline]
    fn chunk(&mut self, chunk: &[u8; WIDTH], at: usize, path: &mut CallPath) -> Option<()> {
        let newline = mask(chunk, b'\n');
        let space = mask(chunk, b' ');
        // Where `> ` ends.
        let marks = space & shift(mask(chunk, b'>'), &mut self.greater);
        // Marks and newlines take turns, as the parity of their ranks shows.
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
        let (mut newlines, mut marks) = (newline, marks);
        while newlines != 0 {
            let end = at + newlines.trailing_zeros() as usize;
            // The lowest mark is this line's, unless that was in a chunk before.
            if marks != 0 && marks.trailing_zeros() < newlines.trailing_zeros() {
                self.name_end = at + marks.trailing_zeros() as usize - 1;
                marks &= marks - 1;
            }
            newlines &= newlines - 1;
            self.step(end, path)?;
        }
        if marks != 0 {
            self.name_end = at + marks.trailing_zeros() as usize - 1;
        }
        Some(())
    }

    /// Follows the line that ends there; `None` if it is no simple step.
    #[inline]
    fn step(&mut self, end: usize, path: &mut CallPath) -> Option<()> {
        let behind = self.name_end + 2;
        let first = self.text[behind] == b'0' && self.text[behind + 1] == b' ';
        if !is_step(&self.text[behind..end], self.text.get(behind..behind + WINDOW)) {
            return None;
        }
        if first || path.has_left() || !self.is_named_alike() {
            self.enter(first, path);
        }
        if self.text[end - 1] == b'E' && self.text[behind..end].ends_with(b" RETURN_VALUE") {
            path.leave(opcode::number("RETURN_VALUE"));
        }
        self.count += 1;
        self.before = self.line;
        self.line = end + 1;
        Some(())
    }

    /// Whether the line has the name of the one before.
    #[inline]
    fn is_named_alike(&self) -> bool {
        if self.name_end - self.line != self.name.len() {
            return false;
        }
        match self.text.get(self.line..self.line + WORD) {
            Some(word) if self.kept != 0 => (word_of(word) ^ self.word) & self.kept == 0,
            _ => self.text[self.line..self.name_end] == *self.name,
        }
    }

    /// The step is at the start of a frame, or may be in another than the last.
    #[inline(never)]
    fn enter(&mut self, first: bool, path: &mut CallPath) {
        self.name = &self.text[self.line..self.name_end];
        // What came before distinguishes a jump to the frame's own first instruction from a call.
        if first && self.count > 0 && path.is_in(self.name) && !path.has_left() {
            path.leave(self.opcode_before());
        }
        let word = self.text.get(self.line..self.line + WORD);
        (self.word, self.kept) = match (word, self.name.len()) {
            (Some(word), 1..=WORD) => (word_of(word), u128::MAX >> (8 * (WORD - self.name.len()))),
            _ => (0, 0),
        };
        path.enter(self.name, first);
    }

    /// The opcode of the line before.
    fn opcode_before(&self) -> u8 {
        let line = &self.text[self.before..self.line - 1];
        parse(line).map_or(0, |line| line.opcode)
    }
}

/// Whether what follows `NAME> ` is a step, the end of its operand aside. `window` is the text from
/// there on, if there is as much.
#[inline]
fn is_step(line: &[u8], window: Option<&[u8]>) -> bool {
    // Where the offset ends, and where the opcode: the first two blanks or newlines.
    let (offset, name) = match window.map(blanks) {
        Some(mut blanks) if blanks & (blanks - 1) != 0 => {
            let offset = blanks.trailing_zeros() as usize;
            blanks &= blanks - 1;
            (offset, blanks.trailing_zeros() as usize)
        }
        _ => {
            let Some(offset) = memchr::memchr(b' ', line) else { return false };
            let rest = &line[offset + 1..];
            (offset, offset + 1 + memchr::memchr(b' ', rest).unwrap_or(rest.len()))
        }
    };
    if name > line.len() || offset > DIGITS || offset > 1 && line[0] == b'0' {
        return false;
    }
    let digits = line[..offset].iter().fold(true, |all, byte| all & byte.is_ascii_digit());
    let operand = name < line.len();
    let known = opcode::by_bytes(&line[offset + 1..name]);
    let fits = known.is_some_and(|opcode| operand == (opcode >= opcode::HAVE_ARGUMENT));
    digits && fits && (!operand || line.get(name + 1) == Some(&b'('))
}

/// Which of the first bytes are blanks or newlines.
#[inline]
fn blanks(window: &[u8]) -> u64 {
    let mut bits = 0;
    for (index, part) in window.chunks_exact(16).enumerate() {
        let word = word_of(part);
        let zeros = |byte: u8| {
            let differs = word ^ u128::from_ne_bytes([byte; 16]);
            // Carries stay within their bytes.
            let low = u128::from_ne_bytes([0x7f; 16]);
            !(((differs & low) + low) | differs | low)
        };
        let found = zeros(b' ') | zeros(b'\n');
        // The top bit of each byte, gathered.
        let halves = [found as u64, (found >> 64) as u64];
        for (half, found) in halves.into_iter().enumerate() {
            let gathered = (found >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56;
            bits |= gathered << (16 * index + 8 * half);
        }
    }
    bits
}

#[inline]
fn word_of(bytes: &[u8]) -> u128 {
    bytes.try_into().map_or(0, u128::from_le_bytes)
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
    use crate::analysis::diff::testing::steps;

    fn count(text: &str) -> Option<u64> {
        lines(text.as_bytes(), &mut CallPath::default())
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
            // What a constant may hold, or a program print.
            "f> 0 LOAD_CONST (a)\nf> 5 garbage)\n",
            "f> 5 GARBAGE (1)\n",
            "f> 5 LOAD_CONST\n",
            "f> 5 POP_TOP (1)\n",
            "f> 5 LOAD_CONST x (1)\n",
            "f> 5x LOAD_CONST (1)\n",
            "f> 05 LOAD_CONST (1)\n",
            "f> 4294967296 LOAD_CONST (1)\n",
            "f> 5 POP_TOP \n",
            "f> 5  POP_TOP\n",
            "f> 5\n",
            "f> 5 \n",
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
            made in prop::collection::vec((0..4usize, 0..3u32, 0..6usize), 1..200)
        ) {
            let mut text = String::new();
            for (name, pc, kind) in made {
                let name = ["f", "<module>", "a_rather_long_name_of_a_function", "<g>"][name];
                let kind = [
                    "RETURN_VALUE", "POP_TOP", "LOAD_CONST (x (y))", "JUMP_ABSOLUTE (0)",
                    "CALL_FUNCTION (1)", "COMPARE_OP (>)",
                ][kind];
                text.push_str(&format!("{name}> {pc} {kind}\n"));
            }
            let mut fast = CallPath::default();
            let counted = lines(text.as_bytes(), &mut fast);
            let (mut read, mut slow) = (0, CallPath::default());
            steps(&text, |event| {
                read += 1;
                slow.step(event);
            });
            prop_assert_eq!(counted, Some(read));
            prop_assert_eq!(&fast, &slow);
            // In parts, too.
            let middle = text.len() / 2;
            let middle = text[..middle].rfind('\n').map_or(0, |end| end + 1);
            let mut parts = CallPath::default();
            lines(&text.as_bytes()[..middle], &mut parts);
            lines(&text.as_bytes()[middle..], &mut parts);
            prop_assert_eq!(parts, slow);
        }
    }
}
