//! Damaged and hostile traces: every one gives steps or an error with its place, in bounded memory,
//! and the same whether it is in memory or comes in pieces. The seeds are those of the fuzzer.

#![allow(clippy::unwrap_used, reason = "a test says with it what must be")]

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use bytecode::disassemble::around;
use bytecode::pyc::{MAGIC, Pyc};
use trace::formats::Reader;
use trace::input::Input;
use trace::lines::{LONGEST, Lines};
use trace::step::{Format, Position, ReadError, Saved, Steps};

/// Gives a few bytes at a time, of changing number.
struct Pieces<'a> {
    bytes: &'a [u8],
    given: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.given += 1;
        let len = (self.given * 7 % 23 + 1).min(out.len());
        self.bytes.read(&mut out[..len])
    }
}

fn collect(reader: Result<Reader<'_>, ReadError>) -> (Vec<Saved>, Option<ReadError>) {
    let mut steps = Vec::new();
    let error = (|| {
        let mut reader = reader?;
        while let Some(event) = reader.next()? {
            steps.push(Saved::new(&event));
        }
        Ok(())
    })();
    (steps, error.err())
}

/// Reads in memory and in pieces, and demands the same of both.
fn read(bytes: &[u8], format: Option<Format>) -> (Vec<Saved>, Option<ReadError>) {
    let whole = collect(Reader::new(Lines::of("t", bytes, Position::START), format));
    let pieces = Box::new(Pieces { bytes, given: 0 });
    let pieced = collect(Reader::new(Lines::from_reader("t", pieces), format));
    let shown = |error: &Option<ReadError>| error.as_ref().map(ToString::to_string);
    assert_eq!(shown(&whole.1), shown(&pieced.1), "{}", bytes.escape_ascii());
    assert_eq!(whole.0.len(), pieced.0.len());
    for (left, right) in whole.0.iter().zip(&pieced.0) {
        assert_eq!(left.step(), right.step());
    }
    if let Some(error) = &whole.1 {
        let (line, offset) = (error.line().unwrap(), error.offset().unwrap());
        assert!(offset <= bytes.len() as u64);
        let before = bytes[..offset as usize].iter().filter(|&&byte| byte == b'\n').count();
        assert_eq!(line, before as u64 + 1, "the line is that of the byte: {error}");
    }
    whole
}

fn seeds(format: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(format);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let seeds: Vec<_> = files.map(|file| fs::read(file.unwrap().path()).unwrap()).collect();
    assert!(!seeds.is_empty());
    seeds
}

/// A generator of numbers that is the same each time (xorshift64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
    const TOKENS: [&[u8]; 16] = [
        b"\n",
        b")",
        b"> 0 POP_TOP\n",
        b"\0",
        b"\xff",
        b"\"",
        b"\\",
        b"[",
        b"{",
        b"null",
        b"4294967296",
        b"INFO:xpython.vm:",
        b"@ 1: ",
        b"LOAD_CONST",
        b"\\udc80",
        b" (",
    ];
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        let end = (at + random.below(9)).min(bytes.len());
        match random.below(5) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => drop(bytes.splice(at..at, TOKENS[random.below(TOKENS.len())].iter().copied())),
            3 => bytes[at..end].fill(random.below(256) as u8),
            _ => {
                let piece = bytes[at..end].to_vec();
                bytes.extend_from_slice(&piece);
            }
        }
    }
}

#[test]
fn every_damaged_seed_gives_steps_or_an_error() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut branch_bits = [0, 0];
    for format in Format::LINES {
        for seed in seeds(format.name()) {
            assert!(read(&seed, None).1.is_none(), "the seed is a trace: {}", seed.escape_ascii());
            for round in 0..400 {
                let mut bytes = seed.clone();
                damage(&mut bytes, &mut random);
                let (_, error) = read(&bytes, (round % 4 > 0).then_some(format));
                branch_bits[usize::from(error.is_some())] += 1;
            }
        }
    }
    assert!(branch_bits[0] > 500 && branch_bits[1] > 500, "both happen: {branch_bits:?}");
}

#[test]
fn a_trace_that_is_cut_anywhere_is_whole_up_to_there() {
    for format in Format::LINES {
        for seed in seeds(format.name()) {
            let (all, _) = read(&seed, Some(format));
            for end in 0..seed.len() {
                let (steps, error) = read(&seed[..end], Some(format));
                assert!(steps.len() <= all.len());
                let in_line = end > 0 && seed[end - 1] != b'\n';
                if in_line && format == Format::Line {
                    assert!(error.unwrap().is_cut(), "{}", seed[..end].escape_ascii());
                }
                // The last step may have lost some of its lines, and lines may look like steps.
                let sure = steps.len().saturating_sub(2);
                for (left, right) in steps[..sure].iter().zip(&all) {
                    assert_eq!(left.step().pc, right.step().pc);
                }
            }
        }
    }
}

#[test]
fn damaged_compressed_and_wide_traces_are_errors_at_worst() {
    let mut random = Random(0xd1b5_4a32_d192_ed03);
    for seed in seeds("input") {
        for round in 0..600 {
            let mut bytes = seed.clone();
            if round > 0 {
                damage(&mut bytes, &mut random);
            }
            let opened = Input::from_reader("t", Box::new(io::Cursor::new(bytes)));
            let (steps, error) = collect(opened.and_then(|input| Reader::open(input, None)));
            assert!(round > 0 || (error.is_none() && steps.len() == 4));
        }
    }
}

/// A `.pyc` that is damaged in its lengths, types and references, too.
#[test]
fn every_damaged_pyc_gives_code_objects_or_an_error() {
    let mut random = Random(0xa076_1d64_78bd_642f);
    let mut branch_bits = [0, 0];
    for seed in seeds("pyc") {
        let whole = [&MAGIC[..], &[0; 4], &seed].concat();
        assert!(!Pyc::read(&whole).unwrap().codes.is_empty());
        for round in 0..400 {
            let mut bytes = whole.clone();
            match round % 3 {
                0 => damage(&mut bytes, &mut random),
                1 => {
                    let at = 8 + random.below(seed.len());
                    bytes[at] = b"0NFTS.ifIgxylstuR([{<>c?"[random.below(24)];
                }
                _ => {
                    let at = 8 + random.below(seed.len() - 4);
                    let length = [0, 1, -1, 255, 65_536, i32::MAX, i32::MIN][random.below(7)];
                    bytes[at..at + 4].copy_from_slice(&length.to_le_bytes());
                }
            }
            match Pyc::read(&bytes) {
                Ok(pyc) => {
                    for code in &pyc.codes {
                        around(&pyc, code, &[0, 7, u32::MAX], 4);
                    }
                    branch_bits[0] += 1;
                }
                Err(error) => {
                    assert!(error.at() <= bytes.len(), "{error}");
                    branch_bits[1] += 1;
                }
            }
        }
    }
    assert!(branch_bits[0] > 300 && branch_bits[1] > 300, "both happen: {branch_bits:?}");
}

#[test]
fn a_line_without_end_is_an_error_soon() {
    for (format, start) in [
        (Format::Line, &b"f> 0 LOAD_CONST ("[..]),
        (Format::Line, b"> > > "),
        (Format::Jsonl, b"{\"pc\":0,\"op\":100,\"argRepr\":\""),
        (Format::Jsonl, b"{\"stack\":"),
        (Format::Xpython, b"INFO:xpython.vm:       @  0: LOAD_CONST "),
    ] {
        for fill in [b'[', b' '] {
            let endless = Box::new(start.chain(io::repeat(fill)));
            let (steps, error) =
                collect(Reader::new(Lines::from_reader("t", endless), Some(format)));
            let error = error.unwrap().to_string();
            assert!(steps.is_empty() && error.contains("longer than 16 MiB"), "{error}");
        }
    }
}

#[test]
fn a_constant_without_end_is_an_error_soon() {
    for text in ["f> 0 LOAD_CONST (a\n", "INFO:xpython.vm:       @  0: LOAD_CONST a\n"] {
        let line = format!("{}\n", "b".repeat(4095));
        let lines = line.repeat(LONGEST / line.len() + 1);
        let text = format!("{text}{lines}");
        let (steps, error) =
            collect(Reader::new(Lines::of("t", text.as_bytes(), Position::START), None));
        let error = error.unwrap().to_string();
        assert!(steps.is_empty() && error.contains("longer than 16 MiB"), "{error}");
    }
}

#[test]
fn deep_json_is_refused() {
    for bracket in ["[", "{\"a\":"] {
        let deep = bracket.repeat(1 << 20);
        let text = format!("{{\"pc\":0,\"stack\":{deep}\n");
        let lines = Lines::of("t", text.as_bytes(), Position::START);
        let (_, error) = collect(Reader::new(lines, None));
        assert!(error.unwrap().to_string().contains("nested too deep"));
    }
}
