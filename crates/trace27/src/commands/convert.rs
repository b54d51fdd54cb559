//! `convert`: any trace that we read, written as `line` or `jsonl`.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::options;
use crate::output::Output;
use trace::convert::{Error, To, convert};
use trace::formats::Reader;
use trace::input::Input;
use trace::lines::Lines;
use trace::step::Format;

/// Write any trace as `line` or `jsonl`
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The trace; `-` is standard input
    input: PathBuf,
    /// The file to write; `-` is standard output, and a name that ends with `.zst` compresses
    output: PathBuf,
    /// The format to write
    #[arg(long, value_parser = options::to())]
    to: To,
    /// The format of the input [default: recognised by its content]
    #[arg(long, value_parser = options::format())]
    from: Option<Format>,
    /// Write the meaning of operands, not their number, where a step has both and the format has
    /// room for one
    #[arg(short, long)]
    resolve: bool,
    /// Write what the stack, the block stack, the locals and the cells hold before each instruction
    /// of a recording with values, to `jsonl`
    #[arg(long)]
    values: bool,
    /// Skip lines that are no step, and count them on standard error
    #[arg(long)]
    lenient: bool,
}

impl Args {
    /// Runs the command.
    ///
    /// # Errors
    ///
    /// Input that is no trace, output that cannot be written.
    pub fn run(&self) -> Result<()> {
        let opened = Input::open(&self.input)?;
        let mut out = Output::create(&self.output, &[&self.input])?;
        let named = || format!("cannot write `{}`", self.output.display());
        let mut reader = Reader::with(Lines::new(opened), self.from, self.lenient)?;
        if self.values {
            self.with_values(&mut reader)?;
        }
        match convert(&mut reader, self.to, self.resolve, &mut out) {
            Err(Error::Write(error)) => return Err(error).with_context(named),
            result => result?,
        };
        out.finish().with_context(named)?;
        if self.lenient {
            options::say_left_out(&reader)?;
        }
        Ok(())
    }

    fn with_values(&self, reader: &mut Reader<'_>) -> Result<()> {
        let has_values = match reader {
            Reader::Flow(flow) => flow.with_values(),
            _ => false,
        };
        if !has_values {
            bail!(
                "`{}` has no values; record the program with `tracer.py --values`",
                self.input.display()
            );
        }
        if self.to != To::Jsonl {
            bail!("`--values` needs `--to jsonl`");
        }
        Ok(())
    }
}
