//! Belongs here: the index and the table of a compressed recording, by which readers pass over what
//! they need not read; and gaps. Whatever the index says, the text is the same.

use std::fs;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::ops::Range;
use std::process::{Command, Stdio};

use recording::decoder::Decoder;
use recording::expand::expand;
use recording::file::{FlowWriter, Frames, Sections, gap, section};
use recording::text::RenderOptions;
use serde_json::json;
use trace::formats::{Reader, line};
use trace::lines::Lines;
use trace::step::{Format, Position, Steps};
use wire::code::CodeInfo;
use wire::control::NOWHERE;
use wire::packet::{BranchBits, Packet};

use crate::hostile::{index_of, mend};
use crate::stage::expanded;

/// Writes recordings whose threads loop, each in a deeper frame.
struct Loops {
    flow: FlowWriter<Vec<u8>>,
    decoder: Decoder,
    left_out: u64,
    last_code: u32,
}

impl Loops {
    fn new(compress: bool) -> Loops {
        let flow = FlowWriter::new(Vec::new(), compress, u64::MAX, &json!({})).unwrap().unwrap();
        Loops { flow, decoder: Decoder::new(), left_out: 0, last_code: 0 }
    }

    fn count(&self) -> u64 {
        self.decoder.executed() + self.left_out
    }

    fn record(&mut self, branch_bits: BranchBits, event: &Packet) {
        self.decoder.branch_bits(branch_bits, &mut ()).unwrap();
        self.decoder.event(event, &mut ()).unwrap();
        let count = self.count();
        self.flow.record(branch_bits, event, &self.decoder, count).unwrap();
    }

    /// Calls a function with that many bytes of line numbers, which goes around 63 times.
    fn call(&mut self, lines: usize) {
        self.last_code += 1;
        let code = self.last_code;
        // Nothing that compresses well.
        let mut state = u64::from(code);
        let mut byte = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        };
        let definition = CodeInfo {
            name: format!("f{code}").into_bytes(),
            code: b"\x09\x71\0\0".to_vec(),
            lines: (0..lines).map(|_| byte()).collect(),
            ..CodeInfo::default()
        };
        let mut bytes = Vec::new();
        definition.write(&mut bytes);
        self.decoder.define(code, definition).unwrap();
        let event = Packet::CodeDefined { code, definition: &bytes };
        let count = self.count();
        assert!(self.flow.code(&event, &self.decoder, count).unwrap());
        let lasti = if code == 1 { -1 } else { 0 };
        self.record(BranchBits::default(), &Packet::Enter { lasti, code });
        self.record(BranchBits { bits: (1 << 63) - 1, count: 63 }, &Packet::BranchBits);
        let count = self.count();
        self.flow.flush(&self.decoder, count).unwrap();
    }

    fn finish(mut self) -> Vec<u8> {
        self.record(BranchBits::default(), &Packet::End { lasti: NOWHERE });
        let count = self.count();
        let end = json!({ "instructions": count, "end": "ended" });
        self.flow.finish(&self.decoder, count, &end).unwrap()
    }
}

/// A recording of several mebibytes.
fn long(compress: bool) -> Vec<u8> {
    let mut loops = Loops::new(compress);
    for _ in 0..14 {
        loops.call(300_000);
    }
    loops.finish()
}

/// Its text from an instruction on, whether anything was passed over, and what was wrong.
fn from(input: impl Read + Seek, from: u64) -> (bool, Vec<u8>, Option<String>) {
    let (mut sections, _) = Sections::open(input).unwrap();
    let is_passed = sections.skip_to(from).unwrap();
    let options = RenderOptions::default();
    let mut text = Vec::new();
    let result = expand(sections, &options, &(from..u64::MAX), 1, &mut text);
    (is_passed, text, result.err().map(|error| error.to_string()))
}

#[test]
fn an_instruction_is_found() {
    let (raw, packed) = (long(false), long(true));
    assert_eq!(zstd::decode_all(&packed[..]).unwrap(), raw);
    let (all, _) = expanded(&raw, false, &(0..u64::MAX), 1);
    let lines: Vec<&[u8]> = all.split_inclusive(|&byte| byte == b'\n').collect();
    let mut passed = 0;
    for at in (0..lines.len() as u64 + 40).step_by(11) {
        let wanted = lines[lines.len().min(at as usize)..].concat();
        let (is_passed, text, error) = from(Cursor::new(&raw), at);
        assert_eq!((&text, error), (&wanted, None), "{at}");
        passed += u64::from(is_passed);
        let packed = Frames::open(&packed[..]).unwrap();
        assert_eq!(from(packed, at), (is_passed, text, None), "{at}");
    }
    assert!(passed > lines.len() as u64 / 11 / 2, "most lie after the first mebibyte");
}

#[test]
fn what_is_passed_over_is_not_read() {
    let raw = long(false);
    let (mut sections, _) = Sections::open(Cursor::new(&raw)).unwrap();
    assert!(sections.skip_to(u64::MAX).unwrap());
    let (mut codes, mut chunks) = (0, Vec::new());
    while let Some(chunk) = sections.next().unwrap() {
        codes += u32::from(chunk.kind == section::CODES);
        if chunk.kind == section::EVENTS {
            chunks.push(chunk.stretch().unwrap().0.first);
        }
    }
    assert_eq!(codes, 14, "all code objects");
    assert!(chunks.len() < 6, "the last mebibyte alone");
    assert!(chunks[0] > 0);
}

/// Each byte of the index is made another one, with right checksums.
#[test]
fn a_hostile_index_changes_no_text() {
    let raw = long(false);
    let start = index_of(&raw);
    let at = 1_200;
    let (_, wanted, _) = from(Cursor::new(&raw), at);
    assert!(wanted.starts_with(b"f"));
    for byte in start + 12..raw.len() {
        for change in [1, 0x0c, 0x80, 0xff] {
            let mut bytes = raw.clone();
            bytes[byte] ^= change;
            let checksum = {
                let mut checksum = crc32fast::Hasher::new();
                checksum.update(&bytes[start..start + 8]);
                checksum.update(&bytes[start + 12..]);
                checksum.finalize().to_le_bytes()
            };
            bytes[start + 8..start + 12].copy_from_slice(&checksum);
            let (_, text, error) = from(Cursor::new(&bytes), at);
            assert!(text == wanted, "byte {byte}: {error:?}");
        }
    }
}

#[test]
fn a_hostile_table_changes_no_text() {
    let packed = long(true);
    let at = 1_200;
    let (_, wanted, _) = from(Frames::open(&packed[..]).unwrap(), at);
    for byte in packed.len() - 60..packed.len() {
        let mut bytes = packed.clone();
        bytes[byte] ^= 0x15;
        if let Ok(frames) = Frames::open(&bytes[..]) {
            let (_, text, error) = from(frames, at);
            assert!(text == wanted, "byte {byte}: {error:?}");
        }
    }
}

/// What an index that was damaged leads to is looked at before anything is written.
#[test]
fn code_objects_that_are_passed_over_are_missed() {
    let raw = long(false);
    let (mut sections, _) = Sections::open(Cursor::new(&raw)).unwrap();
    let (mut at, mut second) = (0, None);
    while let Some(chunk) = sections.next().unwrap() {
        at += usize::from(chunk.kind == section::CODES);
        if at == 2 && second.is_none() {
            second = Some(chunk.offset as usize - 12..chunk.offset as usize + chunk.content.len());
        }
    }
    // Without the second chunk of code objects, and right otherwise.
    let mut bytes = raw.clone();
    bytes.drain(second.unwrap());
    let (_, error) = expanded(&bytes, false, &(0..u64::MAX), 1);
    assert!(error.unwrap_err().to_string().contains("code objects are missing"));
    mend(&mut bytes);
    assert!(from(Cursor::new(&bytes), 1_200).2.is_some());
}

#[test]
fn the_command_starts_where_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let trace27 = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trace27"));
        command.current_dir(folder.path());
        command
    };
    fs::write(folder.path().join("t.flow"), long(false)).unwrap();
    fs::write(folder.path().join("t.flow.zst"), long(true)).unwrap();
    let (all, _) = expanded(&long(false), false, &(0..u64::MAX), 1);
    let wanted = all.split_inclusive(|&byte| byte == b'\n').skip(1_499).take(7);
    let wanted = wanted.collect::<Vec<_>>().concat();
    for file in ["t.flow", "t.flow.zst"] {
        let range = ["expand", "--from", "1500", "--to", "1506"];
        let output = trace27().args(range).arg(file).output().unwrap();
        assert!(output.stdout == wanted && output.stderr.is_empty(), "{output:?}");
        let input = fs::File::open(folder.path().join(file)).unwrap();
        let output = trace27().args(range).arg("-").stdin(Stdio::from(input)).output().unwrap();
        assert!(output.stdout == wanted, "{output:?}");
    }
}

/// A recording of which the middle was left out.
fn with_gap(left_out: Option<u64>) -> Vec<u8> {
    let mut loops = Loops::new(false);
    loops.call(1);
    let before = loops.count();
    loops.flow.gap(&loops.decoder, before, left_out, gap::WINDOW).unwrap();
    loops.left_out = left_out.unwrap_or(0);
    loops.call(1);
    loops.finish()
}

fn is_text(bytes: &[u8], range: Range<u64>, wanted: &[u8]) {
    for threads in [1, 2] {
        let (text, result) = expanded(bytes, false, &range, threads);
        assert!(result.is_ok() && text == wanted, "{range:?}: {result:?}");
    }
}

#[test]
fn a_gap_counts() {
    for left_out in [Some(1_000), None] {
        let bytes = with_gap(left_out);
        let count = left_out.unwrap_or(0);
        let (first, second) = (126, 1 + 126);
        let one = b"f1> 0 NOP\nf1> 1 JUMP_ABSOLUTE (0)\n".repeat(63);
        let two =
            [&b"f1> 0 NOP\n"[..], &b"f2> 0 NOP\nf2> 1 JUMP_ABSOLUTE (0)\n".repeat(63)].concat();
        is_text(&bytes, 0..u64::MAX, &[&one[..], &two].concat());
        is_text(&bytes, first..u64::MAX, &two);
        is_text(&bytes, first + count..u64::MAX, &two);
        is_text(&bytes, first + count + 1..first + count + 2, b"f2> 0 NOP\n");
        let (text, numbers) = numbered(&bytes);
        assert_eq!(text, [&one[..], &two].concat());
        let after = first + count + 1..=first + count + second;
        assert!(numbers.into_iter().eq((1..=first).chain(after)));
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("t.flow"), &bytes).unwrap();
        let run = |arguments: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_trace27"));
            let output = command.current_dir(folder.path()).args(arguments).output().unwrap();
            assert!(output.status.success(), "{output:?}");
            output
        };
        let errors = String::from_utf8(run(&["expand", "t.flow"]).stderr).unwrap();
        let what = left_out.map_or("an unknown number of".to_owned(), |n| n.to_string());
        let wanted = format!(
            "trace27: `t.flow` leaves out {what} instructions after the first 126: not asked for\n"
        );
        assert_eq!(errors, wanted);
        assert!(run(&["expand", "--to", "9", "t.flow"]).stderr.is_empty());
        let info = String::from_utf8(run(&["info", "t.flow"]).stdout).unwrap();
        assert!(info.contains(&format!("\ninstructions {}\n", first + second)), "{info}");
        assert!(info.contains(&format!("\nleft out     {count} instructions, in 1 gaps\n")));
        let dump = String::from_utf8(run(&["dump", "t.flow"]).stdout).unwrap();
        let count = left_out.map_or("unknown".to_owned(), |count| count.to_string());
        assert!(dump.contains(&format!(" first=126 count={count} time=0.000000 reason=1\n")));
    }
    // A gap that is not said is damage.
    let mut bytes = with_gap(Some(1_000));
    let length = |bytes: &[u8], at: usize| {
        12 + u32::from_le_bytes(*bytes[at + 4..].first_chunk().unwrap()) as usize
    };
    let mut at = 12;
    while bytes[at] != section::GAP {
        at += length(&bytes, at);
    }
    let length = length(&bytes, at);
    bytes.drain(at..at + length);
    let (_, result) = expanded(&bytes, false, &(0..u64::MAX), 1);
    assert!(result.unwrap_err().to_string().contains("one is missing"));
    let mut bytes = with_gap(Some(1_000));
    bytes[at + 12] = 1;
    mend(&mut bytes);
    let (_, result) = expanded(&bytes, false, &(0..u64::MAX), 1);
    assert!(result.unwrap_err().to_string().contains("the gap does not follow"));
}

/// The steps as text, and the number of each.
fn numbered(bytes: &[u8]) -> (Vec<u8>, Vec<u64>) {
    let (mut text, mut numbers) = (Vec::new(), Vec::new());
    let mut reader =
        Reader::new(Lines::of("t", bytes, Position::START), Some(Format::Flow)).unwrap();
    while let Some(step) = reader.next().unwrap() {
        numbers.push(step.position.step);
        line::write(&mut text, &step, false).unwrap();
    }
    (text, numbers)
}

#[test]
fn a_pipe_is_read_from_its_start() {
    struct Pipe(Cursor<Vec<u8>>);
    impl Read for Pipe {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.0.read(buffer)
        }
    }
    impl Seek for Pipe {
        fn seek(&mut self, _: SeekFrom) -> std::io::Result<u64> {
            Err(std::io::ErrorKind::NotSeekable.into())
        }
    }
    let raw = long(false);
    let (is_passed, text, error) = from(Pipe(Cursor::new(raw.clone())), 1_200);
    assert!(!is_passed && error.is_none());
    assert_eq!(text, from(Cursor::new(raw), 1_200).1);
}
