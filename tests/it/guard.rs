//! Belongs here: `--guard`: bad bytecode is an error in place of a crash, and nothing else is.
//!
//! `ACCEPT_GOLDEN=1` writes what the guarded programs print beside them; read it before it goes in.

mod paths;

use std::env;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use integration::{
    Program, Python, assert_golden, assert_same, in_parallel, programs, real_programs,
};

use crate::undisturbed::errors;

/// The programs whose bytecode would crash, and what they print.
#[test]
fn bad_bytecode_is_an_error_and_the_program_goes_on() {
    in_parallel(programs("guarded"), |program| {
        let run = Python::traced().trace(&program.folder, &["--guard"], &program.arguments());
        assert_eq!(run.outcome.status, 0, "{}", run.outcome.text());
        golden(&program.folder.join(&program.command[0]), &run.outcome.output);
        let last = run.text().split_inclusive(|&byte| byte == b'\n').next_back().unwrap();
        let last = String::from_utf8_lossy(last);
        assert!(last.starts_with("<module>> "), "the trace ends with {last:?}");
        assert!(last.ends_with(" RETURN_VALUE\n"), "the trace ends with {last:?}");
    });
}

/// What their docstrings say of a plain interpreter.
#[test]
fn a_plain_interpreter_is_killed_by_it() {
    in_parallel(programs("guarded"), |program| {
        let text = fs::read_to_string(program.folder.join(&program.command[0])).unwrap();
        let killed = ["is killed by signal 11 at each", "fatal error, signal 6, at each"];
        let Some(at) = killed.iter().position(|words| text.contains(words)) else { return };
        // Not in the corpus, where a core would stay.
        let folder = tempfile::tempdir().unwrap();
        let plain =
            Python::unpatched().run(folder.path(), [program.folder.join(&program.command[0])]);
        // What overwrites the heap may be found by the C library first, which aborts.
        let found = ["realloc(): ", "malloc(): ", "free(): ", "malloc_consolidate(): "];
        let is_found = plain.status == -6 && found.iter().any(|words| plain.text().contains(words));
        assert!(plain.status == [-11, -6][at] || is_found, "{}", plain.text());
    });
}

#[test]
fn the_corpus_runs_as_without_it() {
    in_parallel(
        ["", "ours_only", "settrace"].into_iter().flat_map(programs).collect(),
        |program| {
            same(program, &["-r"]);
        },
    );
}

#[test]
fn real_programs_run_as_without_it() {
    in_parallel(real_programs(), |program| {
        let run = |options| Python::traced().trace(&program.folder, options, &program.arguments());
        let (plain, guarded) = (run(&[][..]), run(&["--guard"][..]));
        // What they print may be a measured time.
        assert_eq!(plain.outcome.status, guarded.outcome.status, "{}", guarded.outcome.text());
        assert_same("trace", plain.text(), guarded.text());
    });
}

/// What a compiler makes is never refused: not one instruction, however it is come to.
#[test]
fn no_path_through_the_standard_library_is_refused() {
    let library = Python::unpatched().path().ancestors().nth(2).unwrap().join("lib/python2.7");
    let mut files = Vec::new();
    collect(&library, &mut files);
    files.sort();
    let files: Vec<String> = files.iter().map(|file| format!("{}\n", file.display())).collect();
    assert!(files.len() > 1000, "{} files below {}", files.len(), library.display());
    let parts: Vec<&[String]> = files.chunks(files.len().div_ceil(8)).collect();
    let part = |number: usize| Program {
        folder: library.clone(),
        command: vec![format!("part {number}")],
    };
    in_parallel((0..parts.len()).map(part).collect(), |part| {
        let number: usize = part.command[0].trim_start_matches("part ").parse().unwrap();
        let (alarms, states) = paths::false_alarms(&code_objects(&parts[number].concat()));
        assert!(states > 10_000, "{states} states");
        assert!(alarms.is_empty(), "{} code objects: {alarms:#?}", alarms.len());
    });
}

/// Bytecode that nobody thought of: whatever it does, the process lives.
#[test]
fn random_bytecode_ends_no_process() {
    let script = integration::project().join("tests/it/guard/random_code.py");
    let part = |number: usize| Program {
        folder: env::temp_dir(),
        command: vec![script.display().to_string(), (1000 * number).to_string(), "1000".to_owned()],
    };
    in_parallel((0..8).map(part).collect(), |part| {
        let options = ["--guard", "-n", "random"];
        let run = Python::traced().trace(&part.folder, &options, &part.arguments());
        assert_eq!(run.outcome.status, 0, "{}", run.outcome.text());
        let output = String::from_utf8_lossy(&run.outcome.output);
        assert!(output.contains("refused: "), "{}", run.outcome.text());
    });
}

/// Output and trace are the same, guarded or not.
fn same(program: &Program, options: &[&str]) {
    let run = |more: &[&str]| {
        let options = [options, more].concat();
        Python::traced().trace(&program.folder, &options, &program.arguments())
    };
    let (plain, guarded) = (run(&[]), run(&["--guard"]));
    assert_eq!(plain.outcome.status, guarded.outcome.status, "{}", guarded.outcome.text());
    assert_same("output", &plain.outcome.output, &guarded.outcome.output);
    assert_same("errors", &errors(&plain.outcome), &errors(&guarded.outcome));
    assert_same("trace", plain.text(), guarded.text());
}

/// Compares what a program printed with the `.out` beside it.
fn golden(program: &Path, output: &[u8]) {
    let file = program.with_extension("out");
    assert_golden(&file, output);
}

/// The lines of `code_objects.py` for some files, whose names are given one a line.
fn code_objects(files: &str) -> String {
    let script = integration::project().join("tests/it/guard/code_objects.py");
    let mut command = Python::unpatched().command(&env::temp_dir());
    command.args(["-W", "ignore"]).arg(script).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut names = child.stdin.take().unwrap();
    // It compiles as it reads, and prints meanwhile.
    let output = std::thread::scope(|scope| {
        scope.spawn(move || names.write_all(files.as_bytes()).unwrap());
        child.wait_with_output().unwrap()
    });
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

/// All Python files below a folder.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "py") {
            files.push(path);
        }
    }
}
