//! `bench` and `regrtest`: a program of their own, so that the first build does not compile them.

use std::ffi::OsStr;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::layout::Layout;
use crate::own;

/// Runs one of them; returns its exit status.
pub fn run<A: AsRef<OsStr>>(layout: &Layout, name: &str, arguments: &[A]) -> Result<ExitCode> {
    let mut command = Command::new(own::cargo());
    command.args(["run", "--quiet", "--package", "measure", "--manifest-path"]);
    // The user's own folder stays the current one.
    command.arg(layout.root().join("Cargo.toml")).args(["--", name]).args(arguments);
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
