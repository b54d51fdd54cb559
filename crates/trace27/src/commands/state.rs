//! `state`: what the frames of a recording with values held before an instruction.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Result, bail};

use super::recorded::Recorded;
use crate::view::position::{self, Position};
use crate::view::state::{Frames, StateAt};

/// Print the stack, the blocks, the locals, the cells and the globals before an instruction of a
/// recording with values
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The recording; `-` is standard input
    input: PathBuf,
    /// Before which instruction
    #[arg(long, value_name = "WHERE", allow_hyphen_values = true, long_help = position::HELP)]
    at: Position,
    /// The frame: 0 is the one that runs, 1 its caller; or `all`
    #[arg(long, value_name = "K", default_value = "0", value_parser = frames)]
    frame: Frames,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

fn frames(text: &str) -> Result<Frames, String> {
    match text {
        "all" => Ok(Frames::All),
        number => number
            .parse()
            .map(Frames::One)
            .map_err(|_| format!("`{number}` is no number of a frame; give 0, 1, ... or `all`")),
    }
}

impl Args {
    /// Runs the command; false if the recording has no such frame.
    ///
    /// # Errors
    ///
    /// Input that is no recording with values, or has no such instruction.
    pub fn run(&self) -> Result<bool> {
        let recorded = Recorded::new(&self.input);
        let search = recorded.search(&self.at)?;
        let (state, result) =
            recorded.replay(|bounds| StateAt::new(search, self.frame, bounds, self.json))?;
        if let Some(text) = state.text {
            io::stdout().lock().write_all(text.as_bytes())?;
            return Ok(true);
        }
        if !state.is_found {
            result?;
            bail!("`{recorded}`: {}", state.search.missing());
        }
        Ok(false)
    }
}
