//! Belongs here: `convert` and `validate` as people start them: exit status, messages, files.

#![allow(clippy::unwrap_used, reason = "a test says with it what must be")]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const BLOG: &str = "f> 0 LOAD_CONST (a)\nf> 3 RETURN_VALUE\n";

fn trace27(folder: &Path, args: &[&str]) -> Output {
    start(folder, args, b"")
}

fn start(folder: &Path, args: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_trace27"))
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that reads no input may be gone already.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

/// The message of a command that must fail with 2.
fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_trace_goes_there_and_back() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.txt"), BLOG).unwrap();
    let made = trace27(dir.path(), &["convert", "--to", "jsonl", "a.txt", "b.jsonl.zst"]);
    assert!(made.status.success() && made.stdout.is_empty() && made.stderr.is_empty(), "{made:?}");
    let made = trace27(dir.path(), &["convert", "--to", "line", "b.jsonl.zst", "-"]);
    assert_eq!(String::from_utf8(made.stdout).unwrap(), BLOG);
    let made = start(dir.path(), &["convert", "--to", "line", "-", "-"], BLOG.as_bytes());
    assert_eq!(String::from_utf8(made.stdout).unwrap(), BLOG);
}

#[test]
fn resolve_chooses_meanings() {
    let dir = tempfile::tempdir().unwrap();
    let line = b"{\"code\":1,\"name\":\"f\"}\n\
        {\"c\":1,\"pc\":0,\"op\":100,\"arg\":1,\"argRepr\":\"x\"}\n";
    for (args, wanted) in [
        (&["convert", "--to", "line", "-", "-"][..], "f> 0 LOAD_CONST (1)\n"),
        (&["convert", "-r", "--to", "line", "-", "-"], "f> 0 LOAD_CONST (x)\n"),
    ] {
        let made = start(dir.path(), args, line);
        assert_eq!(String::from_utf8(made.stdout).unwrap(), wanted);
    }
}

#[test]
fn the_input_is_never_overwritten_and_no_half_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let cut = format!("{BLOG}f> 4 POP_");
    fs::write(dir.path().join("a.txt"), &cut).unwrap();
    fs::write(dir.path().join("b.txt"), "before").unwrap();
    let message = refused(&trace27(dir.path(), &["convert", "--to", "line", "a.txt", "./a.txt"]));
    assert!(message.contains("cannot write `./a.txt`: it is the input"), "{message}");
    let message = refused(&trace27(dir.path(), &["convert", "--to", "line", "a.txt", "b.txt"]));
    assert!(message.starts_with("trace27: `a.txt`, line 3 (byte 38): the trace was cut short"));
    assert_eq!(fs::read_to_string(dir.path().join("a.txt")).unwrap(), cut);
    assert_eq!(fs::read_to_string(dir.path().join("b.txt")).unwrap(), "before");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[test]
fn validate_names_the_first_bad_line() {
    let dir = tempfile::tempdir().unwrap();
    let text = "{\"py27trace\":1}\n{\"pc\":0,\"op\":100}\n{\"pc\":1}\n{\"pc\":null}\n";
    fs::write(dir.path().join("a.jsonl"), text).unwrap();
    let message = refused(&trace27(dir.path(), &["validate", "a.jsonl"]));
    assert_eq!(message, "trace27: `a.jsonl`, line 3 (byte 34): a step needs `op` or `opName`\n");
    let shown = trace27(dir.path(), &["validate", "--json", "a.jsonl"]);
    assert_eq!(shown.status.code(), Some(2));
    let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!((&shown["valid"], &shown["line"]), (&false.into(), &3.into()));

    fs::write(dir.path().join("a.txt"), BLOG).unwrap();
    let shown = trace27(dir.path(), &["validate", "a.txt"]);
    let wanted = "`a.txt`: valid line, 2 steps; with code name, operand, operand's meaning\n";
    assert_eq!((shown.status.code(), &shown.stdout[..]), (Some(0), wanted.as_bytes()));
    let message = refused(&trace27(dir.path(), &["validate", "--format", "jsonl", "a.txt"]));
    assert!(message.contains(
        "line 1 (byte 0): this line is no step: no JSON object: `{` is wanted in column 1"
    ));
}

#[test]
fn what_is_no_trace_is_told_what_is_one() {
    let dir = tempfile::tempdir().unwrap();
    let message = refused(&start(dir.path(), &["validate", "-"], b"hello\n"));
    assert!(message.contains("`line`, `jsonl`, `xpython`, `byterun`"), "{message}");
    let message = refused(&trace27(dir.path(), &["validate", "missing.txt"]));
    assert!(message.starts_with("trace27: `missing.txt`: "), "{message}");
    let message = refused(&trace27(dir.path(), &["validate", "."]));
    assert!(message.contains("directory"), "{message}");
}

#[test]
fn a_log_from_windows_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let log = "INFO:xpython.vm:L. 1   @  0: LOAD_CONST \u{e9}\r\nINFO:xpython.vm:       @  3: POP_TOP \r\n";
    let wide: Vec<u8> = log.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let made = start(dir.path(), &["convert", "--to", "jsonl", "-", "-"], &wide);
    let text = String::from_utf8(made.stdout).unwrap();
    let step = r#"{"n":1,"d":1,"pc":0,"op":100,"opName":"LOAD_CONST","argRepr":"é"}"#;
    assert_eq!(text.lines().nth(1), Some(step));
}
