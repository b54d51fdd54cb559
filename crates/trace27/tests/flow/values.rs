//! Belongs here: recordings with values: what a machine makes of them, and of damaged ones.

use std::fs;
use std::io::Cursor;
use std::process::Command;

use recording::decoder::Decoder;
use recording::file::{FlowWriter, Sections};
use recording::replay;
use recording::state::{Bounds, Machine, Origin, StateSink, Value, Visitor};
use serde_json::json;
use trace27::view::find::Find;
use trace27::view::pattern::Pattern;
use trace27::view::position::Search;
use trace27::view::state::{Frames, StateAt};
use trace27::view::who::{Describe, Sets, Variable};
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
    let mut sink = StateSink::new(Machine::new(32).with_names(), visitor);
    let result = recording::state::replay(&mut cursor, &mut sink);
    (sink, result.err().map(|error| error.to_string()))
}

fn search(at: &str) -> Search {
    Search::new(at.parse().unwrap())
}

fn state(bytes: &[u8], at: u64) -> String {
    let state = StateAt::new(search(&at.to_string()), Frames::All, Bounds::default(), false);
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
        let state =
            StateAt::new(search(&u64::MAX.to_string()), Frames::All, Bounds::default(), false);
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
    let pattern: Pattern = "/./".parse().unwrap();
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
        let (mut found, mut set) = (0, 0);
        let find = Find::new(pattern.clone(), Bounds::default(), |describe| {
            found += describe().row().len();
            true
        });
        replayed(&recording(&values), find);
        let variable = Variable::Local(2, 0);
        let sets =
            Sets::new(variable.clone(), Bounds::default(), 9, |each| set += each.row().len());
        replayed(&recording(&values), sets);
        let describe = Describe::new(variable, Bounds::default(), &[2, 4, 7]);
        let (sink, again) = replayed(&recording(&values), describe);
        if error.is_none() {
            // The last instruction that is described is before the end.
            assert_eq!(again, None);
            assert!(found > 0 && set > 0 && sink.visitor.is_done());
        }
    }
}

/// What the command prints, and its exit status, for the recording in `t.flow`.
fn trace27(arguments: &[&str]) -> (i32, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let recording = recording(&VALUES);
    fs::write(folder.path().join("t.flow"), &recording).unwrap();
    // As where the program was killed: without the packet after the last values, and what follows.
    let values = recording.windows(8).position(|bytes| bytes == VALUES[2]).unwrap();
    fs::write(folder.path().join("cut.flow"), &recording[..values + 8]).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_trace27"));
    let output = command.args(arguments).current_dir(folder.path()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn each_form_of_a_position_is_found() {
    for (at, number, place) in [
        ("8", 8, "f> 13 RETURN_VALUE"),
        ("end", 9, "m> 6 RETURN_VALUE"),
        ("-1", 9, "m> 6 RETURN_VALUE"),
        ("-9", 1, "m> 0 LOAD_CONST"),
        ("f:9", 6, "f> 9 LOAD_CONST"),
        ("m:6#1", 9, "m> 6 RETURN_VALUE"),
        // A line begins where a frame does, and not again when a call is over.
        ("line:1", 1, "m> 0 LOAD_CONST"),
        ("line:1#2", 3, "f> 0 LOAD_CONST"),
    ] {
        let (status, text, errors) = trace27(&["state", "--at", at, "t.flow"]);
        assert_eq!((status, errors.as_str()), (0, ""), "{at}");
        assert!(text.starts_with(&format!("instruction {number}  {place}")), "{at}: {text}");
    }
}

#[test]
fn a_position_that_is_not_there_is_trouble() {
    for (at, wanted) in [
        ("10", "`t.flow`: it has 9 instructions; `--at` is 10"),
        ("-10", "`t.flow`: it has 9 instructions; `--at` is 10 from the end"),
        ("f:9#2", "`t.flow`: it runs `f:9` once; `--at` is time 2"),
        ("f:10", "`t.flow`: it never runs `f:10`"),
        ("g:0", "`t.flow`: it never runs `g:0`"),
        ("line:2", "`t.flow`: it never runs line 2 of `a.py`"),
        ("line:1#3", "`t.flow`: it runs line 1 of `a.py` 2 times; `--at` is time 3"),
        ("f", "`f` is no place in a recording"),
    ] {
        let (status, text, errors) = trace27(&["state", "--at", at, "t.flow"]);
        assert_eq!((status, text.as_str()), (2, ""), "{at}");
        assert!(errors.contains(wanted), "{at}: {errors}");
    }
    let (status, text, errors) = trace27(&["state", "--at", "end", "cut.flow"]);
    assert!(text.starts_with("instruction 2  m> 3 CALL_FUNCTION"), "{text}{errors}");
    assert_eq!(status, 0);
    assert!(errors.contains("cut short"), "{errors}");
    let (status, text, _) = trace27(&["state", "--at", "8", "--frame", "2", "t.flow"]);
    assert_eq!((status, text.as_str()), (1, ""));
    let (status, _, errors) = trace27(&["state", "--at", "end", "-"]);
    assert_eq!(status, 2);
    assert!(errors.contains("more than once; give a file, not `-`"), "{errors}");
}

#[test]
fn who_set_a_variable() {
    let (status, text, errors) = trace27(&["who", "x", "--at", "8", "t.flow"]);
    let wanted = "\
x = 2
  set by         4  f> 3 STORE_FAST (x)                       a.py:1
  constant       3  f> 0 LOAD_CONST (None)                    a.py:1
";
    assert_eq!((status, text.as_str(), errors.as_str()), (0, wanted, ""));
    let (status, text, _) = trace27(&["who", "--item", "--at", "8", "t.flow"]);
    let wanted = "\
[0] = 5
  made by        7  f> 12 BINARY_ADD                          a.py:1   2 + 3
";
    assert_eq!((status, text.as_str()), (0, wanted));
    let (status, text, _) = trace27(&["who", "x", "--all", "--json", "--at", "8", "t.flow"]);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let set = json!({ "n": 4, "text": "f> 3 STORE_FAST (x)", "place": "a.py:1",
        "value": "2", "constant": 3 });
    assert_eq!(json, json!({ "name": "x", "at": 8, "value": "2", "sets": [set] }));
    assert_eq!(status, 0);
}

#[test]
fn who_finds_nothing_or_says_what_is_wrong() {
    for (arguments, status, wanted) in [
        (&["x", "--at", "4", "t.flow"][..], 1, "x is not bound\n"),
        (&["x", "--at", "4", "--all", "t.flow"], 1, "x is not bound\n"),
        (&["y", "--at", "8", "t.flow"], 1, "trace27: `y` is no local and no cell of `f`"),
        (&["x", "--at", "8", "--global", "t.flow"], 1, "trace27: no instruction before has read"),
        (&["x", "--at", "8", "--frame", "2", "t.flow"], 1, "trace27: there is no frame 2"),
        (&["--item=1", "--at", "8", "t.flow"], 1, "trace27: there is no [1] on the stack"),
        (&["--item", "--at", "4", "x", "t.flow"], 2, "trace27: `--item` takes the place"),
        (&["--at", "4", "t.flow"], 2, "trace27: give a name and a recording"),
        (&["x", "--at", "10", "t.flow"], 2, "trace27: `t.flow`: it has 9 instructions"),
        (&["x", "--at", "4", "-"], 2, "trace27: `who` reads the recording more than once"),
        (&["x", "--at", "9", "cut.flow"], 2, "trace27: `cut.flow`, byte "),
    ] {
        let (found, text, errors) = trace27(&[&["who"], arguments].concat());
        assert_eq!(found, status, "{arguments:?}: {text}{errors}");
        assert!((text + &errors).starts_with(wanted), "{arguments:?}: {errors}");
    }
}

#[test]
fn find_prints_each_instruction_that_produces_a_value() {
    for (arguments, status, wanted) in [
        (
            &["5", "t.flow"][..],
            0,
            "       7  f> 12 BINARY_ADD                          a.py:1   5\n       \
             2  m> 3 CALL_FUNCTION (0)                    a.py:1   5\n",
        ),
        (&["2..4", "--count", "t.flow"], 0, "2\n"),
        (&["-4..-2", "--count", "t.flow"], 1, "0\n"),
        (&["9", "t.flow"], 1, ""),
        (&["9", "--count", "--json", "t.flow"], 1, "{\"count\":0}\n"),
        (
            &["/^<function/", "--first", "t.flow"],
            0,
            "       1  m> 0 LOAD_CONST (None)                    a.py:1   <function f at 0x150>\n",
        ),
    ] {
        let (found, text, errors) = trace27(&[&["find"], arguments].concat());
        assert_eq!((found, text.as_str()), (status, wanted), "{arguments:?}: {errors}");
    }
    let (status, text, _) = trace27(&["find", "5", "--first", "--json", "t.flow"]);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let wanted = json!({ "n": 7, "text": "f> 12 BINARY_ADD", "place": "a.py:1", "value": "5" });
    assert_eq!((status, json), (0, wanted));
}

#[test]
fn find_says_what_is_wrong() {
    let (status, _, errors) = trace27(&["find", "five", "t.flow"]);
    assert_eq!(status, 2);
    assert!(errors.contains("`five` is nothing to look for; give a number"), "{errors}");
    // What was found before a recording ends is printed.
    let (status, text, errors) = trace27(&["find", "/function/", "cut.flow"]);
    assert_eq!((status, text.lines().count()), (2, 1), "{text}");
    assert!(errors.contains("cut short"), "{errors}");
}
