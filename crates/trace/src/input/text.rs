//! What the first bytes say of the rest, and the readers that turn it into UTF-8 with `\n`.

use std::io::{self, Read};

const CHUNK: usize = 1 << 16;

/// How the bytes have to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Plain,
    /// Every line ends with `\r\n`, or the text starts with the mark of UTF-8: written on Windows.
    CarriageReturns,
    /// What `>` writes in PowerShell 5.
    Utf16 {
        little: bool,
    },
    Gzip,
    Zstd,
}

impl Encoding {
    pub(super) fn of(sample: &[u8]) -> Encoding {
        match sample {
            // A recording; what looks like ends of lines in it is none.
            [b'p', b'y', b'2', b'7', b'f', b'l', b'o', b'w', ..] => Encoding::Plain,
            [0x1f, 0x8b, 8, ..] => Encoding::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Encoding::Zstd,
            // A frame that decompressors skip may come first.
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Encoding::Zstd,
            [0xff, 0xfe, ..] => Encoding::Utf16 { little: true },
            [0xfe, 0xff, ..] => Encoding::Utf16 { little: false },
            [0xef, 0xbb, 0xbf, ..] => Encoding::CarriageReturns,
            _ if is_wide(sample, 0) => Encoding::Utf16 { little: true },
            _ if is_wide(sample, 1) => Encoding::Utf16 { little: false },
            _ if carriage_returns(sample) => Encoding::CarriageReturns,
            _ => Encoding::Plain,
        }
    }
}

/// Whether the text starts with a few characters of ASCII in UTF-16, without its mark; `low` is
/// the index of the byte that is not NUL in each pair.
fn is_wide(sample: &[u8], low: usize) -> bool {
    let pairs = sample.chunks_exact(2).take(8);
    pairs.len() > 1 && pairs.clone().all(|pair| pair[low] != 0 && pair[1 - low] == 0)
}

fn carriage_returns(sample: &[u8]) -> bool {
    let mut ends = memchr::memchr_iter(b'\n', sample).peekable();
    ends.peek().is_some() && ends.all(|end| end > 0 && sample[end - 1] == b'\r')
}

/// Gives text without the mark of UTF-8 and with `\n` for `\r\n`.
pub(super) struct Plain<R> {
    input: R,
    lines: LineEnds,
    start: bool,
}

impl<R> Plain<R> {
    pub(super) fn new(input: R) -> Plain<R> {
        Plain { input, lines: LineEnds::default(), start: true }
    }
}

impl<R: Read> Read for Plain<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let input = &mut self.input;
        let start = &mut self.start;
        self.lines.read(out, |ready| {
            let mut chunk = vec![0; CHUNK];
            let read = input.read(&mut chunk)?;
            let mut chunk = &chunk[..read];
            // A sample has four bytes at least, if the input has, and comes in one piece.
            if std::mem::take(start) {
                chunk = chunk.strip_prefix(b"\xef\xbb\xbf").unwrap_or(chunk);
            }
            ready.extend_from_slice(chunk);
            Ok(read > 0)
        })
    }
}

/// Turns UTF-16 into UTF-8, and `\r\n` into `\n`. What is no UTF-16 becomes U+FFFD.
pub(super) struct Utf16<R> {
    input: R,
    little: bool,
    lines: LineEnds,
    /// A byte whose other half has not come yet.
    half: Option<u8>,
    /// A high surrogate whose other half has not come yet.
    high: Option<u16>,
    start: bool,
}

impl<R> Utf16<R> {
    pub(super) fn new(input: R, little: bool) -> Utf16<R> {
        let lines = LineEnds::default();
        Utf16 { input, little, lines, half: None, high: None, start: true }
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let Utf16 { input, little, lines, half, high, start } = self;
        lines.read(out, |ready| {
            let mut chunk = vec![0; CHUNK];
            let read = input.read(&mut chunk)?;
            let bytes = half.take().into_iter().chain(chunk[..read].iter().copied());
            let mut units = Vec::with_capacity(CHUNK / 2 + 2);
            units.extend(high.take());
            let mut first = None;
            for byte in bytes {
                match first.take() {
                    None => first = Some(byte),
                    Some(first) if *little => units.push(u16::from_le_bytes([first, byte])),
                    Some(first) => units.push(u16::from_be_bytes([first, byte])),
                }
            }
            let end = read == 0;
            if end && first.is_some() {
                units.push(0xfffd);
            } else {
                *half = first;
            }
            if std::mem::take(start) && units.first() == Some(&0xfeff) {
                units.remove(0);
            }
            if !end {
                *high = units.pop_if(|unit| (0xd800..0xdc00).contains(unit));
            }
            for unit in char::decode_utf16(units) {
                let unit = unit.unwrap_or(char::REPLACEMENT_CHARACTER);
                ready.extend_from_slice(unit.encode_utf8(&mut [0; 4]).as_bytes());
            }
            Ok(!end)
        })
    }
}

/// Text that has been decoded and not handed out yet; drops the `\r` of `\r\n`.
#[derive(Default)]
struct LineEnds {
    ready: Vec<u8>,
    given: usize,
    /// A `\r` at the end of the chunk before: what follows decides.
    held: bool,
    end: bool,
}

impl LineEnds {
    /// Hands out text; `more` appends some, and returns false at the end of the input.
    fn read(
        &mut self,
        out: &mut [u8],
        mut more: impl FnMut(&mut Vec<u8>) -> io::Result<bool>,
    ) -> io::Result<usize> {
        while self.given == self.ready.len() && !self.end {
            self.ready.clear();
            self.given = 0;
            if std::mem::take(&mut self.held) {
                self.ready.push(b'\r');
            }
            self.end = !more(&mut self.ready)?;
            if !self.end {
                self.held = self.ready.pop_if(|byte| *byte == b'\r').is_some();
            }
            drop_returns(&mut self.ready);
        }
        let count = out.len().min(self.ready.len() - self.given);
        out[..count].copy_from_slice(&self.ready[self.given..self.given + count]);
        self.given += count;
        Ok(count)
    }
}

fn drop_returns(text: &mut Vec<u8>) {
    let mut kept = 0;
    for at in 0..text.len() {
        if text[at] != b'\r' || text.get(at + 1) != Some(&b'\n') {
            text[kept] = text[at];
            kept += 1;
        }
    }
    text.truncate(kept);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time, so that every pair is split.
    struct Drip<'a>(&'a [u8]);

    impl Read for Drip<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let len = out.len().min(1);
            self.0.read(&mut out[..len])
        }
    }

    #[test]
    fn pairs_split_between_reads_stay_pairs() {
        let text = "a\u{1f40d}\r\nb\r";
        let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut out = String::new();
        Utf16::new(Drip(&bytes), true).read_to_string(&mut out).unwrap();
        assert_eq!(out, "a\u{1f40d}\nb\r");
        out.clear();
        Plain::new(Drip(b"a\r\r\nb\rc\r\n\r")).read_to_string(&mut out).unwrap();
        assert_eq!(out, "a\r\nb\rc\n\r");
    }

    #[test]
    fn broken_utf16_is_replaced() {
        for (bytes, wanted) in [(&b"\x00\xd8a\x00"[..], "\u{fffd}a"), (b"a\x00b", "a\u{fffd}")] {
            let mut out = String::new();
            Utf16::new(bytes, true).read_to_string(&mut out).unwrap();
            assert_eq!(out, wanted);
        }
    }

    #[test]
    fn a_constant_with_a_return_in_it_is_plain() {
        assert_eq!(Encoding::of(b"f> 0 LOAD_CONST (a\r\nb)\nf> 3 POP_TOP\n"), Encoding::Plain);
        assert_eq!(Encoding::of(b"f> 3 POP_TOP\r\n"), Encoding::CarriageReturns);
        assert_eq!(Encoding::of(b"f\0"), Encoding::Plain);
        assert_eq!(Encoding::of(b"a\0b\0> 0 POP_TOP\n"), Encoding::Plain);
    }
}
