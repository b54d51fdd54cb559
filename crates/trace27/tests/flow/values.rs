//! Belongs here: recordings with values: what a machine makes of them, and of damaged ones.

use std::io::Cursor;

use recording::decoder::Decoder;
use recording::file::{FlowWriter, Sections};
use recording::replay;
use recording::state::{Bounds, Machine, Origin, StateSink, Value, Visitor};
use serde_json::json;
use trace27::view::state::{Frames, StateAt};
use wire::code::CodeInfo;
use wire::packet::{BranchBits, Packet, kind};

use crate::stage::Random;

/// `x = 2; return x + 3`, and a call of it.
fn recording(values: &[&[u8]]) -> Vec<u8> {
    let outer = CodeInfo { name: b"m".to_vec(), code: b"d\0\0\x83\0\0S".to_vec(), ..code() };
    let inner = CodeInfo {
        name: b"f".to_vec(),
        code: b"d\0\0}\0\0|\0\0d\x01\0\x17S".to_vec(),
        numbers: [0, 1, 2, 0x43],
        locals: vec![b"x".to_vec()],
        ..code()
    };
    let mut decoder = Decoder::new();
    let about = json!({ "format": "py27-flow 2", "options": ["values"] });
    let mut writer = FlowWriter::new(Vec::new(), false, u64::MAX, &about).unwrap().unwrap();
    for (index, code) in [outer, inner].into_iter().enumerate() {
        let mut definition = Vec::new();
        code.write(&mut definition);
        let packet = Packet::CodeDefined { code: index as u32 + 1, definition: &definition };
        writer.code(&packet, &decoder, 0).unwrap();
        decoder.define(index as u32 + 1, code).unwrap();
    }
    let none = BranchBits::default();
    let packets = [
        (none, Packet::Enter { lasti: -1, code: 1 }),
        (none, Packet::Enter { lasti: 3, code: 2 }),
        (BranchBits { bits: 3, count: 2 }, Packet::End { lasti: -2 }),
    ];
    for (index, (bits, packet)) in packets.iter().enumerate() {
        if let Some(payload) = values.get(index) {
            let values = Packet::Other { kind: kind::VALUES, payload };
            writer.record(none, &values, &decoder, decoder.executed()).unwrap();
        }
        decoder.branch_bits(*bits, &mut ()).unwrap();
        decoder.event(packet, &mut ()).unwrap();
        writer.record(*bits, packet, &decoder, decoder.executed()).unwrap();
    }
    let end = json!({ "instructions": decoder.executed(), "end": "ended" });
    writer.finish(&decoder, decoder.executed(), &end).unwrap()
}

fn code() -> CodeInfo {
    CodeInfo { file: b"a.py".to_vec(), first_line: 1, ..CodeInfo::default() }
}

/// A function, then what `f` produces, then its result.
const VALUES: [&[u8]; 3] = [
    &[],
    &[8, 1, 0, 17, 0x50, 1, 0, 0, 0, 0, 0, 0, 1, b'f'],
    &[0x80, 2, 0x80, 3, 0x80, 5, 0x80, 5],
];

fn replayed<V: Visitor>(bytes: &[u8], visitor: V) -> (StateSink<V>, Option<String>) {
    let (sections, _) = Sections::open(Cursor::new(bytes.to_vec())).unwrap();
    let mut cursor = replay::Cursor::new(sections, 0..u64::MAX);
    let mut sink = StateSink::new(Machine::new(32), visitor);
    let result = recording::state::replay(&mut cursor, &mut sink);
    (sink, result.err().map(|error| error.to_string()))
}

fn state(bytes: &[u8], at: u64) -> String {
    let state = StateAt::new(at, Frames::All, Bounds::default(), false);
    let (sink, error) = replayed(bytes, state);
    assert_eq!(error, None);
    sink.visitor.text.unwrap()
}

#[test]
fn the_state_before_an_instruction() {
    let bytes = recording(&VALUES);
    let text = state(&bytes, 8);
    let wanted = "\
instruction 8  f> 13 RETURN_VALUE      a.py:1
  stack    [0] 5  (made by 7)
  blocks   (none)
  locals   x = 2  (set by 4)
  cells    (none)
called from instruction 2  m> 3 CALL_FUNCTION (0)      a.py:1
  stack    [0] <function f at 0x150>  (constant)
  blocks   (none)
  locals   (none)
  cells    (none)
";
    assert_eq!(text, wanted);
    let text = state(&bytes, 9);
    assert!(text.contains("[0] 5  (made by 2)"), "{text}");
}

#[test]
fn values_that_are_missing_or_too_many_are_an_error_with_its_byte() {
    for values in [
        [&[][..], VALUES[1], &[0x80, 2]],
        [&[], &[], VALUES[2]],
        [&[], VALUES[1], &[0x80, 2, 10, 0x80, 5]],
        [&[], VALUES[1], &[0x80, 2, 0x40, 9]],
        [&[], VALUES[1], &[0x80, 2, 0x3f]],
    ] {
        let state = StateAt::new(u64::MAX, Frames::All, Bounds::default(), false);
        let (_, error) = replayed(&recording(&values), state);
        let error = error.unwrap();
        assert!(error.starts_with("byte "), "{error}");
        assert!(error.contains("value"), "{error}");
    }
}

/// Looks at everything.
struct All(u64);

impl Visitor for All {
    fn step(&mut self, machine: &Machine, _: u64, _: bytecode::text::Instruction) {
        let mut text = Vec::new();
        for frame in &machine.frames {
            for slot in frame.stack.iter().chain(&frame.locals) {
                Bounds::default().write(&machine.objects, slot.value, &mut text);
                self.0 += u64::from(slot.origin != Origin::Unknown || slot.value != Value::None);
            }
        }
        self.0 += text.len() as u64;
    }
}

#[test]
fn whatever_the_values_are_nothing_panics() {
    let mut random = Random::new(12);
    for _ in 0..20_000 {
        let mut values: Vec<Vec<u8>> = VALUES.iter().map(|bytes| bytes.to_vec()).collect();
        for bytes in &mut values {
            for _ in 0..random.below(4) {
                let at = random.below(bytes.len() + 1);
                let byte = random.below(256) as u8;
                let byte = if random.one_in(3) { random.below(30) as u8 } else { byte };
                bytes.splice(at..(at + random.below(2)).min(bytes.len()), [byte]);
            }
        }
        let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
        let (sink, error) = replayed(&recording(&values), All(0));
        if error.is_none() {
            assert!(sink.visitor.0 > 0);
        }
    }
}
