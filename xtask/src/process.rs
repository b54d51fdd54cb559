//! Long-running programs: their whole output goes to a log, its end to the user if they fail.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// How many of the log's last lines a failure shows.
const SHOWN: usize = 20;

/// Runs `command` with its output in the file `log`. `next` says what to do when it fails.
pub fn run_logged(command: impl Into<Command>, log: &Path, next: &str) -> Result<()> {
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
    let status = command
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .status()
        .with_context(|| format!("cannot start {shown}"))?;
    if status.success() {
        return Ok(());
    }
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let end = lines[lines.len().saturating_sub(SHOWN)..].join("\n  | ");
    bail!("{shown} failed ({status})\n  | {end}\nthe whole log is `{}`; {next}", log.display())
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
}
