//! The house rules that a machine can check: module docs, the arrows between crates, and what the
//! hook may bring into an interpreter.

#![allow(clippy::unwrap_used, reason = "a test says with it what must be")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn all_rust_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for room in ["crates", "shim", "tests", "xtask"] {
        rust_files(&project().join(room), &mut files);
    }
    assert!(files.len() > 40, "{files:?}");
    files
}

/// The crates that a package links, itself included, as `cargo tree` sees it.
fn links(arguments: &[&str]) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .current_dir(project())
        .args(["tree", "--offline", "--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .args(arguments)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn every_file_says_what_it_is() {
    let silent: Vec<_> = all_rust_files()
        .into_iter()
        .filter(|path| !fs::read_to_string(path).unwrap().starts_with("//!"))
        .collect();
    assert!(silent.is_empty(), "files that do not open with `//!`: {silent:?}");
}

#[test]
fn nothing_is_ignored_or_left_undone() {
    for path in all_rust_files() {
        let text = fs::read_to_string(&path).unwrap();
        // Spelt so that this file does not find itself.
        for mark in [concat!("#[", "ignore"), concat!("todo", "!("), concat!("unimplemented", "!(")]
        {
            assert!(!text.contains(mark), "{}: {mark}", path.display());
        }
    }
}

#[test]
fn the_hook_links_what_is_in_an_interpreter_anyway() {
    let linked = links(&["--package", "shim", "--features", "interpreter"]);
    assert_eq!(linked.into_iter().collect::<Vec<_>>(), ["bytecode", "libc", "shim", "wire"]);
}

#[test]
fn arrows_that_must_not_be() {
    for (package, never) in [
        ("bytecode", &["wire", "recording", "trace", "shim", "xtask"][..]),
        ("wire", &["recording", "trace", "shim", "xtask"]),
        ("recording", &["trace", "shim", "xtask"]),
        ("trace", &["trace27", "shim", "xtask", "clap", "anyhow"]),
        ("trace27", &["trace-writer", "shim", "xtask"]),
        // Small: it runs beside every traced program.
        ("trace-writer", &["trace", "trace27", "shim", "xtask", "clap", "regex"]),
        ("shim", &["recording", "trace", "xtask"]),
        ("xtask", &["shim", "bytecode", "wire", "recording", "trace", "measure"]),
        ("integration", &["xtask"]),
    ] {
        let linked = links(&["--package", package]);
        for other in never {
            assert!(!linked.contains(*other), "`{package}` links `{other}`");
        }
    }
}

/// Within `trace`: what is found out about traces knows no format and prints nothing, and no format
/// knows what is found out.
#[test]
fn arrows_that_must_not_be_within_trace() {
    for (folder, never) in [
        ("crates/trace/src/analysis", &["crate::formats", "crate::render", "crate::input"][..]),
        ("crates/trace/src/formats", &["crate::analysis", "crate::diff", "crate::render"]),
    ] {
        let mut files = Vec::new();
        rust_files(&project().join(folder), &mut files);
        files.push(project().join(format!("{folder}.rs")));
        assert!(files.len() > 5, "{files:?}");
        for path in files.iter().filter(|path| !path.ends_with("testing.rs")) {
            let text = fs::read_to_string(path).unwrap();
            // Tests come last, and may read text with any format.
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            for module in never {
                assert!(!code.contains(module), "{}: {module}", path.display());
            }
        }
    }
}

/// A promise without the test that it names would be none.
#[test]
fn what_the_page_on_reliability_names_is_there() {
    let page = fs::read_to_string(project().join("docs/reliability.md")).unwrap();
    let rooms = ["crates/", "docs/", "fuzz/", "shim/", "tests/", "xtask/"];
    let named = page.split('`').skip(1).step_by(2);
    let files: Vec<&str> =
        named.filter(|name| rooms.iter().any(|room| name.starts_with(room))).collect();
    assert!(files.len() > 10, "{files:?}");
    for file in files {
        assert!(project().join(file).exists(), "`{file}` is not there");
    }
}

/// What a prefix does to the instruction after it is decoded in `bytecode::decode` alone. The other
/// files that name it print it, or know that no line may be there for it.
#[test]
fn one_decoder_of_instructions() {
    let name = concat!("EXTENDED", "_ARG");
    let mut found: Vec<String> = all_rust_files()
        .into_iter()
        .filter(|path| {
            let text = fs::read_to_string(path).unwrap();
            let code = text.split("\n#[cfg(test)]").next().unwrap_or_default();
            code.lines().any(|line| {
                let line = line.split("//").next().unwrap_or_default();
                // Not in messages.
                line.split('"').step_by(2).any(|part| part.contains(name))
            })
        })
        .map(|path| path.strip_prefix(project()).unwrap().display().to_string())
        .filter(|path| !path.starts_with("tests/") && !path.contains("/tests"))
        .collect();
    found.sort();
    assert_eq!(
        found,
        [
            "crates/bytecode/src/decode.rs",
            "crates/bytecode/src/opcode.rs",
            "crates/recording/src/count.rs",
            "crates/recording/src/state/sink.rs",
            "crates/recording/src/text.rs",
            // What emulators leave out.
            "crates/trace/src/analysis/diff/omissions.rs",
            "crates/trace/src/formats/flow.rs",
            // It refuses a prefix that prefixes nothing.
            "shim/src/guard/plan.rs",
        ]
    );
}

/// Raw pointers have one room, and the exported functions another.
#[test]
fn unsafe_code_stays_in_few_files() {
    let mut found: Vec<String> = all_rust_files()
        .into_iter()
        .filter(|path| {
            let text = fs::read_to_string(path).unwrap();
            text.lines().any(|line| line.contains(concat!("unsafe", " {")))
        })
        .map(|path| path.strip_prefix(project()).unwrap().display().to_string())
        .collect();
    found.sort();
    assert_eq!(
        found,
        [
            "crates/trace-writer/src/writer/memory.rs",
            "crates/trace-writer/src/writer/ring.rs",
            // A copy of the process.
            "crates/trace-writer/src/writer/settle.rs",
            // Sixteen bytes at a time.
            "crates/trace/src/analysis/diff/scan.rs",
            // A file as one slice.
            "crates/trace/src/input.rs",
            // What a child does before it becomes another program.
            "crates/trace27/src/lockstep/supervisor.rs",
            "shim/src/entry.rs",
            "shim/src/entry/ending.rs",
            "shim/src/entry/foreign.rs",
            "shim/src/entry/life.rs",
            "shim/src/memory.rs",
            "shim/src/py.rs",
            // Who holds the GIL.
            "shim/src/py/gil.rs",
            "shim/src/py/guarded.rs",
            "shim/src/py/object.rs",
            // What a code object was, block by block.
            "shim/src/py/saved.rs",
            "shim/src/py/saved/blocks.rs",
            "shim/src/refuse.rs",
            "shim/src/shared.rs",
            "shim/src/spawn.rs",
            // The loop's array of what was verified.
            "shim/src/verify.rs",
            // A transport that libgit2 calls.
            "xtask/src/source/transport.rs",
        ]
    );
}
