//! Belongs here: `trace27 diff` on traces of real programs, as a user types it.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use integration::{Outcome, Python, in_parallel, programs, project, trace27};

/// A folder with traces.
struct Traces(tempfile::TempDir);

impl Traces {
    fn new() -> Traces {
        Traces(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// Traces a program of the corpus.
    fn trace(&self, name: &str, options: &[&str], program: &str) -> PathBuf {
        let folder = project().join("tests/corpus");
        let traced = Python::traced().trace(&folder, options, &[program]);
        self.write(name, traced.text())
    }
}

fn diff(left: &Path, right: &Path, options: &[&str]) -> Outcome {
    let mut arguments: Vec<std::ffi::OsString> = vec!["diff".into(), left.into(), right.into()];
    arguments.extend(options.iter().map(Into::into));
    trace27(arguments)
}

fn text(outcome: &Outcome) -> String {
    assert!(outcome.errors.is_empty(), "{}", outcome.text());
    String::from_utf8(outcome.output.clone()).unwrap()
}

#[test]
fn two_runs_of_a_program_are_the_same() {
    let chosen = ["closures.py", "import_json_pickle.py", "names_odd.py", "constants_strings.py"];
    let all = programs("").into_iter().filter(|p| chosen.contains(&p.name().as_str())).collect();
    in_parallel(all, |program| {
        let traces = Traces::new();
        let left = traces.trace("left", &["-r"], &program.name());
        let right = traces.trace("right", &["-r"], &program.name());
        let outcome = diff(&left, &right, &[]);
        let counted = trace27(["info".as_ref(), left.as_os_str()]);
        let counted = String::from_utf8(counted.output).unwrap();
        let steps = counted.split(' ').next().unwrap().to_owned();
        assert!(text(&outcome).ends_with(&format!("identical: {steps} steps\n")));
        assert_eq!(outcome.status, 0);
    });
}

/// The blog's tracer leaves out what follows a prefix.
#[test]
fn the_blog_s_omission_is_bridged_and_said_once() {
    let traces = Traces::new();
    for program in ["extended_arg_names.py", "extended_arg_jumps.py", "extended_arg_chained.py"] {
        let whole = traces.trace("whole", &[], program);
        let blog = traces.trace("blog", &["--blog"], program);
        for (left, right, side) in [(&whole, &blog, "right"), (&blog, &whole, "left")] {
            let outcome = diff(left, right, &[]);
            let said = text(&outcome);
            let once = format!("the {side} leaves out the instruction after EXTENDED_ARG: ");
            assert_eq!(said.matches(&once).count(), 1, "{program}: {said}");
            assert_eq!(outcome.status, 0, "{program}: {said}");
        }
    }
}

#[test]
fn numbers_and_meanings_are_compared_as_far_as_they_go() {
    let traces = Traces::new();
    let left = traces.trace("left", &[], "loops.py");
    let right = traces.trace("right", &["-r"], "loops.py");
    let outcome = diff(&left, &right, &[]);
    let said = text(&outcome);
    assert_eq!(outcome.status, 0, "{said}");
    assert!(said.contains("compared: pc, op, code name, operand\n"), "{said}");
}

/// A jump that is decided otherwise, with the program's own code around it.
#[test]
fn a_wrong_branch_is_found_and_shown_in_the_code() {
    let traces = Traces::new();
    let corpus = project().join("tests/corpus");
    let source = traces.write("factorial.py", &fs::read(corpus.join("factorial.py")).unwrap());
    let compile = "import py_compile, sys; py_compile.compile(sys.argv[1], sys.argv[1] + 'c')";
    let folder = traces.0.path();
    let done = Python::unpatched().run(folder, ["-c", compile, source.to_str().unwrap()]);
    assert_eq!(done.status, 0, "{}", done.text());
    let program = source.with_extension("pyc");
    let traced = Python::traced().trace(folder, &["-r"], &[program.to_str().unwrap()]);
    let left = traces.write("left", traced.text());
    let whole = String::from_utf8(traced.text().to_vec()).unwrap();
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let jump = lines.iter().position(|line| line.contains("POP_JUMP_IF_FALSE")).unwrap();
    // The emulator goes on behind the jump where CPython jumps, or the other way about.
    let place = |line: &str| bytecode::text::parse(line.trim_end().as_bytes()).unwrap().offset;
    let (at, went) = (place(lines[jump]), place(lines[jump + 1]));
    let name = lines[jump].split('>').next().unwrap();
    let wrong = format!("{name}> {} NOP\n", if went == at + 3 { at + 9 } else { at + 3 });
    let right = traces.write("right", format!("{}{wrong}", lines[..=jump].concat()).as_bytes());
    let outcome = diff(&left, &right, &["--pyc", program.to_str().unwrap()]);
    assert_eq!(outcome.status, 1);
    let said = text(&outcome);
    assert!(said.contains(&format!("diverge after {} steps in common", jump + 1)), "{said}");
    assert!(said.contains("hint: wrong branch: after POP_JUMP_IF_FALSE at "), "{said}");
    let arrow = said.lines().find(|line| line.trim_start().starts_with("left ->")).unwrap();
    assert!(arrow.contains(&format!(" {went} ")), "{said}");
    let outcome = diff(&left, &right, &["--json"]);
    let said = text(&outcome);
    assert!(said.contains("\"class\": \"wrong-branch\""), "{said}");
    assert!(!said.contains('\u{1b}'), "{said}");
}

#[test]
fn standard_input_and_fifos_are_read() {
    let traces = Traces::new();
    let left = traces.trace("left", &["-r"], "loops.py");
    let trace = fs::read(&left).unwrap();
    let fifo = traces.0.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let mut child = Command::new(project().join("trace27"))
        .args(["diff".as_ref(), "-".as_ref(), fifo.as_os_str()])
        .stdin(fs::File::open(&left).unwrap())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut writer = OpenOptions::new().write(true).open(&fifo).unwrap();
    std::io::Write::write_all(&mut writer, &trace).unwrap();
    drop(writer);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn trouble_names_file_and_line() {
    let traces = Traces::new();
    let left = traces.trace("left", &["-r"], "loops.py");
    let trace = fs::read(&left).unwrap();
    let lines = trace.iter().filter(|&&byte| byte == b'\n').count();
    let cut = traces.write("cut", &trace[..trace.len() - 3]);
    let outcome = diff(&left, &cut, &[]);
    let said = String::from_utf8_lossy(&outcome.errors).into_owned();
    assert_eq!(outcome.status, 2, "{said}");
    assert!(said.contains(&format!("cut`, line {lines} (byte ")), "{said}");
    let missing = traces.0.path().join("missing");
    assert_eq!(diff(&left, &missing, &[]).status, 2);
    let outcome = diff(&left, &left, &["--pyc", left.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&outcome.errors).into_owned();
    assert!(said.contains("byte 0: not a `.pyc` of Python 2.7"), "{said}");
}
