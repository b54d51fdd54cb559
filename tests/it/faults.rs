//! Belongs here: that nothing recorded is lost, whatever ends the program, the trace or the place
//! that it is written to, and that the program does not notice.

mod crash;
mod disk;
mod endings;
mod fork;
mod kill;
mod limits;
mod threads;
mod unseen;
mod writer;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use integration::{Outcome, Python, trace27, wait_for};

/// The two formats, by the name of the trace.
const FORMATS: [&str; 2] = ["trace.txt", "trace.flow"];

/// A folder with a program and its traces.
struct Scene {
    folder: tempfile::TempDir,
}

impl Scene {
    fn new(program: &str) -> Scene {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("p.py"), program).unwrap();
        Scene { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A command that traces the program to the file of this name.
    fn tracing(&self, options: &[&str], name: &str, arguments: &[&str]) -> Command {
        let rest = [&["p.py"], arguments].concat();
        Python::traced().tracing(self.folder.path(), options, &self.path(name), &rest)
    }

    /// Traces the program to its end.
    fn trace(&self, options: &[&str], name: &str, arguments: &[&str]) -> Outcome {
        Python::traced().finish(&mut self.tracing(options, name, arguments))
    }

    /// Runs the program on plain CPython.
    fn plain(&self, arguments: &[&str]) -> Outcome {
        Python::unpatched().run(self.folder.path(), [&["p.py"], arguments].concat())
    }

    /// What a trace says once its writer is done with it, as text.
    fn text(&self, name: &str) -> Vec<u8> {
        text(&self.path(name))
    }

    /// The names of all files but the program, in order.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name != "p.py").collect();
        names.sort();
        names
    }
}

/// What a trace or a recording says once its writer is done with it, as text.
fn text(file: &Path) -> Vec<u8> {
    wait_for(file);
    if file.to_str().unwrap().contains(".flow") {
        let expanded = trace27(["expand".as_ref(), file.as_os_str()]);
        assert_eq!(expanded.status, 0, "{}: {}", file.display(), expanded.text());
        return expanded.output;
    }
    if file.extension().is_some_and(|extension| extension == "zst") {
        return unpacked(file);
    }
    fs::read(file).unwrap()
}

/// The text of a compressed trace that is whole.
fn unpacked(file: &Path) -> Vec<u8> {
    let text = trace27(["convert", "--to", "blog", file.to_str().unwrap(), "-"]);
    assert_eq!(text.status, 0, "{}: {}", file.display(), text.text());
    text.output
}

/// Panics unless `cut` is the beginning of `whole`, up to the end of a line.
fn assert_begins(what: &str, whole: &[u8], cut: &[u8]) {
    if !whole.starts_with(cut) {
        let same = whole.iter().zip(cut).take_while(|(left, right)| left == right).count();
        let start = cut[..same].iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let show = |text: &[u8]| {
            let rest = &text[start..text.len().min(start + 300)];
            String::from_utf8_lossy(rest).into_owned()
        };
        panic!(
            "{what}: of {} bytes {same} are right; then\n{}--- in place of\n{}",
            cut.len(),
            show(cut),
            show(whole)
        );
    }
    assert!(cut.is_empty() || cut.ends_with(b"\n"), "{what}: it ends inside a line");
}

/// Where the lines end that start with `call` and name a `CALL_FUNCTION`.
fn calls(text: &[u8], function: &str) -> Vec<usize> {
    let start = format!("{function}> ");
    let mut at = 0;
    let mut ends = Vec::new();
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        at += line.len();
        let is_call = line
            .windows(15)
            .any(|window| window == b" CALL_FUNCTION_" || window == b" CALL_FUNCTION ");
        if line.starts_with(start.as_bytes()) && is_call {
            ends.push(at);
        }
    }
    ends
}

/// The lines of these functions.
fn lines_of(text: &[u8], functions: &[&str]) -> Vec<u8> {
    let lines = text.split_inclusive(|&byte| byte == b'\n');
    let starts: Vec<String> = functions.iter().map(|name| format!("{name}> ")).collect();
    let wanted = |line: &&[u8]| starts.iter().any(|start| line.starts_with(start.as_bytes()));
    lines.filter(wanted).collect::<Vec<_>>().concat()
}

/// The one line on standard error that says why the tracing ended.
fn assert_told_once(outcome: &Outcome, reason: &str) {
    let errors = String::from_utf8_lossy(&outcome.errors);
    assert_eq!(
        errors,
        format!("python27-traced: {reason}; tracing ends here, the program goes on\n"),
        "{}",
        outcome.text()
    );
}
