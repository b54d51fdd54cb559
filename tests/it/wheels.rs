//! Belongs here: binary wheels that were built for stock CPython 2.7: they load, and do the same on
//! plain CPython, on ours, and on ours while it traces. Needs PyPI.

use std::fs;
use std::path::Path;

use integration::{Outcome, Python, assert_same, project, trace27, wait_for};
use tempfile::TempDir;

use crate::debuggers::same_thrice;

/// Installs a package with our interpreter's pip, as a user would.
fn install(requirement: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Python::traced().command(folder.path());
        let base = folder.path().join("base");
        let output = command.env("PYTHONUSERBASE", base).args(arguments).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
    };
    run(&["-m", "ensurepip", "--user"]);
    // From a wheel or not at all: a build from source would prove less.
    run(&[
        "-m",
        "pip",
        "install",
        "--no-cache-dir",
        "--only-binary=:all:",
        "--target=packages",
        requirement,
    ]);
    folder
}

/// Starts a program of `tests/wheels` with what is installed.
fn same(installed: &Path, arguments: &[&str], variable: (&str, &str)) -> (Outcome, String) {
    let programs = project().join("tests/wheels");
    let packages = installed.join("packages");
    same_thrice(&programs, arguments, "", |command| {
        command.env("PYTHONPATH", &packages).env(variable.0, variable.1);
    })
}

const NOTHING: (&str, &str) = ("UNUSED", "");

fn lines(trace: &str, name: &str) -> usize {
    trace.lines().filter(|line| line.starts_with(&format!("{name}> "))).count()
}

#[test]
fn numpy() {
    let installed = install("numpy==1.16.6");
    let (outcome, trace) = same(installed.path(), &["numpy_smoke.py"], NOTHING);
    let text = outcome.text();
    assert!(text.starts_with("status 0\n--- output\n1.16.6 "), "{text}");
    assert!(text.contains("\nfrom the callback: integer division or modulo by zero\n"), "{text}");
    // Called from C: six times by vectorize, once more to find the type, and so on.
    assert!(lines(&trace, "callback") > 300, "{}", lines(&trace, "callback"));
    assert!(lines(&trace, "__array_finalize__") > 0 && lines(&trace, "__lt__") > 0);
}

#[test]
fn hunter() {
    let installed = install("hunter==3.3.8");
    let (outcome, trace) = same(installed.path(), &["hunter_smoke.py"], NOTHING);
    let text = outcome.text();
    assert!(text.starts_with("status 0\n--- output\nhunter._tracer True\n"), "{text}");
    assert!(text.contains("call      => leaf(n=1)\n"), "{text}");
    assert!(lines(&trace, "leaf") > 0);
    // Its tracer in Python is traced itself.
    let pure = ("PUREPYTHONHUNTER", "1");
    let (outcome, trace) = same(installed.path(), &["hunter_smoke.py"], pure);
    let text = outcome.text();
    assert!(text.starts_with("status 0\n--- output\nhunter.tracer True\n"), "{text}");
    assert!(text.contains("call      => leaf(n=1)\n"), "{text}");
    assert!(lines(&trace, "__call__") > 300, "{}", lines(&trace, "__call__"));
}

#[test]
fn coverage() {
    let installed = install("coverage==5.5");
    let data = installed.path().join("data");
    let file = ("COVERAGE_FILE", data.to_str().unwrap());
    // The tracer in C, then the one in Python.
    for (option, function) in [("--branch", None), ("--timid", Some("_trace"))] {
        let run = ["-m", "coverage", "run", option, "debugged.py"];
        let (outcome, trace) = same(installed.path(), &run, file);
        assert_eq!(outcome.text(), "status 0\n--- output\n110\n--- errors\n");
        assert!(lines(&trace, "square") > 0);
        assert!(function.is_none_or(|name| lines(&trace, name) > 300));
        let report = ["-m", "coverage", "report", "-m"];
        let (outcome, _) = same(installed.path(), &report, file);
        let text = outcome.text();
        assert!(text.contains("debugged.py ") && text.contains("%   28"), "{text}");
    }
}

/// What a program of `tests/wheels` leaves under a tracer with these options.
fn traced(python: &Python, packages: &Path, options: &[&str], rest: &[&str]) -> (Outcome, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let name = if options.contains(&"flow") { "trace.flow" } else { "trace.txt" };
    let file = folder.path().join(name);
    let mut command = python.tracing(&project().join("tests/wheels"), options, &file, rest);
    let outcome = python.finish(command.env("PYTHONPATH", packages));
    wait_for(&file);
    if name == "trace.txt" {
        return (outcome, fs::read(&file).unwrap());
    }
    let expanded = trace27(["expand".as_ref(), "-r".as_ref(), file.as_os_str()]);
    assert_eq!(expanded.status, 0, "{}", expanded.text());
    (outcome, expanded.output)
}

/// The lines of the functions that a program defines.
fn own(text: &[u8], program: &str) -> Vec<u8> {
    let source = fs::read_to_string(project().join("tests/wheels").join(program)).unwrap();
    let functions = source.lines().filter_map(|line| line.trim_start().strip_prefix("def "));
    let names: Vec<String> =
        functions.map(|rest| format!("{}> ", rest.split('(').next().unwrap())).collect();
    assert!(names.len() > 4, "{names:?}");
    let lines = text.split_inclusive(|&byte| byte == b'\n');
    let is_own = |line: &&[u8]| names.iter().any(|name| line.starts_with(name.as_bytes()));
    lines.filter(is_own).collect::<Vec<_>>().concat()
}

/// Greenlets are followed as they are switched, thrown into, left unfinished and nested.
#[test]
fn greenlets() {
    let installed = install("greenlet==1.1.3");
    let packages = installed.path().join("packages");
    for rest in [&["greenlets.py"][..], &["greenlets.py", "threads"]] {
        let (plain, oracle) = traced(&Python::oracle(), &packages, &["-r"], rest);
        assert_eq!(plain.status, 0, "{}", plain.text());
        for options in
            [&["-r"][..], &["-r", "--threads", "all"], &["-r", "--guard"], &["--format", "flow"]]
        {
            let (outcome, trace) = traced(&Python::traced(), &packages, options, rest);
            assert_eq!(outcome, plain, "{options:?}");
            let (oracle, trace) = (own(&oracle, "greenlets.py"), own(&trace, "greenlets.py"));
            assert_same(&format!("{rest:?} {options:?}"), &oracle, &trace);
        }
    }
}

#[test]
fn gevent() {
    let installed = install("gevent==21.1.2");
    let packages = installed.path().join("packages");
    let (plain, oracle) = traced(&Python::oracle(), &packages, &["-r"], &["gevent_smoke.py"]);
    assert_eq!(plain.status, 0, "{}", plain.text());
    for options in [&["-r"][..], &["--format", "flow"]] {
        let (outcome, trace) = traced(&Python::traced(), &packages, options, &["gevent_smoke.py"]);
        assert_eq!(outcome, plain, "{options:?}");
        let (oracle, trace) = (own(&oracle, "gevent_smoke.py"), own(&trace, "gevent_smoke.py"));
        assert_same(&format!("{options:?}"), &oracle, &trace);
    }
}
