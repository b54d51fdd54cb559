//! Processes played by shell scripts, and how to know that they are gone.
//!
//! A process proves that it lives by holding the canary open, a FIFO: reading it to its end
//! waits for all of them to be gone.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use tempfile::TempDir;
use trace27::lockstep::{Plan, Session, Source, Trace};

pub const TRACE27: &str = env!("CARGO_BIN_EXE_trace27");

/// For a process that should have ended long ago; a failure, not a pace.
const FAR_TOO_LONG: Duration = Duration::from_secs(120);

/// What a process does that never ends on its own and writes nothing.
pub const HANG: &str = "exec tail -f /dev/null";

pub struct Stage {
    pub folder: TempDir,
}

impl Stage {
    pub fn new() -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let made = Command::new("mkfifo").arg(folder.path().join("canary")).status().unwrap();
        assert!(made.success());
        fs::write(folder.path().join("program.py"), "").unwrap();
        Stage { folder }
    }

    /// Script: `$1` is the program, `$2` the trace to write, `$canary` the canary.
    pub fn script(&self, name: &str, script: &str) -> OsString {
        let path = self.folder.path().join(name);
        let canary = self.folder.path().join("canary");
        fs::write(&path, format!("canary='{}'\n{script}\n", canary.display())).unwrap();
        path.into()
    }

    pub fn plan(&self, traced: &str, emulator: &str, source: Source) -> Plan {
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

    pub fn start(&self, traced: &str, emulator: &str) -> (Session, [Trace; 2]) {
        start(&self.plan(traced, emulator, Source::Stdout))
    }

    /// Opens the canary and waits until `count` processes have written a line each to it.
    pub fn singing(&self, count: usize) -> (Vec<String>, Canary) {
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

pub struct Canary(BufReader<File>);

impl Canary {
    /// Waits until nobody holds it open.
    pub fn dies(mut self) {
        soon(move || self.0.read_to_end(&mut Vec::new()).unwrap());
    }
}

pub fn start(plan: &Plan) -> (Session, [Trace; 2]) {
    Session::start(plan, Path::new(TRACE27)).unwrap()
}

/// What `work` gives, which must not take forever.
pub fn soon<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || send.send(work()));
    receive.recv_timeout(FAR_TOO_LONG).expect("it should have ended long ago")
}

pub fn text(mut trace: Trace) -> String {
    soon(move || {
        let mut text = String::new();
        trace.read_to_string(&mut text).unwrap();
        text
    })
}
