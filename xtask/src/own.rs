//! Our own binaries: `trace27` for people, `trace-writer` for interpreters, and what builds the hook.
//!
//! configure runs on one processor and CPython's modules are compiled one after another, so cargo
//! works beside them, at a lower priority.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result};

use crate::hook;
use crate::layout::Layout;
use crate::process::{Logged, run_logged, start_logged};
use crate::ui::Ui;

/// How much the hook's tools and the binaries give way to configure and make. The hook is
/// needed first.
const TOOLS_NICE: u8 = 5;
const BINARIES_NICE: u8 = 10;

const BINARIES_FAILED: &str = "mend what the log names";

/// Builds that run while CPython is configured and made.
pub struct Beside {
    tools: Option<Build>,
    binaries: Option<Build>,
    ui: Ui,
}

struct Build {
    what: &'static str,
    start: SystemTime,
    running: Logged,
    next: &'static str,
}

impl Beside {
    /// Starts them.
    pub fn start(layout: &Layout, name: &str, ui: &Ui) -> Result<Beside> {
        let start = |what, nice, command: Command, step: &str, next| -> Result<Option<Build>> {
            let start = SystemTime::now();
            let running = start_logged(nicely(nice, &command), &layout.log(name, step))?;
            Ok(Some(Build { what, start, running, next }))
        };
        let tools = hook::tools_command(layout);
        let binaries = binaries_command(layout);
        Ok(Beside {
            tools: start("the hook's tools", TOOLS_NICE, tools, "hook-tools", hook::FAILED)?,
            binaries: start(
                "trace27, trace-writer",
                BINARIES_NICE,
                binaries,
                "binaries",
                BINARIES_FAILED,
            )?,
            ui: *ui,
        })
    }

    /// Waits for what builds the hook.
    pub fn wait_for_tools(&mut self) -> Result<()> {
        self.tools.take().map_or(Ok(()), |build| build.wait(&self.ui))
    }

    /// Waits for all of them.
    pub fn wait(mut self) -> Result<()> {
        self.wait_for_tools()?;
        self.binaries.take().map_or(Ok(()), |build| build.wait(&self.ui))
    }
}

impl Build {
    fn wait(mut self, ui: &Ui) -> Result<()> {
        self.running.wait(self.next)?;
        ui.record(self.what, self.start, self.running.last_output());
        Ok(())
    }
}

/// cargo, as the caller of this program chose it.
pub fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Builds `trace27` and `trace-writer`. Cargo itself knows whether there is anything to do.
pub fn build(layout: &Layout) -> Result<()> {
    run_logged(binaries_command(layout), &layout.log("trace27", "build"), BINARIES_FAILED)
}

/// Puts `trace-writer` beside an interpreter, which starts it to write its traces.
pub fn install_writer(layout: &Layout, python: &Path) -> Result<()> {
    let built = layout.root().join("target/release/trace-writer");
    let program = fs::read(&built).with_context(|| format!("no `{}`", built.display()))?;
    let place = python.with_file_name("trace-writer");
    if fs::read(&place).is_ok_and(|there| there == program) {
        return Ok(());
    }
    // Another name first: a writer that runs keeps the file that it started from.
    let new = python.with_file_name("trace-writer.new");
    fs::copy(&built, &new)
        .and_then(|_| fs::rename(&new, &place))
        .with_context(|| format!("cannot install `{}`", place.display()))
}

fn binaries_command(layout: &Layout) -> Command {
    let mut command = Command::new(cargo());
    command.current_dir(layout.root());
    command.args(["build", "--release", "--package", "trace27", "--package", "trace-writer"]);
    command.arg("--target-dir").arg(layout.root().join("target"));
    command
}

/// The same command, started by `nice`.
fn nicely(nice: u8, command: &Command) -> Command {
    let mut nicely = Command::new("nice");
    nicely.arg("-n").arg(nice.to_string()).arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        nicely.current_dir(folder);
    }
    nicely
}
