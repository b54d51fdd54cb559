//! One test file in a process of its own: same environment, own temporary folder, bounded in time.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::outcome::{self, Ending, Outcome};

/// How many of the last lines of a test's output, and of its errors, are kept.
const KEPT: usize = 25;

/// An interpreter and how it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// Plain CPython: what the others must be like.
    Unpatched,
    /// Ours, not tracing.
    Untraced,
    /// Ours, with each instruction traced to `/dev/null`, in its children too.
    Traced,
}

/// All of them, the one to compare with first.
pub const WAYS: [Way; 3] = [Way::Unpatched, Way::Untraced, Way::Traced];

impl Way {
    /// The name in reports and in the list of expected differences.
    pub fn name(self) -> &'static str {
        match self {
            Way::Unpatched => "unpatched",
            Way::Untraced => "untraced",
            Way::Traced => "traced",
        }
    }
}

/// The two interpreters that are run in three ways.
#[derive(Clone, Debug)]
pub struct Interpreters {
    /// Plain CPython.
    pub unpatched: PathBuf,
    /// With the hook.
    pub ours: PathBuf,
}

impl Interpreters {
    /// The executable of a way.
    pub fn python(&self, way: Way) -> &Path {
        if way == Way::Unpatched { &self.unpatched } else { &self.ours }
    }
}

/// What came of one test file in one way.
#[derive(Clone, Debug)]
pub struct Run {
    /// What regrtest said.
    pub outcome: Outcome,
    /// The end of its output and of its standard error.
    pub tail: String,
    /// From start to end of the process.
    pub time: Duration,
}

/// The names of all test files, as regrtest itself would run them.
pub fn all_tests(python: &Path) -> Result<Vec<String>> {
    let folder = scratch()?;
    let output = regrtest(python, Way::Unpatched, folder.path(), &["--list-tests"])
        .output()
        .with_context(|| format!("cannot start `{}`", python.display()))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "`{}` cannot list its tests ({}): {errors}",
        python.display(),
        output.status
    );
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().filter(|line| line.starts_with("test_")).map(str::to_owned).collect())
}

/// Runs one test file; what takes longer than `timeout` is ended, its children included.
pub fn test(python: &Path, way: Way, test: &str, timeout: Duration) -> Result<Run> {
    let folder = scratch()?;
    // Apart: what threads say on standard error would tear apart the lines of a buffered output.
    let [output, errors] = ["output", "errors"].map(|name| folder.path().join(name));
    let create = |file: &Path| {
        File::create(file).with_context(|| format!("cannot write `{}`", file.display()))
    };
    let mut command = regrtest(python, way, folder.path(), &["-v", test]);
    command.stdout(create(&output)?).stderr(create(&errors)?);
    let start = Instant::now();
    let child = command.spawn().with_context(|| {
        format!("cannot start {command:?}; `setsid` is in the package util-linux")
    })?;
    let status = wait(child, timeout).with_context(|| format!("cannot wait for {command:?}"))?;
    let time = start.elapsed();
    let (output, errors) = (text(&output)?, text(&errors)?);
    let outcome = match status {
        Some(status) => outcome::read(&output, words(status).as_deref()),
        None => Outcome { ending: Ending::TimedOut, ..outcome::read(&output, None) },
    };
    let mut tail = end(&output);
    if !errors.is_empty() {
        tail = format!("{tail}\nstandard error:\n{}", end(&errors));
    }
    Ok(Run { outcome, tail, time })
}

fn text(file: &Path) -> Result<String> {
    let bytes = fs::read(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The last lines.
fn end(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(KEPT)..].join("\n")
}

fn scratch() -> Result<tempfile::TempDir> {
    tempfile::Builder::new().prefix("regrtest-").tempdir().context("cannot make a temporary folder")
}

/// A process in a session of its own, without a terminal; and not the session's leader, for
/// which a pseudo-terminal that a test opens would become the controlling one.
fn regrtest(python: &Path, way: Way, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("setsid");
    command.args(["sh", "-c", "\"$@\"; exit $?", "sh"]).arg(python);
    command.args(["-m", "test.regrtest"]).args(arguments);
    command.current_dir(folder).stdin(Stdio::null()).env_clear();
    let path = std::env::var_os("PATH").unwrap_or_default();
    for (name, value) in [
        ("PATH", path.as_os_str()),
        ("HOME", folder.as_os_str()),
        ("TMPDIR", folder.as_os_str()),
        ("LC_ALL", OsStr::new("C")),
    ] {
        command.env(name, value);
    }
    if way == Way::Traced {
        command.env("PYTHON27_TRACED_FILE", "/dev/null").env("PYTHON27_TRACED_OPTIONS", "inherit");
    }
    command
}

/// The status; `None` if the time was over, with all of the session's first group killed.
fn wait(mut child: Child, timeout: Duration) -> Result<Option<ExitStatus>> {
    let group = child.id();
    let (ended, end) = channel::<()>();
    let watch = thread::spawn(move || {
        let late = end.recv_timeout(timeout) == Err(RecvTimeoutError::Timeout);
        if late {
            // A group that is gone by now needs no killing.
            let kill = format!("kill -s KILL -- -{group}");
            let _ = Command::new("sh").args(["-c", &kill]).stderr(Stdio::null()).status();
        }
        late
    });
    let status = child.wait()?;
    drop(ended);
    let late = watch.join().expect("the watch does not panic");
    Ok((!late).then_some(status))
}

/// What a status other than 0 says, a signal by way of the shell included.
fn words(status: ExitStatus) -> Option<String> {
    match (status.code(), status.signal()) {
        (Some(0), _) => None,
        (Some(code @ 129..=192), _) => Some(format!("signal {}", code - 128)),
        (Some(code), _) => Some(format!("status {code}")),
        (None, signal) => Some(format!("signal {}", signal.unwrap_or_default())),
    }
}
