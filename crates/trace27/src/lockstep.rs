//! Runs a program on the traced interpreter and on an emulator at once, and hands out both traces
//! as they grow.
//!
//! Nothing is stored: traces go through FIFOs. Nothing outlives a session: a process of our own,
//! the supervisor, starts the two and alone knows them; it ends them, and whatever they have
//! started, when the session is dropped, panics, is interrupted or killed. What the traces say is
//! for `formats` and `diff`; which program and interpreter to take, for `plan`.

mod channel;
mod plan;
mod supervisor;
mod tail;

pub use plan::{Plan, Source};
pub(crate) use plan::{find_program, find_python, is_compiled};
pub use supervisor::supervise;

use std::error::Error;
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, PipeWriter, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use channel::Channel;
use tail::Tail;

/// A trace that another process is writing.
pub type Trace = Box<dyn Read + Send>;

/// How the names of the two begin in messages, in the order of everything that comes in pairs.
pub const SIDES: [&str; 2] = ["the traced interpreter", "the emulator"];

/// Two processes running side by side. Dropping it ends both.
#[derive(Debug)]
pub struct Session {
    supervisor: Child,
    /// The supervisor ends everything when this is closed, by whatever closes it.
    lifeline: Option<ChildStdin>,
    ends: Receiver<(usize, String)>,
    errors: [Option<Tail>; 2],
    hangs: [Arc<AtomicBool>; 2],
    #[expect(dead_code, reason = "who writes to a FIFO that nobody has open is ended by that")]
    held: Vec<File>,
    /// Kept for the case that the supervisor does not come to remove it.
    folder: PathBuf,
}

/// How a process ended, as far as it has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct End {
    /// For people: `exit status: 1`. `None` if we ended it.
    pub status: Option<String>,
    /// Whether it wrote nothing for longer than [`Plan::patience`] while we waited for it.
    pub hangs: bool,
    /// The last that it wrote to its standard error, if that is not where its trace goes.
    pub errors: Vec<u8>,
}

/// Why two processes could not be run side by side.
#[derive(Debug)]
pub struct LockstepError {
    what: String,
    cause: Option<io::Error>,
}

impl Session {
    /// Starts the traced interpreter and the emulator. `trace27` is this very program, which
    /// runs again as the supervisor, by its command `lockstep-supervisor`.
    ///
    /// The traces come in the order of [`SIDES`]; each must be read, or its writer waits. They
    /// end when their process has, even if others hold them open.
    ///
    /// # Errors
    ///
    /// A command or file that does not exist or may not be run, and no more processes or files.
    pub fn start(plan: &Plan, trace27: &Path) -> Result<(Session, [Trace; 2]), LockstepError> {
        let folder = tempfile::Builder::new()
            .prefix("trace27-")
            .tempdir()
            .map_err(because("cannot make a folder for the traces' FIFOs"))?
            // From here on the supervisor removes it.
            .keep();
        let session = Session::start_in(plan, trace27, &folder);
        if session.is_err() {
            // The supervisor may have done so.
            let _ = fs::remove_dir_all(&folder);
        }
        session
    }

    fn start_in(
        plan: &Plan,
        trace27: &Path,
        folder: &Path,
    ) -> Result<(Session, [Trace; 2]), LockstepError> {
        let fifo = |name| Channel::new(folder, name).map_err(because("cannot make a FIFO"));
        let ([over, also_over], done) = ended_pair()?;
        let commands = plan.commands(folder);
        let mut traces = Vec::new();
        let mut errors = Vec::new();
        let mut hangs = [Arc::default(), Arc::default()];
        let mut held = Vec::new();
        for ((command, over), hangs) in commands.iter().zip([over, also_over]).zip(&mut hangs) {
            let same = command.errors == command.trace;
            let clone = over.try_clone().map_err(because("cannot make a pipe"))?;
            let (trace, flag) = fifo(&command.trace)?.reader(over).with_patience(plan.patience);
            held.push(trace.hold().map_err(because("cannot hold a FIFO open"))?);
            traces.push(trace);
            *hangs = flag;
            errors.push(if same { None } else { Some(fifo(&command.errors)?.reader(clone)) });
        }
        let mut start = Command::new(trace27);
        start.arg("lockstep-supervisor").arg(folder);
        for command in &commands {
            start.args(command.fields());
        }
        let mut supervisor = start
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(because(format!("cannot start `{}`", trace27.display())))?;
        let lifeline = supervisor.stdin.take();
        let reports = supervisor.stdout.take();
        let (send, ends) = mpsc::channel();
        let (ready, started) = mpsc::channel();
        let folder = folder.to_owned();
        let mut session =
            Session { supervisor, lifeline, ends, errors: [None, None], hangs, held, folder };
        thread::spawn(move || {
            if let Some(reports) = reports {
                listen(BufReader::new(reports), &ready, &send, done);
            }
        });
        for (tail, reader) in session.errors.iter_mut().zip(errors) {
            *tail = reader.map(Tail::of);
        }
        match started.recv() {
            Ok(Ok(())) => {}
            Ok(Err((side, reason))) => {
                let name = commands[side].program();
                let what = format!("cannot start {}, `{name}`: {reason}", SIDES[side]);
                return Err(LockstepError { what, cause: None });
            }
            Err(_) => {
                let what = "the process that starts the two has ended".to_owned();
                return Err(LockstepError { what, cause: None });
            }
        }
        let mut traces = traces.into_iter().map(|reader| Box::new(reader) as Trace);
        let (Some(left), Some(right)) = (traces.next(), traces.next()) else {
            unreachable!("there are two commands");
        };
        Ok((session, [left, right]))
    }

    /// Ends both processes and all that they have started, waits until they are gone, and reports
    /// how those ended that had ended by themselves.
    pub fn stop(mut self) -> [End; 2] {
        let mut ends = [End::default(), End::default()];
        // What had ended before: the supervisor speaks of no other.
        self.close();
        for (side, status) in self.ends.try_iter() {
            ends[side].status = Some(status);
        }
        for (side, end) in ends.iter_mut().enumerate() {
            end.errors = self.errors[side].take().map(Tail::finish).unwrap_or_default();
            end.hangs = self.hangs[side].load(Ordering::Relaxed);
        }
        ends
    }

    fn close(&mut self) {
        if self.lifeline.take().is_some() {
            // It ends once nothing is left.
            let _ = self.supervisor.wait();
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.close();
    }
}

type Started = Result<(), (usize, String)>;

/// Passes on what the supervisor says; see `supervisor::say`.
fn listen(
    reports: impl BufRead,
    ready: &Sender<Started>,
    ends: &Sender<(usize, String)>,
    mut running: [Option<PipeWriter>; 2],
) {
    for line in reports.split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).into_owned();
        let mut words = line.splitn(3, ' ');
        let (word, side) = (words.next(), words.next().and_then(|side| side.parse().ok()));
        let rest = words.next().unwrap_or_default().to_owned();
        // Nobody listens any more only when the session is over.
        let _ = match (word, side) {
            (Some("ready"), _) => ready.send(Ok(())).is_ok(),
            (Some("failed"), Some(side @ 0..2)) => ready.send(Err((side, rest))).is_ok(),
            (Some("ended"), Some(side @ 0..2)) => {
                let sent = ends.send((side, rest)).is_ok();
                running[side] = None;
                sent
            }
            _ => false,
        };
    }
}

type Ended = ([io::PipeReader; 2], [Option<PipeWriter>; 2]);

/// For either side a pipe that is closed when its process has ended.
fn ended_pair() -> Result<Ended, LockstepError> {
    let pipe = || io::pipe().map_err(because("cannot make a pipe"));
    let ((left, left_running), (right, right_running)) = (pipe()?, pipe()?);
    Ok(([left, right], [Some(left_running), Some(right_running)]))
}

/// What the supervisor needs to start one process.
#[derive(Clone, Debug)]
struct Start {
    input: PathBuf,
    output: PathBuf,
    errors: PathBuf,
    /// Where its trace arrives: one of the above, or a FIFO that it opens itself.
    trace: PathBuf,
    command: Vec<OsString>,
}

impl Start {
    fn fields(&self) -> Vec<OsString> {
        let mut fields: Vec<OsString> =
            [&self.input, &self.output, &self.errors].map(|path| path.clone().into()).into();
        fields.push(self.command.len().to_string().into());
        fields.extend(self.command.iter().cloned());
        fields
    }

    fn program(&self) -> String {
        self.command.first().map(|name| name.display().to_string()).unwrap_or_default()
    }
}

fn because(what: impl Into<String>) -> impl FnOnce(io::Error) -> LockstepError {
    let what = what.into();
    move |cause| LockstepError { what, cause: Some(cause) }
}

impl fmt::Display for LockstepError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match &self.cause {
            Some(cause) => write!(f, "{}: {cause}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

impl Error for LockstepError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // Its text is in ours: what follows is what it stems from.
        self.cause.as_ref().and_then(io::Error::source)
    }
}
