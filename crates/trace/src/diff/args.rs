//! The command `diff`: what is typed, and what is printed.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::rules::{Ignore, Level};
use super::show::Paint;
use super::{Config, Report, compare};
use crate::input::Input;
use crate::step::Format;
use bytecode::pyc::Pyc;

/// No `.pyc` is longer; what is, is something else.
const LONGEST_PYC: u64 = 256 << 20;
const RULES: usize = 63;

/// Where two traces of a program part, and why
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The trace to trust, as `./python27-traced tracer.py` writes it; `-` is standard input
    pub left: PathBuf,
    /// The trace to judge, an emulator's; `-` is standard input
    pub right: PathBuf,
    /// Format of the left trace [default: as its content tells]
    #[arg(long)]
    pub left_format: Option<Format>,
    /// Format of the right trace [default: as its content tells]
    #[arg(long)]
    pub right_format: Option<Format>,
    /// How this is compared
    #[command(flatten)]
    pub how: How,
}

/// The options of a comparison that do not depend on where the traces are.
#[derive(Clone, Debug, clap::Args)]
pub struct How {
    /// How much of a step is compared; what one trace lacks never is
    #[arg(long, value_enum, default_value = "stack")]
    pub level: Level,
    /// Differences that do not count: FIELD[:OPCODE[:REGEX]], FIELD being code, pc, op, operand,
    /// stack or blocks, OPCODE a name or `*`, and REGEX matching both operands
    #[arg(long, value_name = "RULE", value_parser = Ignore::parse)]
    pub ignore: Vec<Ignore>,
    /// Common steps to show before a divergence
    #[arg(long, value_name = "STEPS", default_value_t = 5, value_parser = at_most_1000)]
    pub context: usize,
    /// Stop after so many divergences, finding the place where the traces meet again in between
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = at_least_1)]
    pub max_divergences: usize,
    /// Count the common steps by code object and opcode
    #[arg(long)]
    pub stat: bool,
    /// The program's `.pyc`: shows the disassembly around the divergence
    #[arg(long, value_name = "FILE")]
    pub pyc: Option<PathBuf>,
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
    /// Compares, prints, and tells whether the traces are the same.
    ///
    /// # Errors
    ///
    /// What cannot be opened, read or written.
    pub fn run(&self) -> Result<bool> {
        if self.left.as_os_str() == "-" && self.right.as_os_str() == "-" {
            bail!("only one of the two can be standard input; give the other as a file or FIFO");
        }
        let config = self.how.config([self.left_format, self.right_format])?;
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
            // https://no-color.org: any value but an empty one.
            let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            let mut shown = String::new();
            report.write(&mut shown, Paint { on: output.is_terminal() && !no_color })?;
            output.write_all(shown.as_bytes())?;
        }
        output.flush()?;
        Ok(())
    }
}
