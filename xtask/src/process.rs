//! Long-running programs: their whole output goes to a log, its end to the user if they fail.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::SystemTime;

use anyhow::{Context, Result, bail};

/// How many of the log's last lines a failure shows.
const SHOWN: usize = 20;

/// A program that runs; dropped before [`Logged::wait`], it is killed.
#[derive(Debug)]
pub struct Logged {
    child: Child,
    shown: String,
    log: PathBuf,
}

/// Runs `command` with its output in the file `log`. `next` says what to do when it fails.
pub fn run_logged(command: impl Into<Command>, log: &Path, next: &str) -> Result<()> {
    start_logged(command, log)?.wait(next)
}

/// Starts `command` with its output in the file `log`.
pub fn start_logged(command: impl Into<Command>, log: &Path) -> Result<Logged> {
    let mut command: Command = command.into();
    let shown = format!("{command:?}");
    if let Some(folder) = log.parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
    }
    let output =
        File::create(log).with_context(|| format!("cannot write the log `{}`", log.display()))?;
    let errors =
        output.try_clone().with_context(|| format!("cannot write the log `{}`", log.display()))?;
    let child = command
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .spawn()
        .with_context(|| format!("cannot start {shown}"))?;
    Ok(Logged { child, shown, log: log.to_owned() })
}

impl Logged {
    /// Waits for its end. `next` says what to do when it fails.
    pub fn wait(&mut self, next: &str) -> Result<()> {
        let shown = &self.shown;
        let status = self.child.wait().with_context(|| format!("cannot wait for {shown}"))?;
        if status.success() {
            return Ok(());
        }
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        let end = lines[lines.len().saturating_sub(SHOWN)..].join("\n  | ");
        let log = self.log.display();
        bail!("{shown} failed ({status})\n  | {end}\nthe whole log is `{log}`; {next}")
    }

    /// When it wrote last: after its end, close to that.
    pub fn last_output(&self) -> SystemTime {
        let modified = fs::metadata(&self.log).and_then(|metadata| metadata.modified());
        modified.unwrap_or_else(|_| SystemTime::now())
    }
}

impl Drop for Logged {
    fn drop(&mut self) {
        // One that has ended is left alone by both.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_shows_the_end_of_the_log_and_where_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("deep/x.log");
        let mut command = Command::new("sh");
        command.args(["-c", "seq 1 100; echo bad >&2; exit 3"]);
        let error = format!("{:#}", run_logged(command, &log, "mend it").unwrap_err());
        for part in ["exit status: 3", "  | 100\n  | bad\n", "x.log", "mend it"] {
            assert!(error.contains(part), "{error}");
        }
        assert!(!error.contains("  | 50\n"), "{error}");
        assert_eq!(fs::read_to_string(&log).unwrap().lines().count(), 101);
    }

    #[test]
    fn success_is_silent() {
        let folder = tempfile::tempdir().unwrap();
        run_logged(Command::new("true"), &folder.path().join("x.log"), "").unwrap();
    }

    #[test]
    fn a_program_that_is_given_up_ends() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "exec sleep 1000"]);
        let started = start_logged(command, &folder.path().join("x.log")).unwrap();
        let process = format!("/proc/{}", started.child.id());
        drop(started);
        assert!(!Path::new(&process).exists());
    }
}
