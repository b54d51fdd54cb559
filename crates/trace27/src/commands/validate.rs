//! `validate`: whether a file is a trace, and the first line that is wrong.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Result;

use super::options;
use trace::formats::Reader;
use trace::input::Input;
use trace::lines::Lines;
use trace::step::Format;
use trace::validate::{invalid, validate};

/// Check that a file is a trace, or name the first line that is wrong
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The trace; `-` is standard input
    trace: PathBuf,
    /// Its format [default: recognised by its content]
    #[arg(long, value_parser = options::format())]
    format: Option<Format>,
    /// Skip lines that are no step, and count them
    #[arg(long)]
    lenient: bool,
    /// Accept a trace without steps
    #[arg(long)]
    allow_empty: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Runs the command.
    ///
    /// # Errors
    ///
    /// The first fault of the trace.
    pub fn run(&self) -> Result<()> {
        let file = self.trace.display().to_string();
        let opened = Input::open(&self.trace)
            .and_then(|input| Reader::with(Lines::new(input), self.format, self.lenient));
        let found = opened.and_then(|mut reader| validate(&mut reader, self.allow_empty));
        let mut output = io::stdout().lock();
        match &found {
            Ok(valid) if self.json => writeln!(output, "{:#}", valid.to_json(&file))?,
            Ok(valid) => writeln!(output, "`{file}`: {valid}")?,
            Err(error) if self.json => writeln!(output, "{:#}", invalid(&file, error))?,
            Err(_) => {}
        }
        output.flush()?;
        found?;
        Ok(())
    }
}
