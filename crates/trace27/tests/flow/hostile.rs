//! Belongs here: recordings that are cut, damaged or made to do harm. Each gives the beginning of the
//! truth and an error with its byte, in bounded memory, on one thread as on two.

use std::fmt::Display;
use std::io::{self, Cursor, Write};

use recording::decoder::Decoder;
use recording::expand::expand;
use recording::file::{Broken, FlowWriter, LONGEST, MAGIC, Sections, VERSION, section};
use recording::text::RenderOptions;
use serde_json::json;
use trace::input::Input;
use wire::code::{CodeInfo, MOST_ENTRIES, Marshalled, Part, body_of, part_of};
use wire::packet::{self, BranchBits, Packet};

use crate::stage::{How, Random, expanded, record, steps};

const SMALL: How = How { seed: 7, steps: 150, codes: 3, section: 9, compress: false };

/// Reads in every way, demands that all find the same, and gives text and error.
fn read(bytes: &[u8]) -> (Vec<u8>, Option<String>) {
    let shown = |error: &dyn Display| error.to_string();
    let (text, result) = expanded(bytes, true, &(0..u64::MAX), 1);
    let error = result.err().map(|error| shown(&error));
    let (other, result) = expanded(bytes, true, &(0..u64::MAX), 2);
    assert_eq!(error, result.err().map(|error| shown(&error)));
    assert!(text == other, "two threads write the same");
    let (stepped, _, result) = steps(bytes, true);
    assert_eq!(error.is_some(), result.is_err(), "{error:?}");
    assert!(text.starts_with(&stepped) || stepped.starts_with(&text), "steps are the same");
    if let (Some(error), Err(as_steps)) = (&error, result) {
        let place: u64 =
            error.strip_prefix("byte ").unwrap().split(':').next().unwrap().parse().unwrap();
        assert!(place <= bytes.len() as u64, "{error}");
        assert!(as_steps.offset().is_some() && as_steps.line().is_none(), "{as_steps}");
    }
    (text, error)
}

/// Where the index starts, which is the last chunk.
pub fn index_of(bytes: &[u8]) -> usize {
    let (_, trailer) = bytes.split_last_chunk::<16>().unwrap();
    assert_eq!(&trailer[8..], b"py27indx");
    u64::from_le_bytes(*trailer.first_chunk().unwrap()) as usize
}

#[test]
fn a_cut_at_every_byte_is_told() {
    let recorded = record(SMALL);
    let whole = recorded.all(true);
    let index = index_of(&recorded.bytes);
    assert_eq!(read(&recorded.bytes), (whole.clone(), None));
    assert!((500..2_000).contains(&recorded.bytes.len()), "{}", recorded.bytes.len());
    let mut longest = 0;
    for cut in 0..recorded.bytes.len() {
        let (text, error) = read(&recorded.bytes[..cut]);
        assert!(whole.starts_with(&text), "cut at {cut}");
        // Without its index a recording is whole.
        assert_eq!(error.is_some(), cut != index, "cut at {cut}");
        assert!(text.len() >= longest, "what was there is kept, cut at {cut}");
        longest = text.len();
    }
    assert_eq!(longest, whole.len());
}

#[test]
fn every_damaged_byte_is_told() {
    let recorded = record(SMALL);
    let whole = recorded.all(true);
    for at in 0..recorded.bytes.len() {
        for change in [1, 0x80, 0xff] {
            let mut bytes = recorded.bytes.clone();
            bytes[at] ^= change;
            let (text, error) = read(&bytes);
            assert!(error.is_some(), "byte {at}");
            assert!(whole.starts_with(&text), "byte {at}: {error:?}");
        }
    }
}

#[test]
fn a_damaged_compressed_recording_is_told() {
    let recorded = record(How { compress: true, ..SMALL });
    let whole = recorded.all(true);
    let read = |bytes: Vec<u8>| {
        let input = Input::from_reader("t", Box::new(Cursor::new(bytes)));
        let mut text = Vec::new();
        let opened = input.map_err(|error| error.to_string()).and_then(|input| {
            Sections::open(input.into_reader()).map_err(|error| error.to_string())
        });
        let result = opened.and_then(|(sections, _)| {
            let options = RenderOptions { resolve: true, ..RenderOptions::default() };
            let result = expand(sections, &options, &(0..u64::MAX), 2, &mut text);
            result.map_err(|error| error.to_string())
        });
        (text, result)
    };
    assert_eq!(read(recorded.bytes.clone()), (whole.clone(), Ok(())));
    for at in 0..recorded.bytes.len() {
        let (text, result) = read(recorded.bytes[..at].to_vec());
        assert!(whole.starts_with(&text), "cut at {at}");
        // Only the index may be missing, and the table after it.
        assert!(
            result.is_err() || (text == whole && at > recorded.bytes.len() - 80),
            "cut at {at}"
        );
        let mut bytes = recorded.bytes.clone();
        bytes[at] ^= 0x41;
        let (text, result) = read(bytes);
        assert!(whole.starts_with(&text), "byte {at}");
        assert!(result.is_err() || text == whole, "byte {at}");
    }
}

/// Puts checksums right, as a hostile writer would.
pub fn mend(bytes: &mut [u8]) {
    let (mut at, mut codes) = (12, crc32fast::Hasher::new());
    while let Some(head) = bytes.get(at..at + 12) {
        let (kind, head) = (head[0], head[..8].to_vec());
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let Some(content) = bytes.get_mut(at + 12..at + 12 + length) else { return };
        // A chunk of packets says which code objects came before, after three numbers.
        let mut ends = content.iter().enumerate().filter(|(_, byte)| **byte < 0x80);
        let at_codes = ends.nth(2).map_or(0, |(at, _)| at + 1);
        if let (section::EVENTS, Some(said)) = (kind, content.get_mut(at_codes..at_codes + 4)) {
            said.copy_from_slice(&codes.clone().finalize().to_le_bytes());
        }
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(&head);
        checksum.update(content);
        let checksum = checksum.finalize().to_le_bytes();
        if matches!(kind, section::CODES | section::COMPRESSED_CODES) {
            codes.update(&checksum);
        }
        bytes[at + 8..at + 12].copy_from_slice(&checksum);
        at += 12 + length;
    }
}

#[test]
fn damage_with_right_checksums_is_survived() {
    let recorded = record(SMALL);
    let mut random = Random::new(3);
    let mut branch_bits = [0, 0];
    for _ in 0..1_000 {
        let mut bytes = recorded.bytes.clone();
        for _ in 0..=random.below(3) {
            let at = 12 + random.below(bytes.len() - 12);
            bytes[at] = [0, 1, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xff, random.below(256) as u8]
                [random.below(9)];
        }
        mend(&mut bytes);
        branch_bits[usize::from(read(&bytes).1.is_some())] += 1;
    }
    assert!(branch_bits[0] > 10 && branch_bits[1] > 300, "both happen: {branch_bits:?}");
}

/// A file of sections with right checksums.
pub fn file(sections: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = [&MAGIC[..], &VERSION.to_le_bytes()].concat();
    for (kind, content) in [(section::ABOUT, b"{}".to_vec())].iter().chain(sections) {
        bytes.extend_from_slice(&[*kind, 0, 0, 0]);
        bytes.extend_from_slice(&(content.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(content);
    }
    mend(&mut bytes);
    bytes
}

pub fn define(number: u32, code: CodeInfo) -> Vec<u8> {
    let (mut bytes, mut record) = (Vec::new(), Vec::new());
    code.write(&mut bytes);
    let event = Packet::CodeDefined { code: number, definition: &bytes };
    packet::write(&mut record, BranchBits::default(), &event);
    record
}

pub fn records(events: &[Packet]) -> Vec<u8> {
    let mut bytes = Vec::new();
    events.iter().for_each(|event| packet::write(&mut bytes, BranchBits::default(), event));
    bytes
}

/// A section of events: instructions before it and in it, what the frames are, records.
pub fn events(first: u64, count: u64, frames: &[u8], records: &[u8]) -> (u8, Vec<u8>) {
    let mut content = Vec::new();
    [first, count, 0].iter().for_each(|&number| wire::fields::write_number(&mut content, number));
    // A sum of code objects that is mended later.
    content.extend_from_slice(&[0; 4]);
    wire::fields::write_bytes(&mut content, frames);
    content.extend_from_slice(records);
    (section::EVENTS, content)
}

/// Nothing is running.
pub const IDLE: [u8; 5] = [0; 5];

/// Takes that many bytes and fails then, as a full disk.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn refused(bytes: &[u8]) -> String {
    for threads in [1, 2] {
        let (sections, _) = Sections::open(Cursor::new(bytes)).unwrap();
        let options = RenderOptions { resolve: true, ..RenderOptions::default() };
        let result = expand(sections, &options, &(0..u64::MAX), threads, &mut Full(64 << 20));
        let error = result.unwrap_err();
        if threads == 2 || matches!(error, Broken::Io(_)) {
            return error.to_string();
        }
    }
    unreachable!()
}

#[test]
fn counts_that_are_not_true_are_refused() {
    let code = CodeInfo { code: b"\x09\x09S".to_vec(), ..CodeInfo::default() };
    let codes = (section::CODES, define(1, code));
    let run = records(&[
        Packet::Enter { lasti: -1, code: 1 },
        Packet::FrameExit { lasti: 1, exception: true },
    ]);
    for (first, count, wanted) in [
        (0, 1, "says another number of instructions"),
        (0, 3, "says another number of instructions"),
        (0, u64::MAX, "more instructions than can be"),
        (1, 2, "does not follow the one before"),
        (u64::MAX, 2, "too short"),
    ] {
        let bytes = file(&[codes.clone(), events(first, count, &IDLE, &run)]);
        let error = refused(&bytes);
        assert!(error.contains(wanted), "{error}");
        assert!(read(&bytes).1.is_some());
    }
    let end = (section::END, br#"{"instructions":3}"#.to_vec());
    let error = refused(&file(&[codes.clone(), events(0, 2, &IDLE, &run), end.clone()]));
    assert!(error.contains("some chunks are missing"), "{error}");
    let error = refused(&file(&[(section::ABOUT, b"{}".to_vec()), end]));
    assert!(error.contains("no such chunk can be here"), "{error}");
}

/// A loop over half a million instructions: each of its branch bits is text of ten megabytes.
#[test]
fn text_without_end_is_handed_on() {
    let mut code = vec![9; 500_000];
    code.extend_from_slice(b"\x71\0\0");
    let code = CodeInfo { name: b"f".to_vec(), code, ..CodeInfo::default() };
    let mut run = records(&[Packet::Enter { lasti: -1, code: 1 }]);
    for _ in 0..1_000 {
        let branch_bits = BranchBits { bits: (1 << 63) - 1, count: 63 };
        packet::write(&mut run, branch_bits, &Packet::BranchBits);
    }
    let count = 63_000 * 500_001;
    let bytes = file(&[(section::CODES, define(1, code)), events(0, count, &IDLE, &run)]);
    assert!(refused(&bytes).contains("no storage space"), "{}", refused(&bytes));
}

#[test]
fn lines_of_any_length_are_not_kept() {
    // A name of a megabyte, and as many instructions: no run of it can be kept.
    let code = [&[9; 3_000][..], b"S"].concat();
    let code = CodeInfo { name: vec![b'n'; 1 << 20], code, ..CodeInfo::default() };
    let run = records(&[
        Packet::Enter { lasti: -1, code: 1 },
        Packet::FrameExit { lasti: 2_999, exception: true },
    ]);
    let bytes = file(&[(section::CODES, define(1, code)), events(0, 3_000, &IDLE, &run)]);
    assert!(refused(&bytes).contains("no storage space"));
    let name = vec![b'n'; (16 << 20) + 1];
    let bytes = file(&[(section::CODES, define(1, CodeInfo { name, ..CodeInfo::default() }))]);
    assert!(refused(&bytes).contains("a number is too large"));
}

#[test]
fn runs_from_everywhere_are_given_up() {
    // Going on anywhere makes a run of 256 instructions; all of them would be half a gigabyte.
    let code = CodeInfo { name: b"f".to_vec(), code: vec![9; 200_000], ..CodeInfo::default() };
    let mut run = records(&[Packet::Enter { lasti: -1, code: 1 }]);
    for offset in 0..40_000 {
        run.extend(records(&[Packet::AsyncEnd { offset: offset * 5 }]));
    }
    let bytes = file(&[(section::CODES, define(1, code)), events(0, 1, &IDLE, &run)]);
    let (text, error) = read(&bytes);
    assert!(text.is_empty());
    assert!(error.unwrap().contains("says another number of instructions"));
}

/// What is compressed is limited by what it holds, not by what it says.
#[test]
fn compressed_code_objects_are_not_trusted() {
    let code = CodeInfo { code: b"\x09\x09S".to_vec(), ..CodeInfo::default() };
    let run = records(&[
        Packet::Enter { lasti: -1, code: 1 },
        Packet::FrameExit { lasti: 1, exception: true },
    ]);
    let packed = |bytes: &[u8]| zstd::bulk::compress(bytes, 1).unwrap();
    let with = |content| file(&[(section::COMPRESSED_CODES, content), events(0, 2, &IDLE, &run)]);
    let whole = packed(&define(1, code));
    let executed = read(&with(whole.clone())).0;
    assert_eq!(
        executed,
        read(&file(&[
            (
                section::CODES,
                define(1, CodeInfo { code: b"\x09\x09S".to_vec(), ..CodeInfo::default() })
            ),
            events(0, 2, &IDLE, &run)
        ]))
        .0
    );
    assert!(!executed.is_empty());
    for wrong in [Vec::new(), b"no frame".to_vec(), whole[..whole.len() - 1].to_vec()] {
        let error = refused(&with(wrong.clone()));
        assert!(error.contains("cannot be decompressed") || wrong.is_empty(), "{error}");
    }
    let wrong = packed(&records(&[Packet::CodeFreed { code: 1 }]));
    // Where the chunk's content starts: bytes inside have no place in the file.
    assert!(refused(&with(wrong)).starts_with("byte 38: "));
    let bomb = packed(&vec![0; LONGEST as usize + 1]);
    assert!(bomb.len() < 1 << 20 && refused(&with(bomb)).contains("cannot be decompressed"));
}

#[test]
fn frames_without_end_are_refused() {
    let code = CodeInfo { code: b"S".to_vec(), ..CodeInfo::default() };
    let codes = (section::CODES, define(1, code));
    // Nothing has run in any of them.
    let run = records(&[Packet::Enter { lasti: -1, code: 1 }]).repeat((1 << 22) + 1);
    let error = refused(&file(&[codes.clone(), events(0, 1, &IDLE, &run)]));
    assert!(error.contains("too many frames"), "{error}");
    let mut frames = vec![0, 0x81, 0x80, 0x80, 2];
    frames.extend([1, 0, 0, 0].repeat((1 << 22) + 1));
    let error = refused(&file(&[codes.clone(), events(0, 1, &frames, &[0])]));
    assert!(error.contains("too many frames"), "{error}");
    // A frame of no code object, and one further on than its code goes.
    for frames in [[0, 1, 2, 0, 0, 0, 0], [0, 1, 1, 0, 9, 0, 0]] {
        let bytes = file(&[codes.clone(), events(0, 1, &frames, &[])]);
        assert!(refused(&bytes).starts_with("byte "));
        read(&bytes);
    }
}

#[test]
fn code_objects_without_end_are_refused() {
    let entries = {
        let mut definition = Vec::new();
        CodeInfo::default().write(&mut definition);
        definition.truncate(definition.len() - 5);
        // As many constants as are there, each empty.
        let mut number = MOST_ENTRIES + 1;
        while number >= 0x80 {
            definition.push(number as u8 | 0x80);
            number >>= 7;
        }
        definition.push(number as u8);
        definition.resize(definition.len() + MOST_ENTRIES as usize + 5, 0);
        definition
    };
    let record = records(&[Packet::CodeDefined { code: 1, definition: &entries }]);
    let error = refused(&file(&[(section::CODES, record)]));
    assert!(error.contains("a number is too large"), "{error}");
    for wrong in [
        define(2, CodeInfo::default()),
        records(&[Packet::CodeFreed { code: 1 }]),
        records(&[Packet::SingleStepCode { code: 0 }]),
        records(&[Packet::AsyncEnd { offset: 0 }]),
    ] {
        let bytes = file(&[(section::CODES, wrong)]);
        assert!(refused(&bytes).starts_with("byte "));
        read(&bytes);
    }
}

#[test]
fn a_section_is_not_longer_than_is_said() {
    let mut bytes = file(&[]);
    bytes.extend_from_slice(&[section::EVENTS, 0, 0, 0]);
    bytes.extend_from_slice(&(LONGEST + 1).to_le_bytes());
    bytes.extend_from_slice(&[0; 4]);
    assert!(read(&bytes).1.unwrap().contains("which nobody writes"));
}

/// Code objects come, with no events between them, in more sections than wait for a worker.
#[test]
fn many_sections_of_code_objects_do_not_block() {
    let mut flow = FlowWriter::new(Vec::new(), false, u64::MAX, &json!({})).unwrap().unwrap();
    let mut decoder = Decoder::new();
    for number in 1..20_000 {
        let code =
            CodeInfo { name: vec![b'n'; 200], code: b"\x09S".to_vec(), ..CodeInfo::default() };
        let mut bytes = Vec::new();
        code.write(&mut bytes);
        decoder.define(number, code).unwrap();
        let event = Packet::CodeDefined { code: number, definition: &bytes };
        assert!(flow.code(&event, &decoder, 0).unwrap());
    }
    let bytes = flow.finish(&decoder, 0, &json!({ "instructions": 0 })).unwrap();
    assert_eq!(read(&bytes), (Vec::new(), None));
    let mut sections = Vec::new();
    for number in 1..300 {
        let code = CodeInfo { name: b"f".to_vec(), code: b"\x09S".to_vec(), ..CodeInfo::default() };
        let first = u64::from(number) - 1;
        let enter = Packet::Enter { lasti: -1, code: number };
        let run = records(&[enter, Packet::FrameExit { lasti: 0, exception: true }]);
        sections.push(events(first, 1, &IDLE, &run));
        sections.extend((0..9).map(|_| (section::CODES, Vec::new())));
        sections.insert(0, (section::CODES, define(300 - number, code)));
    }
    let (text, error) = read(&file(&sections));
    assert_eq!(text, b"f> 0 NOP\n".repeat(299));
    assert!(error.unwrap().contains("cut short"));
}

/// Bodies that are damaged anywhere, with right checksums: no panic, and no memory that a length
/// dictates.
#[test]
fn bodies_are_not_trusted() {
    let constants = b"(\x02\0\0\0(\x02\0\0\0N?u\x01\0\0\0x".to_vec();
    let marshalled = Marshalled::new(constants, vec![(0, b"(None, <x>)".to_vec())], vec![1]);
    let code = CodeInfo {
        name: b"f".to_vec(),
        code: b"d\0\0d\x01\0d\x02\0S".to_vec(),
        names: vec![b"x".to_vec()],
        marshalled: Some(marshalled),
        ..CodeInfo::default()
    };
    let run = |definition: &[u8]| {
        let record = records(&[Packet::CodeDefined { code: 1, definition }]);
        let enter = records(&[
            Packet::Enter { lasti: -1, code: 1 },
            Packet::FrameExit { lasti: 9, exception: true },
        ]);
        expanded(&file(&[(section::CODES, record), events(0, 4, &IDLE, &enter)]), true, &(0..9), 1)
    };
    let mut whole = Vec::new();
    code.write(&mut whole);
    let (text, _) = run(&whole);
    let text = String::from_utf8(text).unwrap();
    let wanted = ["0 LOAD_CONST ((None, <x>))", "3 LOAD_CONST (x)", "6 LOAD_CONST (None)"];
    assert!(text.starts_with(&wanted.map(|line| format!("f> {line}\n")).concat()), "{text}");
    let mut branch_bits = [0; 2];
    for at in 0..whole.len() {
        for byte in [0, 1, b'?', b'c', b'(', b'{', 0x7f, 0x80, 0xff] {
            let mut damaged = whole.clone();
            damaged[at] = byte;
            branch_bits[usize::from(CodeInfo::read(&damaged).is_ok())] += 1;
            let _ = run(&damaged);
        }
    }
    assert!(branch_bits.iter().all(|&count| count > 100), "both happen: {branch_bits:?}");
    // A part of a code object that is not there, or beyond its end.
    let body = body_of(&whole).unwrap();
    for part in [
        Part { code: 1, start: 0, length: 4 },
        Part { code: 0, start: 0, length: 0 },
        Part { code: 7, start: usize::MAX >> 32, length: usize::MAX >> 32 },
    ] {
        let parted = part_of(&whole, &body, part);
        let record = records(&[Packet::CodeDefined { code: 1, definition: &parted }]);
        assert!(refused(&file(&[(section::CODES, record)])).starts_with("byte "));
    }
}

/// What a later version adds is passed over where it may be, and else named.
#[test]
fn kinds_of_later_versions() {
    let code = CodeInfo { name: b"f".to_vec(), code: b"\x09\x09S".to_vec(), ..CodeInfo::default() };
    let codes = (section::CODES, define(1, code));
    let other = Packet::Other { kind: 200, payload: b"\x1b[0m" };
    let enter = Packet::Enter { lasti: -1, code: 1 };
    let run =
        records(&[other, enter, other, Packet::FrameExit { lasti: 1, exception: true }, other]);
    let unknown = (section::SKIPPABLE, b"\xff".to_vec());
    let end = (section::END, br#"{"instructions":2}"#.to_vec());
    let bytes = file(&[
        unknown.clone(),
        codes.clone(),
        unknown.clone(),
        events(0, 2, &IDLE, &run),
        end.clone(),
        unknown,
    ]);
    assert_eq!(read(&bytes), (b"f> 0 NOP\nf> 1 NOP\n".to_vec(), None));
    for kind in [section::COMPRESSED_CODES + 1, section::SKIPPABLE - 1] {
        let bytes = file(&[codes.clone(), (kind, Vec::new()), events(0, 2, &IDLE, &run)]);
        let error = refused(&bytes);
        assert!(error.contains(&format!("a chunk of kind {kind}, which this version")), "{error}");
        let run = [&records(&[enter])[..], &[0xc0, kind % 64 + 30, 0]].concat();
        let bytes = file(&[codes.clone(), events(0, 2, &IDLE, &run)]);
        let error = refused(&bytes);
        assert!(error.contains(&format!("a packet of kind {}, which", kind % 64 + 30)), "{error}");
    }
}

#[test]
fn other_versions_are_refused() {
    for (version, wanted) in [(1u32, "record the program again"), (3, "built with the interpreter")]
    {
        let mut bytes = file(&[]);
        bytes[8..12].copy_from_slice(&version.to_le_bytes());
        let error = Sections::open(Cursor::new(&bytes)).unwrap_err().to_string();
        assert!(error.starts_with(&format!("byte 8: the recording is of version {version}, ")));
        assert!(error.ends_with(wanted), "{error}");
    }
}
