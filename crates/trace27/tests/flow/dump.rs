//! Belongs here: what `dump` prints of recordings, of whatever is in them.

use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use recording::file::section;
use wire::code::CodeInfo;
use wire::packet::{self, BranchBits, Packet};

use crate::hostile::{IDLE, define, events, file, records};
use crate::stage::{How, record};

const HOW: How = How { seed: 5, steps: 400, codes: 4, section: 20, compress: false };

fn dump(options: &[&str], bytes: &[u8]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("t.flow"), bytes).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_trace27"));
    command.current_dir(folder.path()).arg("dump").args(options).arg("t.flow").output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn every_chunk_and_packet_has_a_line() {
    let recorded = record(HOW);
    let output = dump(&[], &recorded.bytes);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let shown = text(&output.stdout);
    // Each line starts with a byte of the file, and none before the last one's.
    let mut last = 0;
    for line in shown.lines() {
        let at: usize = line.split_whitespace().next().unwrap().parse().unwrap();
        assert!(at >= last && at < recorded.bytes.len(), "{line}");
        last = at;
    }
    for name in ["Enter", "Unwind", "FrameUnwound", "CodeDefined", "CodeFreed", "SyncState", "End"]
    {
        assert!(shown.contains(&format!("  {name} ")), "{name}: {shown}");
    }
    let output = dump(&["--chunks"], &recorded.bytes);
    let chunks: Vec<&str> = text(&output.stdout).lines().collect();
    let wanted: Vec<&str> = shown
        .lines()
        .filter(|line| line.contains("  Chunk ") || line.contains("  Recording "))
        .collect();
    assert_eq!(chunks, wanted);
    let packed = record(How { compress: true, ..HOW });
    let of_packed = dump(&[], &packed.bytes).stdout;
    // The same packets; only what is not compressed as a whole has compressed chunks.
    let packets = |shown: &str| {
        let lines = shown.lines().map(|line| {
            line.trim_start_matches([' ', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
        });
        let lines = lines.filter(|line| !line.contains("Chunk ") && !line.contains(" offset="));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(packets(text(&of_packed)), packets(shown));
    assert!(shown.contains("  Chunk CompressedCodeObjects length="));
    assert!(!text(&of_packed).contains("Compressed"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_trace27"));
    let mut child =
        command.args(["dump", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&packed.bytes).unwrap();
    assert_eq!(child.wait_with_output().unwrap().stdout, of_packed);
}

#[test]
fn a_damaged_recording_is_printed_up_to_there() {
    let recorded = record(HOW);
    let whole = dump(&[], &recorded.bytes).stdout;
    let late = recorded.bytes.len() * 3 / 4;
    for (at, reason) in [(0, "no flow recording"), (200, "checksum"), (late, "damaged")] {
        let mut bytes = recorded.bytes.clone();
        bytes[at] ^= 0x55;
        let output = dump(&[], &bytes);
        assert_eq!(output.status.code(), Some(2));
        assert!(whole.starts_with(&output.stdout), "byte {at}");
        let errors = text(&output.stderr);
        assert!(errors.contains(reason) && errors.lines().count() == 1, "{errors}");
        let cut = dump(&[], &recorded.bytes[..at]);
        assert_eq!(cut.status.code(), Some(2));
        let errors = text(&cut.stderr);
        assert_eq!(errors.lines().count(), 1, "{errors}");
        // The chunk that is cut says so; its packets are those of the whole one.
        let packets = |shown: &[u8]| {
            let lines = text(shown).lines().filter(|line| !line.contains(" Chunk "));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        assert!(packets(&whole).starts_with(&packets(&cut.stdout)), "cut at {at}");
    }
}

#[test]
fn nothing_of_the_file_reaches_the_terminal() {
    let hostile = "\x1b[31m\u{202e}\u{9b}\n\"".as_bytes();
    let code = CodeInfo {
        name: hostile.to_vec(),
        file: hostile.repeat(100),
        code: b"\x64\0\0S".to_vec(),
        is_watched: true,
        ..CodeInfo::default()
    };
    let mut run = records(&[
        Packet::Enter { lasti: -1, code: 1 },
        Packet::Instruction { opcode: 100, offset: 0, operand: 0, text: Some(hostile) },
        Packet::Other { kind: 200, payload: hostile },
        Packet::FrameExit { lasti: 0, exception: false },
    ]);
    packet::write(&mut run, BranchBits::default(), &Packet::ThreadSwitch { thread: 3, lasti: -2 });
    let bytes = file(&[
        (section::CODES, define(1, code)),
        events(0, 1, &IDLE, &run),
        (250, hostile.to_vec()),
        (section::END, [b"{\"x\":\"", hostile, b"}"].concat()),
    ]);
    let output = dump(&[], &bytes);
    assert!(output.status.success(), "{output:?}");
    let shown = text(&output.stdout);
    assert!(shown.bytes().all(|byte| byte == b'\n' || (0x20..0x7f).contains(&byte)), "{shown:?}");
    for wanted in [
        "CodeDefined code=1 name=\"\\x1b[31m\\xe2\\x80\\xae\\xc2\\x9b\\n\\\"\" file=\"",
        "Instruction offset=0 opcode=100 operand=0 text=\"\\x1b[31m",
        "Unknown kind=200 length=12 payload=1b5b33316de280aec29b0a22\n",
        "FrameReturn lasti=0\n",
        "ThreadSwitch thread=3 lasti=unknown\n",
        "Chunk Unknown length=12 kind=250 content=1b5b33316de280aec29b0a22\n",
    ] {
        assert!(shown.contains(wanted), "{wanted}: {shown}");
    }
    let about = [b"\x1b]0;x\x07", hostile].concat();
    let mut bytes = file(&[]);
    bytes.truncate(12);
    bytes.extend_from_slice(&[1, 0, 0, 0, about.len() as u8, 0, 0, 0, 0, 0, 0, 0]);
    bytes.extend_from_slice(&about);
    crate::hostile::mend(&mut bytes);
    let output = dump(&[], &bytes);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stderr.iter().all(|byte| *byte == b'\n' || (0x20..0x7f).contains(byte)));
}
