//! What to run: the program, the traced interpreter, the emulator and where its trace comes from.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Start;

/// In the emulator's arguments: the file to write the trace to.
const PLACEHOLDER: &[u8] = b"{trace}";

/// The first two bytes of a `.pyc` of 2.7 (62211) and the line end behind them (Python/import.c).
const MAGIC: &[u8; 4] = b"\x03\xf3\r\n";

/// What to run side by side.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The program to trace.
    pub program: PathBuf,
    /// The program's own arguments.
    pub arguments: Vec<OsString>,
    /// What both programs read from standard input; nothing if `None`.
    pub input: Option<PathBuf>,
    /// The traced interpreter.
    pub python: PathBuf,
    /// `tracer.py`
    pub tracer: PathBuf,
    /// Whether the traced interpreter writes what operands mean in place of their numbers.
    pub resolve: bool,
    /// The emulator's command. `{trace}` in it stands for a file to write the trace to.
    pub emulator: Vec<OsString>,
    /// Where the emulator's trace comes from if its command has no `{trace}`.
    pub source: Source,
    /// How long to wait for a process that writes nothing, before its trace is taken as ended.
    pub patience: Duration,
}

/// A stream that carries an emulator's trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Source {
    /// Standard output
    #[default]
    Stdout,
    /// Standard error
    Stderr,
}

impl Plan {
    /// The two processes, with FIFOs in `folder` for all that is read of them.
    pub(super) fn commands(&self, folder: &Path) -> [Start; 2] {
        let null = PathBuf::from("/dev/null");
        let input = self.input.clone().unwrap_or_else(|| null.clone());
        let [trace, emulated] = ["trace", "emulated"].map(|name| folder.join(name));
        let [errors, complaints] = ["errors", "complaints"].map(|name| folder.join(name));

        let mut command: Vec<OsString> =
            vec![self.python.clone().into(), self.tracer.clone().into()];
        command.extend(self.resolve.then(|| "-r".into()));
        // A name such as `-v.py` is no option.
        let dashed = self.program.as_os_str().as_bytes().starts_with(b"-");
        let program =
            if dashed { Path::new(".").join(&self.program) } else { self.program.clone() };
        command.extend([program.into(), trace.clone().into()]);
        command.extend(self.arguments.iter().cloned());
        let traced = Start { input: input.clone(), output: null.clone(), errors, trace, command };

        let named = self.emulator.iter().any(|argument| find(argument.as_bytes()).is_some());
        let with_path = |argument: &OsString| fill(argument, &emulated);
        let command = self.emulator.iter().map(with_path).collect();
        let (output, errors) = match self.source {
            _ if named => (null, complaints),
            Source::Stdout => (emulated.clone(), complaints),
            Source::Stderr => (null, emulated.clone()),
        };
        [traced, Start { input, output, errors, trace: emulated, command }]
    }
}

fn find(argument: &[u8]) -> Option<usize> {
    argument.windows(PLACEHOLDER.len()).position(|window| window == PLACEHOLDER)
}

fn fill(argument: &OsStr, path: &Path) -> OsString {
    let mut filled = Vec::new();
    let mut rest = argument.as_bytes();
    while let Some(at) = find(rest) {
        filled.extend_from_slice(&rest[..at]);
        filled.extend_from_slice(path.as_os_str().as_bytes());
        rest = &rest[at + PLACEHOLDER.len()..];
    }
    filled.extend_from_slice(rest);
    OsString::from_vec(filled)
}

/// The program in an emulator's command, and the arguments behind it: `named`, or the first
/// argument that names a `.pyc` of 2.7, or else the last that names a `.py` file. `{trace}` is no
/// argument of the program's.
pub(crate) fn find_program(
    emulator: &[OsString],
    named: Option<&Path>,
) -> Option<(PathBuf, Vec<OsString>)> {
    let arguments = emulator.get(1..)?;
    let found = |at: usize| {
        // Where the trace goes is no matter of the program's.
        let own = arguments[at + 1..].iter().filter(|word| find(word.as_bytes()).is_none());
        (PathBuf::from(&arguments[at]), own.cloned().collect())
    };
    if let Some(named) = named {
        return arguments.iter().position(|argument| argument == named).map(found);
    }
    let compiled = arguments.iter().position(|argument| is_compiled(Path::new(argument)));
    let is_source = |argument: &OsString| {
        let path = Path::new(argument);
        path.extension() == Some(OsStr::new("py")) && path.is_file()
    };
    compiled.or_else(|| arguments.iter().rposition(is_source)).map(found)
}

/// Whether a file starts as a `.pyc` of 2.7 does.
pub(crate) fn is_compiled(path: &Path) -> bool {
    // A FIFO would have to be opened to find out, and then the emulator would miss its beginning.
    if !path.is_file() {
        return false;
    }
    let mut magic = [0; 4];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut magic));
    read.is_ok() && magic == *MAGIC
}

/// The traced interpreter and its `tracer.py`: in a folder above `trace27`, or in this one.
pub(crate) fn find_python(trace27: &Path) -> Option<(PathBuf, PathBuf)> {
    let mut folders: Vec<PathBuf> = trace27.ancestors().skip(1).map(Path::to_owned).collect();
    folders.extend(env::current_dir());
    folders.into_iter().find_map(|folder| {
        let (python, tracer) = (folder.join("python27-traced"), folder.join("tracer.py"));
        (python.is_file() && tracer.is_file()).then_some((python, tracer))
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn words(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    fn plan(emulator: &[&str]) -> Plan {
        Plan {
            program: "-p.pyc".into(),
            arguments: words(&["{trace}"]),
            input: None,
            python: "python".into(),
            tracer: "tracer.py".into(),
            resolve: true,
            emulator: words(emulator),
            source: Source::Stderr,
            patience: Duration::ZERO,
        }
    }

    #[test]
    fn the_place_of_the_trace_is_filled_in_for_the_emulator_only() {
        let [traced, emulator] =
            plan(&["emulator", "--log={trace}", "p.pyc", "{}"]).commands(Path::new("dir"));
        let wanted = ["python", "tracer.py", "-r", "./-p.pyc", "dir/trace", "{trace}"];
        assert_eq!(traced.command, words(&wanted));
        let wanted = ["emulator", "--log=dir/emulated", "p.pyc", "{}"];
        assert_eq!(emulator.command, words(&wanted));
        assert_eq!(emulator.errors, Path::new("dir/complaints"));
    }

    #[test]
    fn without_that_place_a_stream_carries_the_trace() {
        let [_, emulator] = plan(&["emulator"]).commands(Path::new("dir"));
        assert_eq!((&emulator.errors, &emulator.trace), (&emulator.trace, &emulator.errors));
        assert_eq!(emulator.output, Path::new("/dev/null"));
    }

    #[test]
    fn the_program_is_the_first_compiled_or_the_last_source() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).into_os_string();
        for (name, text) in [("a.py", &b""[..]), ("b.py", b""), ("c", b"\x03\xf3\r\n")] {
            fs::write(path(name), text).unwrap();
        }
        let paths = |names: &[&str]| names.iter().map(|name| path(name)).collect::<Vec<_>>();
        let find = |names: &[&str]| find_program(&paths(names), None);
        let found = |name, rest: &[&str]| {
            Some((PathBuf::from(path(name)), rest.iter().map(|name| path(name)).collect()))
        };
        assert_eq!(find(&["c", "a.py", "c", "b.py", "x"]), found("c", &["b.py", "x"]));
        assert_eq!(find(&["c", "a.py", "b.py", "x", "{trace}"]), found("b.py", &["x"]));
        assert_eq!(find(&["c", "x.py"]), None);
        assert_eq!(find_program(&[], None), None);
        let named = |names: &[&str]| find_program(&paths(names), Some(Path::new(&path("b.py"))));
        assert_eq!(named(&["a.py", "b.py", "c"]), found("b.py", &["c"]));
        assert_eq!(named(&["a.py", "c"]), None);
    }
}
