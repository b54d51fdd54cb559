//! The command that reads traces. Dispatches and prints; the work is in the library.

#[cfg(unix)]
use std::ffi::OsString;
use std::io::{self, Write};
#[cfg(unix)]
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use trace27::commands;

/// Reads, compares and converts traces of Python 2.7 bytecode
#[derive(Debug, Parser)]
#[command(name = "trace27", version, arg_required_else_help = true)]
struct Trace27 {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Info(commands::info::Args),
    Diff(commands::diff::Args),
    #[cfg(unix)]
    Lockstep(commands::lockstep::Args),
    Convert(commands::convert::Args),
    Validate(commands::validate::Args),
    /// Write the text of a flow recording
    Expand(trace27::view::expand::Args),
    /// Print the chunks and packets of a flow recording, one a line
    Dump(commands::dump::Args),
    State(commands::state::Args),
    Who(commands::who::Args),
    Find(commands::find::Args),
    /// Used by `lockstep`
    #[cfg(unix)]
    #[command(hide = true)]
    LockstepSupervisor {
        folder: PathBuf,
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        fields: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    match run(&Trace27::parse().command) {
        Ok(status) => status,
        // The reader of our output has seen enough.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // There is nowhere to report that standard error is closed.
            let _ = writeln!(io::stderr(), "trace27: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Runs a command. What it found gives the exit status.
fn run(command: &Command) -> Result<ExitCode> {
    let same = match command {
        Command::Diff(args) => args.run()?,
        #[cfg(unix)]
        Command::Lockstep(args) => args.run()?,
        Command::Info(args) => args.run().map(|()| true)?,
        Command::Convert(args) => args.run().map(|()| true)?,
        Command::Validate(args) => args.run().map(|()| true)?,
        Command::Expand(args) => args.run().map(|()| true)?,
        Command::Dump(args) => args.run().map(|()| true)?,
        Command::State(args) => args.run()?,
        Command::Who(args) => args.run()?,
        Command::Find(args) => args.run()?,
        #[cfg(unix)]
        Command::LockstepSupervisor { folder, fields } => {
            trace27::lockstep::supervise(folder, fields);
            true
        }
    };
    Ok(if same { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let cause = error.downcast_ref::<io::Error>();
    cause.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
