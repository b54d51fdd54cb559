//! `info`: how many instructions a trace has, and where they went.

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Result;
use serde_json::Value;

use super::options;
use crate::view::info::Info;
use crate::view::recording::Recording;
use trace::formats::Reader;
use trace::input::Input;
use trace::lines::Lines;

/// Count the instructions of a trace by code object and opcode
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The trace; `-` is standard input
    trace: PathBuf,
    /// Skip lines that are no step, and count them
    #[arg(long)]
    lenient: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Runs the command.
    ///
    /// # Errors
    ///
    /// Input that is no trace.
    pub fn run(&self) -> Result<()> {
        let lines = Lines::new(Input::open(&self.trace)?);
        let (shown, result) = match Reader::with(lines, None, self.lenient)? {
            Reader::Flow(flow) => {
                // That of a pipe is not known.
                let size = fs::metadata(&self.trace).ok().filter(fs::Metadata::is_file);
                let (found, result) = Recording::read(*flow, size.map(|size| size.len()));
                (self.shown(&found, Recording::to_json), result)
            }
            mut reader => {
                let info = Info::read(&mut reader)?;
                if self.lenient {
                    options::say_left_out(&reader)?;
                }
                (self.shown(&info, Info::to_json), Ok(()))
            }
        };
        let mut output = io::stdout().lock();
        output.write_all(shown.as_bytes())?;
        output.flush()?;
        Ok(result?)
    }

    fn shown<T: fmt::Display>(&self, what: &T, to_json: impl Fn(&T) -> Value) -> String {
        if self.json { format!("{:#}\n", to_json(what)) } else { what.to_string() }
    }
}
