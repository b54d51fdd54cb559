//! Belongs here: code objects that are rewritten while the program runs, by C code and through the
//! kernel: text against the oracle's, and that no more is single-stepped than has to be.

use integration::{Program, Python, assert_same, in_parallel, programs};

/// Without the folders of the interpreters, which are in the names of the library's files.
fn placeless(text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    let words: Vec<&str> = text.split("file \"").collect();
    let words = words.iter().map(|word| match word.split_once("/lib/python2.7/") {
        Some((prefix, rest)) if !prefix.contains('\n') => rest,
        _ => word,
    });
    words.collect::<Vec<_>>().join("file \"").into_bytes()
}

fn agree(program: &Program, options: &[&str], more: &[&str]) {
    let ours = [options, more].concat();
    let ours = Python::traced().trace(&program.folder, &ours, &program.arguments());
    let oracle = Python::oracle().trace(&program.folder, options, &program.arguments());
    assert_same(
        &format!("{options:?} {more:?}"),
        &placeless(oracle.text()),
        &placeless(ours.text()),
    );
    assert_eq!(ours.outcome, oracle.outcome, "{}", ours.outcome.text());
}

#[test]
fn operands_are_what_the_interpreter_uses() {
    in_parallel(programs("rewritten"), |program| agree(program, &["-r"], &[]));
}

#[test]
fn instructions_are_those_that_run() {
    in_parallel(programs("rewritten"), |program| agree(program, &[], &[]));
}

#[test]
fn with_all_threads() {
    in_parallel(programs("rewritten"), |program| agree(program, &["-r"], &["--threads", "all"]));
}
