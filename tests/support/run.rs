//! Runs interpreters as a user would, and keeps what came of it.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// An interpreter that `cargo xtask test` has built, and how it traces.
#[derive(Clone, Debug)]
pub struct Python {
    path: PathBuf,
    tracer: PathBuf,
}

/// What a process left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The exit status; the number of the signal, negative, where one ended it.
    pub status: i32,
    /// Standard output.
    pub output: Vec<u8>,
    /// Standard error.
    pub errors: Vec<u8>,
}

/// What a traced run left.
#[derive(Clone, Debug)]
pub struct Traced {
    /// What the process left.
    pub outcome: Outcome,
    /// The trace; `None` if no file was written.
    pub trace: Option<Vec<u8>>,
}

impl Traced {
    /// The trace of a run that must have written one.
    pub fn text(&self) -> &[u8] {
        self.trace.as_deref().unwrap_or_else(|| panic!("no trace: {:?}", self.outcome.text()))
    }
}

impl Outcome {
    /// All of it, for a message.
    pub fn text(&self) -> String {
        format!(
            "status {}\n--- output\n{}--- errors\n{}",
            self.status,
            String::from_utf8_lossy(&self.output),
            String::from_utf8_lossy(&self.errors)
        )
    }
}

impl Python {
    /// The interpreter that users get.
    pub fn traced() -> Python {
        Python::named("INTEGRATION_TRACED", "tracer.py")
    }

    /// The one in which a Python function traces each instruction.
    pub fn oracle() -> Python {
        Python::named("INTEGRATION_ORACLE", "tests/oracle/tracer.py")
    }

    /// Plain CPython.
    pub fn unpatched() -> Python {
        Python::named("INTEGRATION_UNPATCHED", "tracer.py")
    }

    /// Traced, with a `switch` in place of computed gotos.
    pub fn switch() -> Option<Python> {
        Python::optional("INTEGRATION_SWITCH")
    }

    /// Traced, with Py_DEBUG.
    pub fn debug() -> Option<Python> {
        Python::optional("INTEGRATION_DEBUG")
    }

    fn named(variable: &str, tracer: &str) -> Python {
        let path = env::var_os(variable)
            .unwrap_or_else(|| panic!("`{variable}` is not set; run `cargo xtask test`"));
        Python { path: path.into(), tracer: project().join(tracer) }
    }

    /// `cargo xtask test --quick` does without it, and says so.
    fn optional(variable: &str) -> Option<Python> {
        if env::var_os(variable).is_none() {
            assert!(env::var_os("CI").is_none(), "`{variable}` is not set, and CI skips nothing");
            eprintln!("skipped: `{variable}` is not set; run `cargo xtask test` without `--quick`");
            return None;
        }
        Some(Python::named(variable, "tracer.py"))
    }

    /// The executable.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A command in `folder` that starts the interpreter and leaves no `.pyc` behind.
    pub fn command(&self, folder: &Path) -> Command {
        let mut command = Command::new(&self.path);
        command.current_dir(folder).env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::null());
        for variable in [
            "PYTHONPATH",
            "PYTHONHASHSEED",
            "PYTHONSTARTUP",
            "PYTHONIOENCODING",
            "PYTHONUNBUFFERED",
        ] {
            command.env_remove(variable);
        }
        command
    }

    /// Runs the interpreter with these arguments.
    pub fn run<A: AsRef<OsStr>>(
        &self,
        folder: &Path,
        arguments: impl IntoIterator<Item = A>,
    ) -> Outcome {
        self.finish(self.command(folder).args(arguments))
    }

    /// Runs one of its commands to the end.
    pub fn finish(&self, command: &mut Command) -> Outcome {
        self.masked(finish(command))
    }

    /// Runs a command of [`Python::command`], with this on its standard input.
    pub fn run_with_input(&self, command: &mut Command, input: &str) -> Outcome {
        let mut file = tempfile::tempfile().expect("a temporary file can be made");
        file.write_all(input.as_bytes()).expect("a temporary file can be written");
        file.rewind().expect("a temporary file can be read");
        self.masked(finish(command.stdin(file)))
    }

    /// Hides the folder that it is installed in, which each interpreter has for itself.
    pub fn masked(&self, outcome: Outcome) -> Outcome {
        let Outcome { status, output, errors } = outcome;
        Outcome { status, output: self.mask(&output), errors: self.mask(&errors) }
    }

    /// Without what differs from one place to another.
    pub fn mask(&self, text: &[u8]) -> Vec<u8> {
        let prefix = self.path.ancestors().nth(2).expect("it is in the `bin` of its prefix");
        let prefix = prefix.as_os_str().as_encoded_bytes();
        let mut masked = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = find(rest, prefix) {
            masked.extend_from_slice(&rest[..at]);
            masked.extend_from_slice(b"PREFIX");
            rest = &rest[at + prefix.len()..];
        }
        masked.extend_from_slice(rest);
        masked
    }

    /// A command that traces a program to a file: `options` are the tracer's, `rest` the program
    /// and its arguments.
    pub fn tracing(&self, folder: &Path, options: &[&str], file: &Path, rest: &[&str]) -> Command {
        let (program, arguments) = rest.split_first().expect("there is a program");
        let mut command = self.command(folder);
        command.arg(&self.tracer).args(options).arg(program).arg(file).args(arguments);
        command
    }

    /// Traces a program: `options` are the tracer's, `rest` the program and its arguments.
    pub fn trace(&self, folder: &Path, options: &[&str], rest: &[&str]) -> Traced {
        let scratch = tempfile::tempdir().expect("a temporary folder can be made");
        let file = scratch.path().join("trace.txt");
        let mut command = self.tracing(folder, options, &file, rest);
        let outcome = self.finish(&mut command);
        if file.is_file() {
            wait_for(&file);
        }
        Traced { outcome, trace: fs::read(&file).ok().map(|text| self.mask(&text)) }
    }

    /// Records a program to a file of this name.
    pub fn record(
        &self,
        folder: &Path,
        options: &[&str],
        rest: &[&str],
        name: &'static str,
    ) -> Recorded {
        let scratch = tempfile::tempdir().expect("a temporary folder can be made");
        let file = scratch.path().join(name);
        let mut command = self.tracing(folder, options, &file, rest);
        let outcome = self.finish(&mut command);
        if file.is_file() {
            wait_for(&file);
        }
        Recorded { outcome, folder: scratch, name, prefix: self.clone() }
    }
}

/// A recording, and what the recorded run left.
#[derive(Debug)]
pub struct Recorded {
    /// What the process left.
    pub outcome: Outcome,
    folder: tempfile::TempDir,
    name: &'static str,
    prefix: Python,
}

impl Recorded {
    /// The file.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join(self.name)
    }

    /// What `trace27 expand` makes of it; it must succeed.
    pub fn expand(&self, options: &[&str]) -> Vec<u8> {
        let mut command = Command::new(project().join("trace27"));
        command.arg("expand").args(options).arg(self.file()).stdin(Stdio::null());
        let outcome = finish(&mut command);
        assert_eq!(outcome.status, 0, "{}\n{}", self.outcome.text(), outcome.text());
        self.prefix.mask(&outcome.output)
    }
}

/// Waits until the writer of a trace is done with it: the writer outlives a program that is
/// killed.
pub fn wait_for(file: &Path) {
    let opened = fs::File::open(file)
        .unwrap_or_else(|error| panic!("cannot open `{}`: {error}", file.display()));
    opened.lock_shared().expect("a file can be locked");
}

/// Runs `trace27`.
pub fn trace27<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Outcome {
    finish(Command::new(project().join("trace27")).args(arguments).stdin(Stdio::null()))
}

/// The project's folder.
pub fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are inside the project")
}

/// Where `wanted` first is in `text`.
fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    let mut from = 0;
    // Most bytes are not the first one: looking for that alone is many times faster.
    while let Some(at) = text[from..].iter().position(|byte| *byte == wanted[0]) {
        if text[from + at..].starts_with(wanted) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

fn finish(command: &mut Command) -> Outcome {
    let output = command.output();
    output.unwrap_or_else(|error| panic!("cannot start {command:?}: {error}")).into()
}

impl From<Output> for Outcome {
    fn from(Output { status, stdout, stderr }: Output) -> Outcome {
        use std::os::unix::process::ExitStatusExt;
        let signal = status.signal().map(|signal| -signal);
        let status = status.code().or(signal).expect("a process ends by exit or by a signal");
        Outcome { status, output: stdout, errors: stderr }
    }
}
