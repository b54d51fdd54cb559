//! Belongs here: the programs that are timed, for a figure of something wrong is worth nothing; and
//! what takes their measure.

use std::path::Path;

use integration::{Python, assert_same, in_parallel, project, timed_programs};

#[test]
fn they_print_the_same_everywhere() {
    in_parallel(timed_programs(), |program| {
        let plain = Python::unpatched().run(&program.folder, &program.command);
        let untraced = Python::traced().run(&program.folder, &program.command);
        let traced = Python::traced().trace(&program.folder, &[], &program.arguments()).outcome;
        assert_eq!(plain.status, 0, "{}", plain.text());
        assert!(!plain.output.is_empty(), "{} says nothing of what it computed", program.name());
        assert_eq!(plain.text(), untraced.text());
        assert_eq!(plain.text(), traced.text());
    });
}

#[test]
fn their_traces_are_the_oracles() {
    in_parallel(timed_programs(), |program| {
        let ours = Python::traced().trace(&program.folder, &["-r"], &program.arguments());
        let oracle = Python::oracle().trace(&program.folder, &["-r"], &program.arguments());
        assert_same(&program.name(), oracle.text(), ours.text());
    });
}

/// What we are compared with must do all the work: the reference, written for speed, writes what the oracle
/// writes, but for modules that it has imported itself.
#[test]
fn the_reference_writes_all_lines() {
    in_parallel(timed_programs(), |program| {
        // The modules that `reference.py` needs are imported by then.
        if program.command[0] == "big_import.py" {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let trace = folder.path().join("trace.txt");
        let mut command = vec!["reference.py", &program.command[0], trace.to_str().unwrap()];
        command.extend(program.command[1..].iter().map(String::as_str));
        let outcome = Python::oracle().run(&program.folder, command);
        assert_eq!(outcome.status, 0, "{}", outcome.text());
        let ours = Python::traced().trace(&program.folder, &["--blog"], &program.arguments());
        assert_same(&program.name(), &std::fs::read(&trace).unwrap(), ours.text());
    });
}

#[test]
fn the_peak_of_a_command_is_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let python = Python::unpatched();
    let program = "import sys; print 'unheard'; x = 'x' * int(sys.argv[1]); sys.exit(3)";
    let peak = |size: &str| {
        let script = project().join("tests/bench/peak.py");
        let script = script.to_str().unwrap();
        let python = Path::to_str(python.path()).unwrap();
        let command = [script, "no_trace", python, "-c", program, size];
        let outcome = Python::unpatched().run(folder.path(), command);
        assert_eq!(outcome.status, 0, "{}", outcome.text());
        let answer = String::from_utf8(outcome.output).unwrap();
        assert!(answer.contains("\"status\": 768"), "{answer}");
        assert!(answer.contains("\"writer_peak\": null"), "{answer}");
        let (_, rest) = answer.split_once("\"peak\": ").unwrap();
        rest.split([',', '}']).next().unwrap().parse::<u64>().unwrap()
    };
    let (small, large) = (peak("1"), peak("40000000"));
    // 39,062 KiB, and what the peak of so small a process varies by: 380 KiB over eight runs.
    assert!((38_500..42_000).contains(&(large - small)), "{small} {large} KiB");
}

#[test]
fn another_process_that_has_the_trace_open_is_found() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("trace"), "").unwrap();
    let program = "
import os, sys
sys.path.insert(0, sys.argv[1])
import peak
trace, ours = os.path.realpath('trace'), os.getpid()
print list(peak.holders(trace, ()))
held = open(trace)
print list(peak.holders(trace, ())) == [ours], list(peak.holders(trace, (ours,)))
memory, processor = peak.look(ours)
x = 'x' * int('40000000')
print 39000 < peak.look(ours)[0] - memory < 42000, processor >= 0, peak.look(2 ** 30)
";
    let bench = project().join("tests/bench");
    let command = [Path::new("-c"), Path::new(program), &bench];
    let outcome = Python::unpatched().run(folder.path(), command);
    assert_eq!(outcome.text(), "status 0\n--- output\n[]\nTrue []\nTrue True None\n--- errors\n");
}

/// A process that outlives its parent holds the lock, and writes when the parent is gone.
#[test]
fn a_trace_is_finished_when_its_writer_lets_go() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    std::fs::write(&trace, "").unwrap();
    let program = "
import fcntl, os, sys
locked, tell = os.pipe()
parent_is_there, never = os.pipe()
if os.fork() == 0:
    os.close(never)
    trace = os.open(sys.argv[1], os.O_WRONLY)
    fcntl.flock(trace, fcntl.LOCK_EX)
    os.write(tell, 'x')
    os.read(parent_is_there, 1)
    os.write(trace, 'whole')
    os._exit(0)
os.read(locked, 1)
";
    let script = project().join("tests/bench/peak.py");
    let python = Python::unpatched();
    let program = Path::new(program);
    let command = [script.as_path(), &trace, python.path(), Path::new("-c"), program, &trace];
    let outcome = python.run(folder.path(), command);
    assert_eq!(outcome.status, 0, "{}", outcome.text());
    assert_eq!(std::fs::read(&trace).unwrap(), b"whole");
}
