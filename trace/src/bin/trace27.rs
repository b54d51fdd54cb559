//! The command that reads traces. Dispatches and prints; the work is in the library.

#[cfg(unix)]
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use trace::view::info::Info;

/// Reads the traces of ./python27-traced.
#[derive(Debug, Parser)]
#[command(name = "trace27", version, arg_required_else_help = true)]
struct Trace27 {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// How many instructions a trace has, of which code objects and opcodes
    Info {
        /// The trace; `-` is standard input
        trace: PathBuf,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Where two traces of a program part, and why
    Diff(trace::diff::args::Args),
    /// Run a program on the traced interpreter and on an emulator at once, until they part
    #[cfg(unix)]
    Lockstep(trace::lockstep::args::Args),
    /// What `lockstep` starts for itself
    #[cfg(unix)]
    #[command(hide = true)]
    LockstepWarden {
        folder: PathBuf,
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        fields: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    match run(&Trace27::parse().command) {
        Ok(status) => status,
        // Whoever reads our output has seen enough.
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
    match command {
        Command::Info { trace, json } => {
            let info = Info::read(open(trace)?)
                .with_context(|| format!("cannot read `{}`", trace.display()))?;
            let mut output = io::stdout().lock();
            if *json {
                writeln!(output, "{:#}", info.to_json())?;
            } else {
                write!(output, "{info}")?;
            }
            output.flush()?;
        }
        Command::Diff(args) => {
            return Ok(if args.run()? { ExitCode::SUCCESS } else { ExitCode::from(1) });
        }
        #[cfg(unix)]
        Command::Lockstep(args) => {
            return Ok(if args.run()? { ExitCode::SUCCESS } else { ExitCode::from(1) });
        }
        #[cfg(unix)]
        Command::LockstepWarden { folder, fields } => trace::lockstep::warden(folder, fields),
    }
    Ok(ExitCode::SUCCESS)
}

fn open(path: &Path) -> Result<Box<dyn BufRead>> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(io::stdin().lock()));
    }
    let file = File::open(path).with_context(|| format!("cannot open `{}`", path.display()))?;
    Ok(Box::new(BufReader::with_capacity(1 << 18, file)))
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let cause = error.downcast_ref::<io::Error>();
    cause.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
