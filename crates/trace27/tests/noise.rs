//! What users give instead of a clean trace: each is named, with its line, or skipped and counted
//! where that is asked for.

#![allow(clippy::unwrap_used, reason = "a test says with it what must be")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trace27"));
    let Output { status, stdout, stderr } =
        command.args(arguments).current_dir(folder).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

const CLEAN: &str = "m> 0 LOAD_CONST (0)\nm> 3 STORE_NAME (0)\nm> 6 LOAD_NAME (0)\nm> 9 POP_TOP\n";

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("clean"), CLEAN).unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

#[test]
fn noise_is_refused_with_its_line_or_skipped_and_counted() {
    let noisy = CLEAN.replace("m> 6", "hello (1)\n\n2024-01-01 12:00:00,1 DEBUG: m> 6");
    let red = CLEAN.replace("m> 9 POP_TOP", "\x1b[31mm>\x1b[0m 9 POP_TOP\x1b[0m");
    let folder = folder(&[("noisy", noisy.as_bytes()), ("red", red.as_bytes())]);
    for (command, line) in [
        (&["diff", "clean", "noisy"][..], "`noisy`, line 3 "),
        (&["diff", "noisy", "clean"], "`noisy`, line 3 "),
        (&["diff", "noisy", "noisy"], "`noisy`, line 3 "),
        (&["validate", "noisy"], "`noisy`, line 3 "),
        (&["info", "noisy"], "`noisy`, line 3 "),
        (&["convert", "--to", "jsonl", "noisy", "-"], "`noisy`, line 3 "),
        (&["diff", "clean", "red"], "`red`, line 4 "),
    ] {
        let (status, _, errors) = run(folder.path(), command);
        assert_eq!(status, 2, "{command:?}");
        assert!(errors.starts_with(&format!("trace27: {line}")), "{errors}");
        assert!(errors.contains("no step"), "{errors}");
        let (status, output, errors) = run(folder.path(), &[command, &["--lenient"]].concat());
        assert_eq!(status, 0, "{command:?}: {output}{errors}");
        let said = output + &errors;
        if command.contains(&"noisy") {
            assert!(
                said.contains("2 lines that are no step") || said.contains("2 other lines"),
                "{said}"
            );
        }
        if command[0] == "diff" {
            assert!(said.ends_with("identical: 4 steps\n"), "{said}");
        }
    }
}

#[test]
fn noise_in_json_is_skipped_and_counted() {
    let json = "{\"pc\":0,\"op\":1}\nhello\n{1: 2}\n12:00 {\"pc\":1,\"op\":1}\n";
    let folder = folder(&[("noisy", json.as_bytes())]);
    let (status, _, errors) = run(folder.path(), &["validate", "noisy"]);
    assert!(status == 2 && errors.contains("line 2 ") && errors.contains("no step"), "{errors}");
    let (status, output, _) = run(folder.path(), &["validate", "--lenient", "noisy"]);
    assert_eq!(status, 0);
    assert!(output.contains("2 steps, 2 other lines, 1 line with text around"), "{output}");
}

#[test]
fn blanks_and_line_ends_do_not_count() {
    let ended = |end: &str| CLEAN.replace('\n', end);
    let folder = folder(&[
        ("blanks", ended(" \n").as_bytes()),
        ("returns", ended("\r\r\n").as_bytes()),
        ("one", CLEAN.replace("POP_TOP", "POP_TOP ").as_bytes()),
    ]);
    for file in ["blanks", "returns", "one"] {
        let (status, output, errors) = run(folder.path(), &["diff", "clean", file]);
        assert!(status == 0 && output.ends_with("identical: 4 steps\n"), "{output}{errors}");
    }
}

#[test]
fn an_empty_trace_is_trouble() {
    let header = "{\"py27trace\":1}\n{\"steps\":0}\n";
    let folder = folder(&[("empty", b""), ("header", header.as_bytes())]);
    for empty in ["empty", "header"] {
        for (left, right) in [(empty, "clean"), ("clean", empty), (empty, "empty")] {
            let (status, _, errors) = run(folder.path(), &["diff", left, right]);
            assert!(status == 2 && errors.contains("has no steps"), "{errors}");
        }
        let (status, _, errors) = run(folder.path(), &["validate", empty]);
        assert!(status == 2 && errors.contains("has no steps"), "{errors}");
        let (status, output, _) = run(folder.path(), &["diff", "--allow-empty", empty, "empty"]);
        assert!(status == 0 && output.ends_with("identical: 0 steps\n"), "{output}");
    }
}

#[test]
fn files_of_other_kinds_are_named() {
    let folder = folder(&[
        ("xz", b"\xfd7zXZ\0\0\x04"),
        ("bz2", b"BZh91AY&SY\0\0"),
        ("zip", b"PK\x03\x04\0"),
        ("7z", b"7z\xbc\xaf\x27\x1c\0"),
        ("elf", b"\x7fELF\x02\x01"),
        ("pyc", b"\x03\xf3\r\n\0\0\0\0c"),
    ]);
    for (file, wanted) in [
        ("xz", "xz -dc"),
        ("bz2", "bzip2 -dc"),
        ("zip", "zip archive"),
        ("7z", "7z archive"),
        ("elf", "ELF"),
        ("pyc", "this is a `.pyc`"),
        (".", "this is a directory"),
    ] {
        let (status, _, errors) = run(folder.path(), &["diff", "clean", file]);
        assert!(status == 2 && errors.contains(wanted), "{errors}");
        assert!(errors.starts_with(&format!("trace27: `{file}`: ")), "{errors}");
    }
}

/// A line of a constant that has the shape of a step is none for the fast scanner, either.
#[test]
fn lines_of_constants_are_no_steps() {
    let step = "f> 0 LOAD_CONST (a)\nf> 5 garbage)\nf> 3 STORE_NAME (x)\n";
    let text = step.repeat(5000);
    let folder = folder(&[("left", text.as_bytes()), ("right", text.as_bytes())]);
    let (status, output, errors) = run(folder.path(), &["diff", "left", "right"]);
    assert!(status == 0 && output.ends_with("identical: 10000 steps\n"), "{output}{errors}");
}

/// Without an end: the frames that only the right has are a divergence, not left out.
#[test]
fn an_endless_call_that_the_program_does_not_hold_is_a_divergence() {
    let start = "<module>> 0 LOAD_CONST (<code object f at 0x1, file \"p\", line 1>)\n";
    let left = format!("{start}<module>> 3 POP_TOP\n");
    let folder = folder(&[("left", left.as_bytes())]);
    let endless = format!(
        "printf '%s' '{start}'; echo 'helper> 0 NOP'; while :; do echo 'helper> 1 NOP'; done"
    );
    let command = format!("({endless}) | {} diff left -", env!("CARGO_BIN_EXE_trace27"));
    let output =
        Command::new("sh").args(["-c", &command]).current_dir(folder.path()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("the traces diverge after 1 step in common"), "{text}");
    assert!(text.contains("hint: extra call"), "{text}");
}

#[test]
fn colours_are_used_where_asked_for() {
    let folder = folder(&[("other", CLEAN.replace("POP_TOP", "NOP").as_bytes())]);
    for (when, coloured) in [("always", true), ("never", false), ("auto", false)] {
        let (_, output, _) = run(folder.path(), &["diff", "--color", when, "clean", "other"]);
        assert_eq!(output.contains('\x1b'), coloured, "{when}");
    }
}

/// `blog` was the name of `line`.
#[test]
fn the_older_name_of_the_format_is_accepted() {
    let folder = folder(&[]);
    let (status, output, errors) =
        run(folder.path(), &["convert", "--from", "blog", "--to", "blog", "clean", "-"]);
    assert_eq!((status, output.as_str(), errors.as_str()), (0, CLEAN, ""));
    let (status, output, _) =
        run(folder.path(), &["validate", "--format", "blog", "--json", "clean"]);
    assert!(status == 0 && output.contains("\"format\": \"line\""), "{output}");
}
