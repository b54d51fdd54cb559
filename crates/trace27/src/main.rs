//! The command that reads traces. Dispatches and prints; the work is in the library.

#[cfg(unix)]
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use serde_json::Value;
use trace::convert::{To, convert};
use trace::formats::Reader;
use trace::input::Input;
use trace::output::Output;
use trace::step::Format;
use trace::validate;
use trace27::view::info::Info;
use trace27::view::recording::Recording;

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
    Lockstep(trace27::lockstep::args::Args),
    /// Write any trace that we read as `blog` or `jsonl`
    Convert {
        /// The trace; `-` is standard input
        input: PathBuf,
        /// What to write; `-` is standard output, and `.zst` at its end compresses
        output: PathBuf,
        /// The format to write
        #[arg(long, value_enum)]
        to: To,
        /// The format that is read, if its content does not tell
        #[arg(long, value_enum)]
        from: Option<Format>,
        /// Write operands as their meaning, where a step has both and `blog` room for one
        #[arg(short, long)]
        resolve: bool,
    },
    /// Whether a file is a trace that we read, and the first line that is wrong
    Validate {
        /// The trace; `-` is standard input
        trace: PathBuf,
        /// Its format, if its content does not tell
        #[arg(long, value_enum)]
        format: Option<Format>,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Write the text of a flow recording
    Expand(trace27::view::expand::Args),
    /// Print the chunks and packets of a flow recording, one a line
    Dump(trace27::commands::dump::Args),
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
            let (shown, result) = match Reader::open(Input::open(trace)?, None)? {
                Reader::Flow(flow) => {
                    // That of a pipe is not known.
                    let size = fs::metadata(trace).ok().filter(fs::Metadata::is_file);
                    let (found, result) = Recording::read(*flow, size.map(|size| size.len()));
                    (shown(*json, &found, Recording::to_json), result)
                }
                mut reader => {
                    let info = Info::read(&mut reader)?;
                    (shown(*json, &info, Info::to_json), Ok(()))
                }
            };
            let mut output = io::stdout().lock();
            output.write_all(shown.as_bytes())?;
            output.flush()?;
            result?;
        }
        Command::Diff(args) => {
            return Ok(if args.run()? { ExitCode::SUCCESS } else { ExitCode::from(1) });
        }
        #[cfg(unix)]
        Command::Lockstep(args) => {
            return Ok(if args.run()? { ExitCode::SUCCESS } else { ExitCode::from(1) });
        }
        Command::Convert { input, output, to, from, resolve } => {
            let opened = Input::open(input)?;
            let mut out = Output::create(output, &[input])?;
            let named = || format!("cannot write `{}`", output.display());
            convert(&mut Reader::open(opened, *from)?, *to, *resolve, &mut out).map_err(
                |error| {
                    // What is no fault of the input is one of the output.
                    if error.is::<io::Error>() { error.context(named()) } else { error }
                },
            )?;
            out.finish().with_context(named)?;
        }
        Command::Validate { trace, format, json } => {
            let file = trace.display().to_string();
            let opened = Input::open(trace).and_then(|input| Reader::open(input, *format));
            let found = opened.and_then(|mut reader| validate::validate(&mut reader));
            let mut output = io::stdout().lock();
            match &found {
                Ok(valid) if *json => writeln!(output, "{:#}", valid.to_json(&file))?,
                Ok(valid) => writeln!(output, "`{file}`: {valid}")?,
                Err(error) if *json => writeln!(output, "{:#}", validate::invalid(&file, error))?,
                Err(_) => {}
            }
            output.flush()?;
            found?;
        }
        Command::Expand(args) => args.run()?,
        Command::Dump(args) => args.run()?,
        #[cfg(unix)]
        Command::LockstepWarden { folder, fields } => trace27::lockstep::warden(folder, fields),
    }
    Ok(ExitCode::SUCCESS)
}

fn shown<T: fmt::Display>(json: bool, what: &T, to_json: impl Fn(&T) -> Value) -> String {
    if json { format!("{:#}\n", to_json(what)) } else { what.to_string() }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let cause = error.downcast_ref::<io::Error>();
    cause.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
