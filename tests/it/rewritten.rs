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

/// A recording holds what nested code objects are when they run, not what they were when the module
/// that holds them ran.
#[test]
fn recordings_hold_what_runs() {
    in_parallel(programs("rewritten"), |program| {
        let arguments = program.arguments();
        let recorded = Python::traced().record(&program.folder, &[], &arguments, "t.flow");
        let oracle = Python::oracle().trace(&program.folder, &["-r"], &arguments);
        assert_eq!(recorded.outcome, oracle.outcome, "{}", recorded.outcome.text());
        let expanded = recorded.expand(&["-r"]);
        assert_same("expanded", &placeless(oracle.text()), &placeless(&expanded));
    });
}

/// Where each instruction is recorded anyway, what operands mean is looked up all the same.
#[test]
fn with_each_instruction_recorded() {
    let python = Python::traced();
    in_parallel(programs("rewritten"), |program| {
        let arguments = program.arguments();
        let oracle = Python::oracle().trace(&program.folder, &["-r"], &arguments);
        for options in ["resolve,text,every", "resolve,text,every,guard"] {
            let scratch = tempfile::tempdir().unwrap();
            let file = scratch.path().join("t.txt");
            let mut command = python.command(&program.folder);
            command
                .env("PYTHON27_TRACED_FILE", &file)
                .env("PYTHON27_TRACED_OPTIONS", options)
                .args(&arguments);
            let outcome = python.finish(&mut command);
            assert_eq!(outcome, oracle.outcome, "{options}: {}", outcome.text());
            let text = python.mask(&std::fs::read(&file).unwrap());
            assert_same(options, &placeless(oracle.text()), &placeless(&text));
        }
    });
}
