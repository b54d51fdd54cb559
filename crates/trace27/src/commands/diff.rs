//! `diff`: the first step where two traces diverge, and why.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::options::{self, Colour};
use crate::render::text as render;
use bytecode::pyc::Pyc;
use trace::diff::rules::{Ignore, Level};
use trace::diff::{Config, Report, compare};
use trace::input::Input;
use trace::step::Format;

/// No `.pyc` is longer; what is, is something else.
const LONGEST_PYC: u64 = 256 << 20;
const RULES: usize = 63;

/// Find the first step where two traces diverge, and say why
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The trace to trust, as `./python27-traced tracer.py` writes it; `-` is standard input
    pub left: PathBuf,
    /// The trace to check, an emulator's; `-` is standard input
    pub right: PathBuf,
    /// Format of the left trace [default: recognised by its content]
    #[arg(long, value_parser = options::format())]
    pub left_format: Option<Format>,
    /// Format of the right trace [default: recognised by its content]
    #[arg(long, value_parser = options::format())]
    pub right_format: Option<Format>,
    /// Compare traces without steps; otherwise an empty trace is an error
    #[arg(long)]
    pub allow_empty: bool,
    /// How to compare
    #[command(flatten)]
    pub how: How,
}

/// The options of a comparison that do not depend on where the traces are.
#[derive(Clone, Debug, clap::Args)]
pub struct How {
    /// How much of a step is compared. What one trace lacks is never compared
    #[arg(long, value_parser = options::level(), default_value = "stack")]
    pub level: Level,
    /// Ignore differences: FIELD[:OPCODE[:REGEX]]. FIELD is code, pc, op, operand, stack or blocks,
    /// OPCODE a name or `*`; REGEX must match both operands
    #[arg(long, value_name = "RULE", value_parser = Ignore::parse)]
    pub ignore: Vec<Ignore>,
    /// Skip lines that are no step (an emulator's other output), leave out colour codes and text
    /// before or after a step (time stamps), and count both
    #[arg(long)]
    pub lenient: bool,
    /// Common steps to show before a divergence
    #[arg(long, value_name = "STEPS", default_value_t = 5, value_parser = at_most_1000)]
    pub context: usize,
    /// Stop after this many divergences. After each, the comparison goes on where the traces agree
    /// again
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = at_least_1)]
    pub max_divergences: usize,
    /// How many steps of imported modules one trace may leave out in one go; more of them is a
    /// divergence [default: 50 million on the right, less on the left]
    #[arg(long, value_name = "STEPS")]
    pub max_omitted: Option<u64>,
    /// Count the common steps by code object and opcode
    #[arg(long)]
    pub stat: bool,
    /// The program's `.pyc`: show the disassembly around the divergence
    #[arg(long, value_name = "FILE")]
    pub pyc: Option<PathBuf>,
    /// When to use colours
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    pub color: Colour,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

fn at_most_1000(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|&n| n <= 1000).ok_or_else(|| "give a number up to 1000".to_owned())
}

fn at_least_1(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|n| (1..=10_000).contains(n));
    number.ok_or_else(|| "give a number from 1 to 10000".to_owned())
}

impl Args {
    /// Compares and prints. Returns whether the traces are the same.
    ///
    /// # Errors
    ///
    /// What cannot be opened, read or written.
    pub fn run(&self) -> Result<bool> {
        if self.left.as_os_str() == "-" && self.right.as_os_str() == "-" {
            bail!("only one of the two can be standard input; give the other as a file or FIFO");
        }
        let mut config = self.how.config([self.left_format, self.right_format])?;
        config.allow_empty = self.allow_empty;
        let report = compare(Input::open(&self.left)?, Input::open(&self.right)?, &config)?;
        self.how.print(&report)?;
        Ok(report.is_identical())
    }
}

impl How {
    /// What to compare, with the program read.
    ///
    /// # Errors
    ///
    /// A program that cannot be read.
    pub fn config(&self, formats: [Option<Format>; 2]) -> Result<Config> {
        if self.ignore.len() > RULES {
            bail!("more than {RULES} rules to ignore; join some of them in one expression");
        }
        let pyc = match &self.pyc {
            None => None,
            Some(path) => {
                let context = || format!("cannot read `{}`", path.display());
                if path.is_dir() {
                    bail!("{}: it is a directory; name a `.pyc` in it", context());
                }
                let length = fs::metadata(path).with_context(context)?.len();
                if length > LONGEST_PYC {
                    bail!("`{}` is too long for a `.pyc`", path.display());
                }
                Some(Pyc::read(&fs::read(path).with_context(context)?).with_context(context)?)
            }
        };
        Ok(Config {
            formats,
            level: self.level,
            ignore: self.ignore.clone(),
            context: self.context,
            max_divergences: self.max_divergences,
            stat: self.stat,
            pyc,
            lenient: self.lenient,
            max_omitted: self.max_omitted,
            ..Config::default()
        })
    }

    /// Prints a report, in colours on a terminal.
    ///
    /// # Errors
    ///
    /// Those of standard output.
    pub fn print(&self, report: &Report) -> Result<()> {
        let mut output = io::stdout().lock();
        if self.json {
            writeln!(output, "{:#}", report.to_json())?;
        } else {
            let mut shown = String::new();
            render::write(report, &mut shown, self.color.paint())?;
            output.write_all(shown.as_bytes())?;
        }
        output.flush()?;
        Ok(())
    }
}
