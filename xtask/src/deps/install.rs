//! Installing what is missing, with the system's package manager.
//!
//! Prints each command before it runs it, and believes none of them: what counts is what a second
//! look at the machine finds.

use std::io;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::{Needed, Report, examine};

/// Installs what `report` misses of `which`, and returns what a new examination finds. `say` gets
/// one line at a time; the package manager's own output goes to standard error.
///
/// Does nothing, and says so, where nothing is missing. An optional library that stays missing is
/// said; a required one is an error.
pub fn install(report: &Report, which: Needed, say: &dyn Fn(&str)) -> Result<Report> {
    install_with(report, which, say, &run, &examine)
}

fn install_with(
    report: &Report,
    which: Needed,
    say: &dyn Fn(&str),
    run: &dyn Fn(&[String]) -> Result<bool>,
    examine: &dyn Fn() -> Report,
) -> Result<Report> {
    let missing = report.missing(which);
    if missing.is_empty() {
        say("nothing to install: all that is needed is here");
        return Ok(report.clone());
    }
    let names = missing.iter().map(|f| f.dependency.name).collect::<Vec<_>>().join(", ");
    let Some(command) = report.install_command(which) else {
        bail!(
            "no package manager that xtask knows is on `PATH` (apt-get, dnf, pacman, apk, brew); \
             install these with this system's own: {names}"
        );
    };
    if !command.allowed {
        bail!("installing packages needs root, and there is no `sudo`; run as root: `{command}`");
    }

    say(&format!("missing: {names}"));
    let attempt = |refresh_first: bool| -> Result<bool> {
        for step in command.refresh.iter().filter(|_| refresh_first).chain([&command.install]) {
            say(&format!("running `{}`", step.join(" ")));
            if !run(step)? {
                return Ok(false);
            }
        }
        Ok(true)
    };
    // Old lists name packages that are gone from the archive, which shows only as a failed install.
    // Refreshing is slow and mostly needless: so it comes second, and once.
    let mut installed = attempt(command.refresh_first)?;
    if !installed && command.refresh.is_some() && !command.refresh_first {
        say("the lists of packages may be old: once more with new ones");
        installed = attempt(true)?;
    }
    if !installed {
        bail!("`{command}` failed: see its output above, and run it by hand");
    }

    let after = examine();
    for finding in after.missing(which) {
        say(&format!("still missing: {}", finding.sentence()));
    }
    let required = after.missing_required();
    if !required.is_empty() {
        let names = required.iter().map(|f| f.dependency.name).collect::<Vec<_>>().join(", ");
        bail!("the packages are installed, yet still missing: {names}; see `cargo xtask doctor`");
    }
    Ok(after)
}

/// Runs a command to its end, and says whether it succeeded. Standard input stays: sudo asks for
/// its password there.
fn run(words: &[String]) -> Result<bool> {
    let (program, arguments) = words.split_first().context("the command is empty")?;
    let status = Command::new(program)
        .args(arguments)
        // Standard output belongs to what xtask prints for programs (`--json`).
        .stdout(io::stderr())
        .status()
        .with_context(|| format!("cannot start `{}`", words.join(" ")))?;
    Ok(status.success())
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::super::tests::report;
    use super::*;

    /// Runs an installation whose commands end as `outcomes` say; what was said and run, and
    /// what came of it.
    fn play(before: Report, after: Report, outcomes: &[bool]) -> (Vec<String>, Result<Report>) {
        let log = RefCell::new(Vec::new());
        let left = RefCell::new(outcomes.iter());
        let result = install_with(
            &before,
            Needed::Build,
            &|line| log.borrow_mut().push(line.to_owned()),
            &|words| {
                log.borrow_mut().push(format!("$ {}", words.join(" ")));
                Ok(*left.borrow_mut().next().expect("no more commands"))
            },
            &|| after.clone(),
        );
        assert_eq!(left.into_inner().next(), None, "a command was not run");
        (log.into_inner(), result)
    }

    const APT: &str =
        "env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends";

    #[test]
    fn nothing_missing_runs_nothing() {
        let (log, result) = play(report(&["git", "gdbm"]), report(&[]), &[]);
        assert_eq!(log, ["nothing to install: all that is needed is here"]);
        result.unwrap();
    }

    #[test]
    fn the_command_is_said_then_run() {
        let (log, result) = play(report(&["make", "bz2"]), report(&[]), &[true]);
        let expected = [
            "missing: make, bz2".to_owned(),
            format!("running `{APT} make libbz2-dev`"),
            format!("$ {APT} make libbz2-dev"),
        ];
        assert_eq!(log, expected);
        assert!(result.unwrap().missing(Needed::Build).is_empty());
    }

    #[test]
    fn a_failure_refreshes_the_lists_once() {
        let (log, result) = play(report(&["make"]), report(&[]), &[false, true, true]);
        assert_eq!(log[2], format!("$ {APT} make"));
        assert_eq!(log[3], "the lists of packages may be old: once more with new ones");
        assert_eq!(log[4..6], ["running `apt-get update`", "$ apt-get update"]);
        assert_eq!(log[7], format!("$ {APT} make"));
        result.unwrap();
        let (_, result) = play(report(&["make"]), report(&[]), &[false, true, false]);
        let error = result.unwrap_err().to_string();
        assert!(error.starts_with(&format!("`{APT} make` failed")), "{error}");
    }

    #[test]
    fn without_lists_they_are_fetched_first() {
        let mut fresh = report(&["make"]);
        fresh.host.lists = false;
        let (log, result) = play(fresh.clone(), report(&[]), &[true, true]);
        assert_eq!([&log[2], &log[4]], ["$ apt-get update", &format!("$ {APT} make")]);
        result.unwrap();
        let (_, result) = play(fresh, report(&[]), &[false]);
        assert!(result.unwrap_err().to_string().starts_with("`apt-get update && env "));
    }

    #[test]
    fn what_stays_missing_is_said() {
        let (log, result) = play(report(&["bz2"]), report(&["bz2"]), &[true]);
        assert_eq!(log.last().unwrap(), "still missing: bz2 (`bz2`)");
        result.unwrap();
        let (_, result) = play(report(&["zlib"]), report(&["zlib"]), &[true]);
        assert!(result.unwrap_err().to_string().contains("still missing: zlib"));
    }

    #[test]
    fn without_a_way_to_install_the_error_says_what_to_do() {
        let mut user = report(&["make"]);
        user.host.root = false;
        let (_, result) = play(user, report(&[]), &[]);
        assert!(result.unwrap_err().to_string().ends_with(&format!("run as root: `{APT} make`")));
        let mut unknown = report(&["make", "zlib"]);
        unknown.host.manager = None;
        let (_, result) = play(unknown, report(&[]), &[]);
        assert!(result.unwrap_err().to_string().ends_with("system's own: make, zlib"));
    }
}
