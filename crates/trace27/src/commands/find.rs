//! `find`: where a value appears in a recording.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use anyhow::Result;
use serde_json::json;

use super::recorded::Recorded;
use crate::view::find::{Find, Match};
use crate::view::pattern::{self, Pattern};

/// Print the instructions of a recording with values that produce a value
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// What to look for
    #[arg(value_name = "EXPR", allow_hyphen_values = true, long_help = pattern::HELP)]
    pattern: Pattern,
    /// The recording; `-` is standard input
    input: PathBuf,
    /// Only the first one
    #[arg(long, conflicts_with = "count")]
    first: bool,
    /// Only how many there are
    #[arg(long)]
    count: bool,
    /// Print JSON, one object a line
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Runs the command; false if no value matches.
    ///
    /// # Errors
    ///
    /// Input that is no recording with values.
    pub fn run(&self) -> Result<bool> {
        let mut out = BufWriter::new(io::stdout().lock());
        let (mut count, mut written) = (0u64, Ok(()));
        let take = |describe: &dyn Fn() -> Match| {
            count += 1;
            if !self.count {
                written = match self.json {
                    true => writeln!(out, "{}", describe().json()),
                    false => out.write_all(describe().row().as_bytes()),
                };
            }
            written.is_ok() && !self.first
        };
        let pattern = self.pattern.clone();
        let (_, result) =
            Recorded::new(&self.input).replay(|bounds| Find::new(pattern, bounds, take))?;
        written?;
        if self.count {
            match self.json {
                true => writeln!(out, "{}", json!({ "count": count }))?,
                false => writeln!(out, "{count}")?,
            }
        }
        out.flush()?;
        result?;
        Ok(count > 0)
    }
}
