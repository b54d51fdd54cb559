//! Belongs here: random programs, on which recording, text and oracle must agree byte for byte.
//!
//! `RANDOM_SEED` is the first seed and `RANDOM_COUNT` how many files there are of each kind: for a
//! longer run, or to repeat the one that failed. The files stay in `target/random`.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::ops::Range;
use std::sync::Mutex;

use bytecode::opcode;
use integration::{
    Outcome, Program, Python, assert_same, in_parallel, project, random_bytecode, random_source,
};

use crate::undisturbed::errors;

/// Programs in a file: a process costs as much as many of them.
const PROGRAMS: usize = 50;
/// Files of each kind.
const FILES: u64 = 60;

/// The seeds that shall be tried.
fn seeds() -> Range<u64> {
    let number = |variable, default| match env::var(variable) {
        Ok(value) => value.parse().unwrap_or_else(|_| panic!("`{variable}` is not a number")),
        Err(_) => default,
    };
    let first = number("RANDOM_SEED", 1);
    first..first + number("RANDOM_COUNT", FILES)
}

/// A file for each seed.
fn files(kind: &str, name: &str, seeds: Range<u64>, text: impl Fn(u64) -> Vec<u8>) -> Vec<Program> {
    let folder = project().join("target/random").join(kind);
    fs::create_dir_all(&folder).unwrap();
    let program = |seed: u64| {
        let name = name.replace('N', &seed.to_string());
        fs::write(folder.join(&name), text(seed)).unwrap();
        Program { folder: folder.clone(), command: vec![name] }
    };
    seeds.map(program).collect()
}

/// That all agree on a program, and leave it alone.
fn agree(program: &Program) {
    let Program { folder, .. } = program;
    let place = folder.join(&program.command[0]);
    let what = |which: &str| format!("{which} of {}", place.display());
    let plain = Python::unpatched().run(folder, &program.command);
    let left_alone = |which: &str, outcome: &Outcome| {
        assert_eq!(plain.status, outcome.status, "{}: {}", what(which), outcome.text());
        assert_same(&what(&format!("{which}: output")), &plain.output, &outcome.output);
        assert_same(&what(&format!("{which}: errors")), &errors(&plain), &errors(outcome));
    };
    let recorded = Python::traced().record(folder, &[], &program.arguments(), "trace.flow");
    left_alone("the recorder", &recorded.outcome);
    for options in [&[][..], &["-r"], &["--blog", "-r"]] {
        let ours = Python::traced().trace(folder, options, &program.arguments());
        let oracle = Python::oracle().trace(folder, options, &program.arguments());
        assert_same(&what(&format!("{options:?} text")), oracle.text(), ours.text());
        // One that cannot be compiled, say, would prove nothing.
        assert!(ours.text().len() > 50_000, "{} is short", place.display());
        left_alone("ours", &ours.outcome);
        left_alone("the oracle", &oracle.outcome);
        let text = recorded.expand(options);
        assert_same(&what(&format!("{options:?} expansion")), ours.text(), &text);
    }
}

#[test]
fn source() {
    let text = |seed| random_source(seed, PROGRAMS).into_bytes();
    in_parallel(files("source", "seed_N.py", seeds(), text), agree);
}

#[test]
fn bytecode() {
    let text = |seed| random_bytecode(seed, PROGRAMS);
    in_parallel(files("bytecode", "seed_N.pyc", seeds(), text), agree);
}

/// Not only written: executed.
#[test]
fn the_bytecode_runs_every_opcode() {
    let text = |seed| random_bytecode(seed, PROGRAMS);
    let programs = files("opcodes", "seed_N.pyc", 1..30, text);
    let seen = Mutex::new(BTreeSet::new());
    in_parallel(programs, |program| {
        let run = Python::traced().trace(&program.folder, &[], &program.arguments());
        let lines = run.text().split(|&byte| byte == b'\n').filter_map(bytecode::text::parse);
        let opcodes: BTreeSet<u8> = lines.map(|line| line.opcode).collect();
        seen.lock().unwrap().extend(opcodes);
    });
    let seen = seen.into_inner().unwrap();
    let never = opcode::all().filter(|number| !seen.contains(number));
    let never: Vec<_> = never.filter_map(opcode::name).collect();
    assert!(never.is_empty(), "never run: {never:?}");
    assert!(seen.iter().any(|&number| opcode::name(number).is_none()), "no unknown opcode is run");
}

#[test]
fn on_other_builds() {
    let programs = || {
        let source = |seed| random_source(seed, PROGRAMS).into_bytes();
        let bytecode = |seed| random_bytecode(seed, PROGRAMS);
        let mut programs = files("builds", "seed_N.py", 1..13, source);
        programs.extend(files("builds", "seed_N.pyc", 1..13, bytecode));
        programs
    };
    for other in [Python::switch(), Python::debug()].into_iter().flatten() {
        in_parallel(programs(), |program| {
            let trace =
                |python: &Python| python.trace(&program.folder, &["-r"], &program.arguments());
            assert_same("-r", trace(&Python::traced()).text(), trace(&other).text());
        });
    }
}
