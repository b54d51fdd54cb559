//! The process that starts the two and sees to their end.
//!
//! It knows its session by a pipe alone, the lifeline on its standard input. When that closes,
//! because the session is over or because its process is gone by whatever means, all that the
//! supervisor has started is killed. It is in a session of the terminal's own making, so Ctrl-C
//! does not reach it; on Linux it also becomes the parent of all orphans among its descendants
//! and finds those that have left their process group, and should it be killed itself, the two
//! go with it.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::sync::Mutex;
use std::thread;

use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitOptions, kill_process, kill_process_group, setsid,
    wait, waitid, waitpid,
};

/// Runs the processes that `fields` describe (see `Start::fields`) until standard input is closed,
/// ends them and all that they have started, and removes `folder`.
pub fn supervise(folder: &Path, fields: &[OsString]) {
    // It fails only where we lead a process group already, and then Ctrl-C does not reach us.
    let _ = setsid();
    adopt_orphans();
    let children = Mutex::new(Vec::new());
    match start_all(fields, &children) {
        Ok(pids) => {
            say("ready");
            guard(&pids, &children);
        }
        Err((side, error)) => {
            kill_all(&children);
            say(&format!("failed {side} {error}"));
        }
    }
    end_descendants();
    // There is nowhere to say that it did not work; the session tries again.
    let _ = fs::remove_dir_all(folder);
}

/// The processes that have not been reaped, and so still own their ids.
type Children = Mutex<Vec<Pid>>;

/// All are started by the main thread: a process dies with the *thread* that started it.
fn start_all(fields: &[OsString], children: &Children) -> Result<Vec<Pid>, (usize, io::Error)> {
    let mut fields = fields.iter();
    let mut pids = Vec::new();
    for side in 0..2 {
        let pid = start(&mut fields).map_err(|error| (side, error))?;
        locked(children).push(pid);
        pids.push(pid);
    }
    Ok(pids)
}

fn start<'a>(fields: &mut impl Iterator<Item = &'a OsString>) -> io::Result<Pid> {
    let missing = || io::Error::from(io::ErrorKind::InvalidInput);
    let mut next = || fields.next().ok_or_else(missing);
    let (input, output, errors) = (next()?, next()?, next()?);
    let count: usize = next()?.to_str().and_then(|count| count.parse().ok()).ok_or_else(missing)?;
    let mut command = Command::new(next()?);
    for _ in 1..count {
        command.arg(next()?);
    }
    let write = |path| OpenOptions::new().write(true).open(path);
    command.stdin(OpenOptions::new().read(true).open(input)?);
    command.stdout(write(output)?).stderr(write(errors)?).process_group(0);
    die_with_us(&mut command);
    let child = command.spawn()?;
    // Dropping the child leaves it alone: it is waited for by its id.
    Pid::from_raw(child.id().cast_signed()).ok_or_else(missing)
}

fn guard(pids: &[Pid], children: &Children) {
    thread::scope(|scope| {
        for (side, &pid) in pids.iter().enumerate() {
            scope.spawn(move || {
                if let Some(status) = reap(pid, children) {
                    say(&format!("ended {side} {status}"));
                }
            });
        }
        // The session never writes: this waits for the end.
        let mut nothing = [0; 64];
        while !matches!(io::stdin().read(&mut nothing), Ok(0) | Err(_)) {}
        kill_all(children);
    });
}

/// Waits for the end of a process and ends its process group. Gives the status unless the end was
/// our doing.
fn reap(pid: Pid, children: &Children) -> Option<ExitStatus> {
    // Left unreaped first: as long as it is there, nobody else gets its id.
    let peek = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while matches!(waitid(WaitId::Pid(pid), peek), Err(rustix::io::Errno::INTR)) {}
    let mut children = locked(children);
    let ours = !children.contains(&pid);
    children.retain(|&other| other != pid);
    // What it left behind in its group; fails if there is nothing.
    let _ = kill_process_group(pid, Signal::KILL);
    let status = waitpid(Some(pid), WaitOptions::empty()).ok().flatten();
    let (_, status) = status?;
    (!ours).then(|| ExitStatus::from_raw(status.as_raw()))
}

/// Kills the processes that are still there, each with its group.
fn kill_all(children: &Children) {
    for pid in locked(children).drain(..) {
        // Either fails only if it is gone.
        let _ = kill_process_group(pid, Signal::KILL);
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// Ends what is left: each round kills our children, whose orphans become ours in the next.
fn end_descendants() {
    loop {
        for pid in own_children() {
            let _ = kill_process_group(pid, Signal::KILL);
            let _ = kill_process(pid, Signal::KILL);
        }
        match wait(WaitOptions::empty()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            // There are none.
            Err(_) => break,
        }
    }
}

/// One line to the session: `ready`, `failed SIDE WHY`, or `ended SIDE STATUS`.
fn say(line: &str) {
    let mut output = io::stdout().lock();
    // If the session is gone, so will be the lifeline.
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}

fn locked(children: &Children) -> std::sync::MutexGuard<'_, Vec<Pid>> {
    children.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(target_os = "linux")]
fn adopt_orphans() {
    // Without it, only those in a process group of their own are missed.
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
}

#[cfg(target_os = "linux")]
fn die_with_us(command: &mut Command) {
    use rustix::process::{getpid, getppid, set_parent_process_death_signal};
    let us = getpid();
    let before = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // We may have gone before it could take effect.
        if getppid() == Some(us) { Ok(()) } else { Err(io::ErrorKind::Interrupted.into()) }
    };
    // SAFETY: between fork and exec only system calls may be made, and no memory taken; these
    // are two such calls, and an error kind takes no memory.
    unsafe { command.pre_exec(before) };
}

/// By a look at all processes: the kernel's own list of children is an option in its build.
#[cfg(target_os = "linux")]
fn own_children() -> Vec<Pid> {
    let us = rustix::process::getpid().as_raw_nonzero().get().to_string();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let is_ours = |pid: &i32| {
        // `pid (name) state ppid …`, where the name may hold anything.
        let stat = fs::read(format!("/proc/{pid}/stat")).unwrap_or_default();
        let end = stat.iter().rposition(|&byte| byte == b')').map_or(0, |at| at + 1);
        let mut fields = stat[end..].split(|&byte| byte == b' ').filter(|field| !field.is_empty());
        fields.nth(1) == Some(us.as_bytes())
    };
    pids.filter(is_ours).filter_map(Pid::from_raw).collect()
}

#[cfg(not(target_os = "linux"))]
fn adopt_orphans() {}

#[cfg(not(target_os = "linux"))]
fn die_with_us(_: &mut Command) {}

#[cfg(not(target_os = "linux"))]
fn own_children() -> Vec<Pid> {
    Vec::new()
}
