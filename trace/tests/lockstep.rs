//! Belongs here: processes in lockstep, played by shell scripts: that their traces arrive, and that
//! nothing of them is left, whatever ends the session.
//!
//! A process proves that it lives by holding the canary open, a FIFO: reading it to its end
//! waits for all of them to be gone.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test says with it what must be")]

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use tempfile::TempDir;
use trace::lockstep::{Plan, Session, Source, Trace};

/// For a process that should have ended long ago; a failure, not a pace.
const FAR_TOO_LONG: Duration = Duration::from_secs(120);

/// What a process does that never ends by itself and writes nothing.
const HANG: &str = "exec tail -f /dev/null";

struct Stage {
    folder: TempDir,
}

impl Stage {
    fn new() -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let made = Command::new("mkfifo").arg(folder.path().join("canary")).status().unwrap();
        assert!(made.success());
        fs::write(folder.path().join("program.py"), "").unwrap();
        Stage { folder }
    }

    /// Script: `$1` is the program, `$2` the trace to write, `$canary` the canary.
    fn script(&self, name: &str, script: &str) -> OsString {
        let path = self.folder.path().join(name);
        let canary = self.folder.path().join("canary");
        fs::write(&path, format!("canary='{}'\n{script}\n", canary.display())).unwrap();
        path.into()
    }

    fn plan(&self, traced: &str, emulator: &str, source: Source) -> Plan {
        let emulator = self.script("emulator.sh", emulator);
        Plan {
            program: self.folder.path().join("program.py"),
            arguments: vec!["argument".into()],
            input: None,
            python: "/bin/sh".into(),
            tracer: self.script("tracer.sh", traced).into(),
            resolve: false,
            emulator: vec!["/bin/sh".into(), emulator],
            source,
            patience: FAR_TOO_LONG,
        }
    }

    fn start(&self, traced: &str, emulator: &str) -> (Session, [Trace; 2]) {
        start(&self.plan(traced, emulator, Source::Stdout))
    }

    /// Opens the canary and waits until `count` processes have written a line each to it.
    fn singing(&self, count: usize) -> (Vec<String>, Canary) {
        let path = self.folder.path().join("canary");
        soon(move || {
            let mut canary = BufReader::new(File::open(path).unwrap());
            let mut lines = vec![String::new(); count];
            for line in &mut lines {
                canary.read_line(line).unwrap();
            }
            (lines, Canary(canary))
        })
    }
}

struct Canary(BufReader<File>);

impl Canary {
    /// Waits until nobody holds it open.
    fn dies(mut self) {
        soon(move || self.0.read_to_end(&mut Vec::new()).unwrap());
    }
}

fn start(plan: &Plan) -> (Session, [Trace; 2]) {
    Session::start(plan, Path::new(env!("CARGO_BIN_EXE_trace27"))).unwrap()
}

/// What `work` gives, which must not take forever.
fn soon<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || send.send(work()));
    receive.recv_timeout(FAR_TOO_LONG).expect("it should have ended long ago")
}

fn text(mut trace: Trace) -> String {
    soon(move || {
        let mut text = String::new();
        trace.read_to_string(&mut text).unwrap();
        text
    })
}

#[test]
fn both_traces_arrive_whole_and_the_ends_are_told() {
    let stage = Stage::new();
    let (session, [left, right]) = stage.start(
        "echo \"$1 $3\"; echo traced > \"$2\"; cat >> \"$2\"; echo last words >&2; exit 3",
        "echo emulated; echo complaint >&2; kill -9 $$",
    );
    assert_eq!(text(left), "traced\n");
    assert_eq!(text(right), "emulated\n");
    let [traced, emulator] = soon(move || session.stop());
    assert_eq!(traced.status.as_deref(), Some("exit status: 3"));
    assert_eq!(traced.errors, b"last words\n");
    assert_eq!(emulator.status.as_deref(), Some("signal: 9 (SIGKILL)"));
    assert_eq!(emulator.errors, b"complaint\n");
}

#[test]
fn a_trace_comes_from_standard_error_or_from_a_file_named_in_the_command() {
    let stage = Stage::new();
    let script = "echo out; echo err >&2; [ -z \"$1\" ] || echo file > \"$1\"";
    let mut plan = stage.plan("echo traced > \"$2\"", script, Source::Stderr);
    assert_eq!(text(start(&plan).1.into_iter().nth(1).unwrap()), "err\n");
    plan.emulator.push("{trace}".into());
    assert_eq!(text(start(&plan).1.into_iter().nth(1).unwrap()), "file\n");
}

#[test]
fn a_process_that_writes_no_trace_ends_it_by_ending() {
    let stage = Stage::new();
    let (_session, [left, right]) = stage.start("exit 2", "exit 0");
    assert_eq!((text(left).as_str(), text(right).as_str()), ("", ""));
}

#[test]
fn endless_writers_are_ended() {
    let stage = Stage::new();
    let endless = "exec 9> \"$canary\"; echo up >&9; while :; do echo step; done";
    let (session, traces) = stage.start(&format!("exec > \"$2\"; {endless}"), endless);
    let (_, canary) = stage.singing(2);
    for trace in traces {
        let mut lines = BufReader::new(trace).lines().map(Result::unwrap);
        // Dropped then, which ends no writer: only the session's end does.
        assert!(soon(move || lines.by_ref().take(10_000).all(|line| line == "step")));
    }
    let ends = soon(move || session.stop());
    assert!(ends.iter().all(|end| end.status.is_none()), "{ends:?}");
    canary.dies();
}

/// Children in the background, in the process group and out of it, of a parent that lives and of
/// one that does not.
#[test]
fn what_they_have_started_is_ended_too() {
    let stage = Stage::new();
    let escape = if cfg!(target_os = "linux") { "setsid" } else { "" };
    // It goes when its child has escaped. The folder of the FIFO is removed with all in it.
    let orphan = format!(
        "exec 9> \"$canary\" > \"$2\"; mkfifo \"$2.up\"; \
         {escape} sh -c 'echo up >&9; : > \"$1.up\"; {HANG}' sh \"$2\" & cat \"$2.up\""
    );
    let family = format!(
        "exec 9> \"$canary\"; echo step; echo up >&9; (echo up >&9; {HANG}) & \
         {escape} sh -c '(echo up >&9; {HANG}) & echo up >&9; {HANG}' & {HANG}"
    );
    let (session, [left, _right]) = stage.start(&orphan, &family);
    let (_, canary) = stage.singing(5);
    // The trace is over with its process, though its child holds it open.
    assert_eq!(text(left), "");
    let [traced, emulator] = soon(move || session.stop());
    assert_eq!((traced.status.as_deref(), emulator.status), (Some("exit status: 0"), None));
    canary.dies();
}

#[test]
fn a_panic_ends_them() {
    let stage = Stage::new();
    let hang = format!("exec 9> \"$canary\"; echo up >&9; {HANG}");
    let session = stage.start(&hang, &hang);
    let (_, canary) = stage.singing(2);
    let panicked = catch_unwind(AssertUnwindSafe(move || {
        let _session = session;
        std::panic::resume_unwind(Box::new(()));
    }));
    assert!(panicked.is_err());
    canary.dies();
}

#[cfg(target_os = "linux")]
#[test]
fn the_end_of_the_warden_ends_them() {
    let stage = Stage::new();
    let hang = format!("exec 9> \"$canary\"; echo $PPID >&9; {HANG}");
    let (_session, [left, right]) = stage.start(&hang, &hang);
    let (lines, canary) = stage.singing(2);
    assert_eq!(lines[0], lines[1]);
    assert!(Command::new("kill").args(["-9", lines[0].trim()]).status().unwrap().success());
    canary.dies();
    assert_eq!((text(left).as_str(), text(right).as_str()), ("", ""));
}

#[test]
fn what_cannot_be_started_is_named_and_the_other_ended() {
    let stage = Stage::new();
    let hang = format!("exec 9> \"$canary\"; {HANG}");
    let mut plan = stage.plan(&hang, "", Source::Stdout);
    plan.emulator = vec!["/no/such/emulator".into()];
    let error = Session::start(&plan, Path::new(env!("CARGO_BIN_EXE_trace27"))).err().unwrap();
    let message = error.to_string();
    assert!(
        message.starts_with("cannot start the emulator, `/no/such/emulator`: No such file"),
        "{message}"
    );
}

/// No folder of FIFOs is left either.
#[test]
fn nothing_is_left_on_disk() {
    let stage = Stage::new();
    let temporary = tempfile::tempdir().unwrap();
    let hang = format!("exec 9> \"$canary\"; echo up >&9; {HANG}");
    let plan = stage.plan(&hang, &hang, Source::Stdout);
    let mut trace27 = Command::new(env!("CARGO_BIN_EXE_trace27"))
        .args(["lockstep", "--python=/bin/sh", "--tracer"])
        .arg(&plan.tracer)
        .arg("--")
        .args(&plan.emulator)
        .arg(&plan.program)
        .env("TMPDIR", temporary.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let (_, canary) = stage.singing(2);
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 1);
    // SIGKILL: it can clean up nothing itself.
    trace27.kill().unwrap();
    trace27.wait().unwrap();
    canary.dies();
    // The warden's last deed, after the end of the others; its own end cannot be waited for.
    let path = temporary.path().to_owned();
    soon(move || {
        while fs::read_dir(&path).unwrap().count() > 0 {
            std::thread::yield_now();
        }
    });
}
