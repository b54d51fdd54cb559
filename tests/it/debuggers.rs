//! Belongs here: users of `sys.settrace`: they work as ever on a traced program, and are traced
//! themselves.

use std::fs;
use std::path::Path;
use std::process::Command;

use integration::{Outcome, Python, assert_same, in_parallel, programs, project};

/// What is debugged.
const PROGRAM: &str = "debugged.py";

/// A folder with the program alone.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let program = project().join("tests/wheels").join(PROGRAM);
    fs::copy(program, folder.path().join(PROGRAM)).unwrap();
    folder
}

/// Runs the same command on plain CPython, on ours, and on ours while it traces; `edit` may add to
/// it. Returns what it did, which must be the same, and the trace.
pub fn same_thrice(
    folder: &Path,
    arguments: &[&str],
    input: &str,
    edit: impl Fn(&mut Command),
) -> (Outcome, String) {
    let trace = tempfile::NamedTempFile::new().unwrap();
    let run = |python: &Python, traced: bool| {
        let mut command = python.command(folder);
        command.args(arguments);
        if traced {
            command.env("PYTHON27_TRACED_FILE", trace.path());
        }
        edit(&mut command);
        python.run_with_input(&mut command, input)
    };
    let plain = run(&Python::unpatched(), false);
    for (which, outcome) in
        [("untraced", run(&Python::traced(), false)), ("traced", run(&Python::traced(), true))]
    {
        assert_eq!(plain.status, outcome.status, "{which}: {}", outcome.text());
        assert_same(&format!("{which}, output"), &plain.output, &outcome.output);
        assert_same(&format!("{which}, errors"), &plain.errors, &outcome.errors);
    }
    let text = String::from_utf8_lossy(&fs::read(trace.path()).unwrap()).into_owned();
    (plain, text)
}

fn shows(outcome: &Outcome, facts: &[&str]) {
    let text = outcome.text();
    for fact in facts {
        assert!(text.contains(fact), "no {fact:?} in {text}");
    }
}

/// The trace function's own instructions, and those of the program that it watches.
fn traced(trace: &str, names: &[&str]) {
    for name in names {
        let line = format!("\n{name}> 0 ");
        assert!(trace.contains(&line), "no `{name}` among {} lines", trace.lines().count());
    }
}

#[test]
fn pdb_with_a_script_on_its_input() {
    let folder = folder();
    let commands = "\
break square, n == 3
continue
where
args
next
print result
up
locals()['total']
step
return
tbreak fragile
clear 1
break debugged.py:99
until
!total = -1
jump 28
continue
";
    let (outcome, trace) = same_thrice(folder.path(), &["-m", "pdb", PROGRAM], commands, |_| {});
    shows(
        &outcome,
        &["status 0", "Breakpoint 1 at ", "(Pdb) n = 3\n", "(Pdb) 9\n", "-> print 'never'\n"],
    );
    traced(&trace, &["trace_dispatch", "user_line", "onecmd", "square", "fragile", "numbers"]);
}

#[test]
fn pdb_after_an_uncaught_exception() {
    let folder = folder();
    let program = "import debugged, pdb, sys\n\
                   try:\n    debugged.square(None)\n\
                   except TypeError:\n    pdb.post_mortem(sys.exc_info()[2])\n";
    let commands = "args\nup\nlist\nquit\n";
    let (outcome, trace) = same_thrice(folder.path(), &["-c", program], commands, |_| {});
    shows(&outcome, &["-> result = n * n", "(Pdb) n = None"]);
    traced(&trace, &["interaction", "square"]);
}

#[test]
fn the_trace_module() {
    let folder = folder();
    let lines = ["-m", "trace", "--trace", "--ignore-dir=/usr", PROGRAM];
    let (outcome, trace) = same_thrice(folder.path(), &lines, "", |_| {});
    shows(&outcome, &["status 0", "debugged.py(5):     result = n * n"]);
    traced(&trace, &["localtrace_trace", "square", "numbers"]);

    let calls = ["-m", "trace", "--listfuncs", "--trackcalls", PROGRAM];
    let (outcome, trace) = same_thrice(folder.path(), &calls, "", |_| {});
    shows(&outcome, &["debugged.main -> debugged.square"]);
    traced(&trace, &["globaltrace_trackcallers", "square"]);
}

#[test]
fn the_trace_module_counts_lines() {
    let folder = folder();
    let count = ["-m", "trace", "--count", "--missing", "--coverdir=cover", PROGRAM];
    let (outcome, trace) = same_thrice(folder.path(), &count, "", |_| {});
    shows(&outcome, &["status 0"]);
    traced(&trace, &["localtrace_count", "square"]);
    let cover = fs::read_to_string(folder.path().join("cover/debugged.cover")).unwrap();
    assert!(cover.contains("    3:     result = n * n\n"), "{cover}");
    assert!(cover.contains(">>>>>>         print 'never'\n"), "{cover}");
}

/// Imports a module of C from a folder, where it is there, then runs a program.
const STEPPED: &str = "import sys\n\
                       file = open(sys.argv[1], 'r+b')\n\
                       execfile(sys.argv[2])\n";

/// While `/proc/self/mem` is open for writing each instruction is recorded individually. What trace
/// functions do must look the same where it is decoded from branches.
#[test]
fn decoded_as_recorded_individually() {
    let python = Python::traced();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("stepped.py"), STEPPED).unwrap();
    let harmless = folder.path().join("file");
    fs::write(&harmless, "").unwrap();
    in_parallel(programs("settrace"), |program| {
        let path = program.folder.join(&program.command[0]);
        let record = |opened: &Path| {
            let rest = ["stepped.py", opened.to_str().unwrap(), path.to_str().unwrap()];
            python.record(folder.path(), &[], &rest, "t.flow")
        };
        let (decoded, stepped) = (record(&harmless), record(Path::new("/proc/self/mem")));
        let size = |file| fs::metadata(file).unwrap().len();
        assert!(size(stepped.file()) > size(decoded.file()), "nothing is recorded individually");
        assert_same("output", &decoded.outcome.output, &stepped.outcome.output);
        for options in [&[][..], &["-r"]] {
            assert_same("trace", &stepped.expand(options), &decoded.expand(options));
        }
    });
}
