//! Belongs here: `docs/flow-format.md`, whose example is made again by the writer, and whose tables are
//! those of the code.

use std::fs;
use std::path::Path;
use std::process::Command;

use bytecode::cfg::{self, Successors};
use bytecode::decode::{Instruction, MOST_PREFIXES};
use bytecode::opcode;
use recording::block;
use recording::codes;
use recording::decoder::{Decoder, MOST_FRAMES};
use recording::file::{FlowWriter, LONGEST, section};
use serde_json::json;
use wire::code::{
    CodeInfo, LARGEST_CONSTANTS, LONGEST_CODE, LONGEST_NAME, MOST_ENTRIES, MOST_OBJECTS, MOST_TEXT,
};
use wire::control::NOWHERE;
use wire::packet::{BranchBits, MOST_BRANCH_BITS, Packet, kind};

use crate::stage::expanded;

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/flow-format.md");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What is between a fence of that language and the next.
fn example<'a>(page: &'a str, language: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!("\n```{language}\n")).unwrap();
    rest.split_once("```").map(|(shown, _)| shown).unwrap()
}

/// The recording that the page shows.
fn recording() -> Vec<u8> {
    let about = json!({ "format": "py27-flow 2" });
    let mut flow = FlowWriter::new(Vec::new(), false, u64::MAX, &about).unwrap().unwrap();
    let mut decoder = Decoder::new();
    let code = CodeInfo {
        name: b"f".to_vec(),
        file: b"a.py".to_vec(),
        first_line: 1,
        numbers: [1, 1, 1, 67],
        code: b"\x7c\0\0\x73\0\0\x64\0\0S".to_vec(),
        lines: b"\0\x01".to_vec(),
        constants: vec![b"None".to_vec()],
        locals: vec![b"x".to_vec()],
        ..CodeInfo::default()
    };
    let mut definition = Vec::new();
    code.write(&mut definition);
    decoder.define(1, code).unwrap();
    let event = Packet::CodeDefined { code: 1, definition: &definition };
    assert!(flow.code(&event, &decoder, 0).unwrap());
    for (branch_bits, event) in [
        (BranchBits::default(), Packet::Enter { lasti: -1, code: 1 }),
        (BranchBits { bits: 0b101, count: 3 }, Packet::End { lasti: NOWHERE }),
    ] {
        decoder.branch_bits(branch_bits, &mut ()).unwrap();
        decoder.event(&event, &mut ()).unwrap();
        flow.record(branch_bits, &event, &decoder, decoder.executed()).unwrap();
    }
    let end = json!({ "instructions": decoder.executed(), "end": "ended" });
    flow.finish(&decoder, decoder.executed(), &end).unwrap()
}

#[test]
fn the_example_is_what_is_written() {
    let (page, bytes) = (page(), recording());
    let mut shown = Vec::new();
    for line in example(&page, "hex").lines() {
        let (offset, rest) = line.split_at(4);
        assert_eq!(usize::from_str_radix(offset, 16).unwrap(), shown.len(), "{line}");
        // Two columns: bytes, and what they say.
        let row = rest.trim_start().split("  ").next().unwrap();
        shown.extend(row.split(' ').map(|byte| u8::from_str_radix(byte, 16).unwrap()));
    }
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>();
    assert_eq!(hex(&shown).join(" "), hex(&bytes).join(" "));
    let (text, result) = expanded(&bytes, true, &(0..u64::MAX), 1);
    assert!(result.is_ok());
    assert_eq!(example(&page, "text"), String::from_utf8(text).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.flow");
    fs::write(&path, bytes).unwrap();
    let mut dump = Command::new(env!("CARGO_BIN_EXE_trace27"));
    let output = dump.arg("dump").arg(&path).output().unwrap();
    assert_eq!(example(&page, "dump"), String::from_utf8(output.stdout).unwrap());
}

/// The rows of the first table below a heading or after a text, by their cells.
fn table(page: &str, heading: &str) -> Vec<Vec<String>> {
    let (_, rest) = page.split_once(&format!("\n{heading}\n")).unwrap();
    let rows = rest.lines().skip_while(|line| !line.starts_with('|'));
    let rows = rows.take_while(|line| line.starts_with('|')).skip(2);
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect()
}

#[test]
fn the_kinds_are_those_of_the_code() {
    let named = [
        ("Enter", kind::ENTER),
        ("Resume", kind::RESUME),
        ("Unwind", kind::UNWIND),
        ("FrameUnwound", kind::FRAME_UNWOUND),
        ("AsyncBegin", kind::ASYNC_BEGIN),
        ("AsyncBegin", kind::ASYNC_BEGIN_WITHIN),
        ("AsyncEnd", kind::ASYNC_END),
        ("Instruction", kind::INSTRUCTION),
        ("Instruction", kind::INSTRUCTION_TEXT),
        ("SingleStep", kind::SINGLE_STEP),
        ("SingleStepCode", kind::SINGLE_STEP_CODE),
        ("CodeDefined", kind::CODE_DEFINED),
        ("CodeFreed", kind::CODE_FREED),
        ("ThreadSwitch", kind::THREAD_SWITCH),
        ("Frame", kind::FRAME),
        ("End", kind::END),
        ("ThreadEnd", kind::THREAD_END),
        ("FrameReturn", kind::FRAME_RETURN),
        ("Unwind", kind::UNWIND_EXCEPTION),
        ("StackSwitch", kind::STACK_SWITCH),
        ("Values", kind::VALUES),
    ];
    let rows: Vec<_> =
        table(&page(), "### Kinds").iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    assert_eq!(rows, named.map(|(name, number)| (number.to_string(), format!("`{name}`"))));
    let rows: Vec<_> = table(&page(), "| … | its content |")
        .iter()
        .map(|row| (row[0].clone(), row[1].clone()))
        .collect();
    let named = [
        ("About", section::ABOUT),
        ("CodeObjects", section::CODES),
        ("Packets", section::EVENTS),
        ("End", section::END),
        ("Gap", section::GAP),
        ("Index", section::INDEX),
        ("CompressedCodeObjects", section::COMPRESSED_CODES),
    ];
    assert_eq!(rows, named.map(|(name, number)| (number.to_string(), format!("`{name}`"))));
}

/// Each opcode is on the page as what it leads to.
#[test]
fn the_branch_bits_are_those_of_the_code() {
    let rows = table(&page(), "### Branch bits");
    for number in 0..=u8::MAX {
        let Some(name) = opcode::name(number) else { continue };
        let at =
            Instruction { lasti: 0, offset: 0, opcode: number, operand: 5, next: 3, prefixes: 0 };
        let wanted = match cfg::successors(&at) {
            Successors::Branch([one, other]) if one == other => "1",
            Successors::Branch(_) => "0 or 1",
            Successors::Leave => "1, if it leaves the frame",
            Successors::Never => "none; it never goes straight on",
            Successors::On(_) => "none",
        };
        let row = rows.iter().find(|row| row[0].contains(&format!("`{name}`")));
        let said = row.map_or("none", |row| row[1].as_str());
        assert_eq!(said, wanted, "{name}");
    }
}

#[test]
fn the_limits_are_those_of_the_code() {
    let limits: Vec<String> =
        table(&page(), "## Limits").into_iter().map(|row| row[1].clone()).collect();
    let wanted = [
        u64::from(LONGEST),
        1 << 62,
        u64::from(codes::MOST) - 1,
        codes::MOST_BYTES as u64,
        LONGEST_NAME as u64,
        LONGEST_CODE as u64,
        MOST_TEXT as u64,
        MOST_ENTRIES,
        LARGEST_CONSTANTS as u64,
        MOST_OBJECTS as u64,
        MOST_FRAMES as u64,
        block::LONGEST as u64,
        u64::from(MOST_PREFIXES),
        u64::from(MOST_BRANCH_BITS),
    ];
    assert_eq!(limits, wanted.map(|limit| limit.to_string()));
}
