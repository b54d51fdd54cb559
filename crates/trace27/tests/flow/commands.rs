//! Belongs here: what the commands say of a recording.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::stage::{How, Recorded, record, record_about};

const HOW: How = How { seed: 21, steps: 900, codes: 6, section: 30, compress: false };

fn trace27(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trace27"));
    command.current_dir(folder).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// A folder with the recording, compressed too, and its text.
fn folder() -> (TempDir, Recorded) {
    let folder = tempfile::tempdir().unwrap();
    let recorded = record(HOW);
    let packed = record(How { compress: true, ..HOW });
    for (name, bytes) in [
        ("t.flow", &recorded.bytes),
        ("t.flow.zst", &packed.bytes),
        ("t.txt", &recorded.all(false)),
        ("t-r.txt", &recorded.all(true)),
    ] {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    (folder, recorded)
}

#[test]
fn a_recording_is_any_trace() {
    let (folder, recorded) = folder();
    for (left, right) in [
        ("t.flow", "t.txt"),
        ("t-r.txt", "t.flow.zst"),
        ("t.flow", "t.flow.zst"),
        ("t.flow", "t.flow"),
    ] {
        let output = trace27(folder.path(), &["diff", left, right]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert!(text(&output.stdout).contains("identical: "), "{}", text(&output.stdout));
    }
    for file in ["t.flow", "t.flow.zst"] {
        for (options, wanted) in [(&[][..], recorded.all(false)), (&["-r"], recorded.all(true))] {
            let arguments = [&["convert", "--to", "line"], options, &[file, "-"]].concat();
            let output = trace27(folder.path(), &arguments);
            assert!(output.stdout == wanted, "{}", text(&output.stderr));
        }
        let output = trace27(folder.path(), &["validate", file]);
        let count = recorded.executed.len();
        let wanted =
            format!("`{file}`: valid flow, {count} steps; with code name, code number, file");
        assert!(text(&output.stdout).starts_with(&wanted), "{}", text(&output.stdout));
    }
    let output = trace27(folder.path(), &["convert", "--to", "jsonl", "t.flow", "t.jsonl"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let output = trace27(folder.path(), &["diff", "t.jsonl", "t.flow"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
}

#[test]
fn where_it_parts_is_told_with_its_frames() {
    let (folder, recorded) = folder();
    let lines = recorded.text(false, 0..600);
    fs::write(folder.path().join("short.txt"), [&lines[..], b"other> 999 NOP\n"].concat()).unwrap();
    let output = trace27(folder.path(), &["diff", "--json", "t.flow", "short.txt"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let found = &report["divergences"][0];
    let (_, _, depth) = recorded.executed[599];
    let path = &found["call_path"]["left"];
    let names = path["names"].as_array().unwrap().len() as u64;
    assert_eq!(path["derived"], json!(false));
    assert_eq!(path["hidden"].as_u64().unwrap() + names, u64::from(depth));
    assert_eq!(found["left"][0]["n"], json!(601));
    assert!(found["left"][0]["byte"].is_u64() && found["left"][0].get("line").is_none());
    let output = trace27(folder.path(), &["diff", "t.flow", "short.txt"]);
    assert!(text(&output.stdout).contains("(flow), step 601, byte "), "{}", text(&output.stdout));
}

#[test]
fn nothing_becomes_a_recording() {
    let (folder, _) = folder();
    let output = trace27(folder.path(), &["convert", "--to", "flow", "t.txt", "new.flow"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("record the program with `tracer.py"));
    assert!(!folder.path().join("new.flow").exists());
    let bare = record_about(HOW, &json!({ "constants": false }));
    fs::write(folder.path().join("bare.flow"), bare.bytes).unwrap();
    for arguments in [&["convert", "--to", "line", "-r"][..], &["expand", "-r"]] {
        let output = trace27(folder.path(), &[arguments, &["bare.flow", "-"]].concat());
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains("was recorded without constants"));
    }
}

#[test]
fn info_counts_without_text() {
    let (folder, recorded) = folder();
    for file in ["t.flow", "t.flow.zst"] {
        let output = trace27(folder.path(), &["info", "--json", file]);
        let info: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(info["instructions"], json!(recorded.executed.len()));
        assert_eq!(info["about"]["process"], json!(2));
        assert_eq!(info["end"]["end"], json!("ended"));
        for (code, definition) in recorded.codes.iter().enumerate() {
            let count = recorded.executed.iter().filter(|row| row.0 == code).count();
            let name = text(&definition.name);
            let rows = info["codes"].as_array().unwrap();
            let row = rows.iter().find(|row| row["name"] == name);
            assert_eq!(row.map_or(0, |row| row["instructions"].as_u64().unwrap()), count as u64);
        }
        for row in info["opcodes"].as_array().unwrap() {
            let opcode = row["opcode"].as_u64().unwrap() as u8;
            let count = recorded.executed.iter().filter(|row| row.1.opcode == opcode).count();
            assert_eq!(row["instructions"], json!(count), "{row}");
        }
        let output = trace27(folder.path(), &["info", file]);
        let shown = text(&output.stdout);
        assert!(shown.starts_with("flow recording, py27-flow 2\n"), "{shown}");
        assert!(shown.contains("\nrecorded     1970-01-01 00:00:01 UTC\n"), "{shown}");
        assert_eq!(shown.contains("\ndecompressed "), file.ends_with(".zst"), "{shown}");
    }
}

/// What can be said is said, then the error.
#[test]
fn info_of_a_recording_that_is_cut() {
    let (folder, recorded) = folder();
    let cut = &recorded.bytes[..recorded.bytes.len() - 120];
    fs::write(folder.path().join("cut.flow"), cut).unwrap();
    let output = trace27(folder.path(), &["info", "cut.flow"]);
    assert_eq!(output.status.code(), Some(2));
    let errors = text(&output.stderr);
    assert!(errors.starts_with("trace27: `cut.flow`, byte "), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    let shown = text(&output.stdout);
    assert!(shown.contains("\nend          not reached\n"), "{shown}");
}

/// What selects nothing says so, and what there is; the output is empty and the status 0.
#[test]
fn an_empty_selection_is_named() {
    let (folder, _) = folder();
    for (arguments, wanted) in [
        (
            &["-n", "no\u{1b}such", "t.flow"][..],
            "no code object named `no\\x1bsuch` ran in `t.flow`; nothing is written",
        ),
        (
            &["--from", "99999999", "t.flow.zst"],
            "`t.flow.zst` holds no instruction from instruction 99999999 on; \
             `trace27 info` says how many it has",
        ),
    ] {
        let output = trace27(folder.path(), &[&["expand"], arguments].concat());
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(text(&output.stderr), format!("trace27: {wanted}\n"));
        assert!(output.stdout.is_empty());
    }
    let output = trace27(folder.path(), &["expand", "--from", "5", "--to", "3", "t.flow"]);
    assert_eq!(output.status.code(), Some(2));
    let wanted = "trace27: `--from 5` is after `--to 3`, so there is nothing to write\n";
    assert_eq!(text(&output.stderr), wanted);
}
