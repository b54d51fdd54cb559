//! Belongs here: what is recorded is read, whatever was executed, by every reader and on any number of
//! threads.

use std::collections::HashMap;
use std::io::Cursor;

use proptest::prelude::*;
use recording::block::Code;
use recording::count::{BlockCounts, Tally};
use recording::file::{Sections, section};
use recording::replay::{Cursor as Parts, replay};
use recording::text::{RenderOptions, TextSink};
use serde_json::json;
use trace::diff::{Config, compare};
use trace::input::Input;
use wire::code::{CodeInfo, Marshalled};
use wire::packet::{self, BranchBits, Packet, kind};

use crate::stage::{How, expanded, record, record_about, steps};

fn how() -> impl Strategy<Value = How> {
    (any::<u64>(), 1..3_000usize, 1..9usize, 2..200usize).prop_map(
        |(seed, steps, codes, section)| How { seed, steps, codes, section, compress: false },
    )
}

fn texts() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6)
}

fn an_event(kind: usize, number: u32, signed: i32, other: u32, bytes: &[u8]) -> Packet<'_> {
    match kind {
        0 => Packet::BranchBits,
        1 => Packet::Enter { lasti: signed, code: number },
        2 => Packet::Resume { lasti: signed, code: number, start: other },
        3 => Packet::Unwind { lasti: signed, target: number, exception: other & 1 == 0 },
        4 => Packet::FrameExit { lasti: signed, exception: other & 1 == 0 },
        5 => Packet::AsyncBegin { offset: signed, begun: number & 1 == 0 },
        6 => Packet::AsyncEnd { offset: number },
        7 => Packet::Instruction {
            opcode: bytes.len() as u8,
            offset: number,
            operand: signed,
            text: None,
        },
        8 => {
            Packet::Instruction { opcode: 100, offset: number, operand: signed, text: Some(bytes) }
        }
        9 => Packet::SingleStep { lasti: signed },
        10 => Packet::SingleStepCode { code: number },
        11 => Packet::CodeDefined { code: number, definition: bytes },
        12 => Packet::CodeFreed { code: number },
        13 => Packet::ThreadSwitch { thread: number, lasti: signed },
        14 => Packet::Frame { code: number, lasti: signed },
        15 => Packet::End { lasti: signed },
        16 => Packet::ThreadEnd { thread: number },
        _ => Packet::Other { kind: kind::SKIPPABLE | number as u8, payload: bytes },
    }
}

/// How often each instruction was executed: by the code object's name, offset and opcode.
#[derive(Debug, Default, PartialEq)]
struct Counted(HashMap<(Vec<u8>, u32, u8), u64>);

impl Tally for Counted {
    fn add(&mut self, code: &Code, offset: u32, opcode: u8, count: u64) {
        let key = (code.definition.name.clone(), offset, opcode);
        *self.0.entry(key).or_default() += count;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 40 } else { 1024 }))]

    #[test]
    fn records_come_back(
        kind in 0..18usize, number in any::<u32>(), signed in any::<i32>(), other in any::<u32>(),
        shift in (0..32u32, 0..32u32), bits in any::<u64>(), count in 0..64u32,
        bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        // Small numbers have forms of their own.
        let (number, signed) = (number >> shift.0, signed >> shift.1);
        let event = an_event(kind, number, signed, other >> shift.0, &bytes);
        let branch_bits = BranchBits { bits: bits & ((1 << count) - 1), count };
        let mut record = Vec::new();
        packet::write(&mut record, branch_bits, &event);
        let length = record.len();
        record.extend_from_slice(&bytes);
        prop_assert_eq!(packet::read(&record), Ok((branch_bits, event, length)));
        prop_assert_eq!(packet::read(&record[..length - 1]), Err(packet::Fault::Short));
    }

    #[test]
    fn definitions_come_back(
        tables in (texts(), texts(), texts()), parts in texts(), numbers in any::<[u32; 4]>(),
        first_line in any::<u32>(), is_watched in any::<bool>(), others in (texts(), texts()),
        is_marshalled in any::<bool>(), addresses in proptest::collection::vec(any::<u64>(), 0..4),
    ) {
        let part = |index: usize| parts.get(index).cloned().unwrap_or_default();
        let (constants, names, locals) = tables;
        let (free, cells) = others;
        let texts = (3..).zip(parts.iter().cloned()).collect();
        let marshalled = is_marshalled.then(|| Marshalled::new(part(0), texts, addresses));
        let constants = if is_marshalled { Vec::new() } else { constants };
        let module = parts.last().cloned();
        let code = CodeInfo {
            name: part(0), file: part(1), code: part(2), lines: part(3),
            first_line, numbers, constants, names, locals, is_watched,
            module, marshalled, free, cells,
        };
        let mut bytes = Vec::new();
        code.write(&mut bytes);
        prop_assert_eq!(CodeInfo::read(&bytes), Ok(code));
    }

    #[test]
    fn what_was_executed_is_read(how in how(), from in 0..3_000usize, length in 0..3_000usize) {
        let recorded = record(how);
        let count = recorded.executed.len();
        let (from, to) = (from.min(count), (from + length).min(count));
        for resolve in [false, true] {
            let wanted = recorded.all(resolve);
            for threads in 1..4 {
                let (text, result) = expanded(&recorded.bytes, resolve, &(0..u64::MAX), threads);
                prop_assert!(result.is_ok(), "{result:?}");
                prop_assert!(text == wanted, "{threads} threads");
            }
            let (text, depths, result) = steps(&recorded.bytes, resolve);
            prop_assert!(result.is_ok(), "{result:?}");
            prop_assert!(text == wanted, "as steps");
            prop_assert!(depths.iter().eq(recorded.executed.iter().map(|row| &row.2)));
        }
        let stretch = from as u64..to as u64;
        let (text, result) = expanded(&recorded.bytes, true, &stretch, 2);
        prop_assert!(result.is_ok());
        prop_assert!(text == recorded.text(true, from..to), "{stretch:?}");
    }

    /// The sink that counts blocks looks at no instruction, and yet counts each of them.
    #[test]
    fn counted_is_what_was_executed(how in how()) {
        let recorded = record(how);
        let (sections, _) = Sections::open(Cursor::new(&recorded.bytes)).unwrap();
        let mut cursor = Parts::new(sections, 0..u64::MAX);
        let mut counts = BlockCounts::new(Counted::default());
        prop_assert!(replay(&mut cursor, &mut counts).is_ok());
        let mut wanted = Counted::default();
        for (code, instruction, _) in &recorded.executed {
            let name = recorded.codes[*code].name.clone();
            *wanted.0.entry((name, instruction.offset, instruction.opcode)).or_default() += 1;
        }
        prop_assert_eq!(counts.tally, wanted);
        // The text has as many lines.
        let (sections, _) = Sections::open(Cursor::new(&recorded.bytes)).unwrap();
        let mut text = TextSink::new(RenderOptions::default());
        prop_assert!(replay(&mut Parts::new(sections, 0..u64::MAX), &mut text).is_ok());
        prop_assert_eq!(text.count, recorded.executed.len() as u64);
        prop_assert!(text.lines == recorded.all(false));
    }

    #[test]
    fn compressed_is_the_same(how in how()) {
        let (raw, packed) = (record(how), record(How { compress: true, ..how }));
        // What zstd makes of it is a recording too, of as many instructions.
        let plain = zstd::decode_all(&packed.bytes[..]).unwrap();
        let (text, result) = expanded(&plain, false, &(0..u64::MAX), 1);
        prop_assert!(result.is_ok() && text == raw.all(false));
        let open = |bytes: Vec<u8>| Input::from_reader("t", Box::new(Cursor::new(bytes))).unwrap();
        let report = compare(open(raw.bytes), open(packed.bytes), &Config::default()).unwrap();
        prop_assert!(report.is_identical());
        prop_assert_eq!(report.common, raw.executed.len() as u64);
    }

    #[test]
    fn a_recording_is_its_text(how in how(), resolve in any::<bool>()) {
        let recorded = record(how);
        let open = |bytes: Vec<u8>| Input::from_reader("t", Box::new(Cursor::new(bytes))).unwrap();
        let text = recorded.all(resolve);
        let config = Config::default();
        let report = compare(open(recorded.bytes), open(text), &config).unwrap();
        prop_assert!(report.is_identical(), "{:#}", report.to_json());
    }

    #[test]
    fn a_limit_is_kept(how in how(), limit in 0..3_000u64) {
        let recorded = record_about(how, &json!({ "limit": limit }));
        let end = recorded.executed.len().min(limit as usize);
        let wanted = recorded.text(false, 0..end);
        let (text, result) = expanded(&recorded.bytes, false, &(0..u64::MAX), 2);
        prop_assert!(result.is_ok() && text == wanted);
        let (text, depths, result) = steps(&recorded.bytes, false);
        prop_assert!(result.is_ok() && text == wanted);
        prop_assert_eq!(depths.len(), end);
    }

    /// Every section of events can be read without those before it.
    #[test]
    fn sections_follow_one_another(how in how()) {
        let recorded = record(how);
        let (mut sections, about) = Sections::open(Cursor::new(&recorded.bytes)).unwrap();
        prop_assert_eq!(&about["process"], &json!(2));
        let (mut next, mut kinds) = (0, Vec::new());
        while let Some(section) = sections.next().unwrap() {
            kinds.push(section.kind);
            if section.kind == section::EVENTS {
                let (stretch, _) = section.stretch().unwrap();
                prop_assert_eq!(stretch.first, next);
                next += stretch.count;
            }
        }
        prop_assert_eq!(next, recorded.executed.len() as u64);
        prop_assert_eq!(&kinds[kinds.len() - 2..], &[section::END, section::INDEX]);
        prop_assert_eq!(sections.offset(), recorded.bytes.len() as u64);
    }
}
