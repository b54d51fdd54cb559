//! `state`: what the frames of a recording with values held before an instruction.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Result, bail};
use recording::state::{Machine, StateSink, replay};
use trace::formats::Reader;
use trace::input::Input;
use trace::lines::Lines;
use trace::step::ReadError;

use crate::view::state::{Frames, StateAt};

/// Print the stack, the blocks, the locals and the cells before an instruction of a recording with
/// values
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The recording; `-` is standard input
    input: PathBuf,
    /// The number of the instruction, from 1
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    at: u64,
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
        let lines = Lines::new(Input::open(&self.input)?);
        let Reader::Flow(flow) = Reader::new(lines, None)? else {
            bail!(
                "`{}` is no recording; record the program with `tracer.py --values`",
                self.shown()
            );
        };
        let (name, mut cursor, about) = flow.into_parts();
        let Some(bounds) = trace::formats::flow::value_bounds(&about) else {
            bail!("`{}` has no values; record the program with `tracer.py --values`", self.shown());
        };
        let visitor = StateAt::new(self.at, self.frame, bounds, self.json);
        let mut sink = StateSink::new(Machine::new(bounds.items as u64), visitor);
        let result = replay(&mut cursor, &mut sink);
        let StateAt { text, seen, .. } = sink.visitor;
        if let Some(text) = text {
            io::stdout().lock().write_all(text.as_bytes())?;
            return Ok(true);
        }
        result.map_err(|broken| ReadError::of_recording(broken, &name))?;
        if seen < self.at {
            bail!("`{}` has {seen} instructions; `--at` is {}", self.shown(), self.at);
        }
        Ok(false)
    }

    fn shown(&self) -> std::path::Display<'_> {
        self.input.display()
    }
}
