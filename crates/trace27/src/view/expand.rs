//! `expand`: a recording as the text that it stands for.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args as ClapArgs;

use recording::expand::expand;
use recording::file::{LIMIT, Sections};
use recording::text::RenderOptions;
use trace::convert::UNRESOLVED;
use trace::formats::flow::CONSTANTS;
use trace::input::Input;
use trace::output::Output;
use trace::step::ReadError;

/// What was typed.
#[derive(Clone, Debug, ClapArgs)]
pub struct Args {
    /// The recording; `-` is standard input
    pub input: PathBuf,
    /// The text; `-` is standard output, and `.zst` at its end compresses
    #[arg(default_value = "-")]
    pub output: PathBuf,
    /// Write what operands mean in place of their numbers
    #[arg(short, long)]
    pub resolve: bool,
    /// Write only code objects of this co_name
    #[arg(short, long, allow_hyphen_values = true)]
    pub name: Option<OsString>,
    /// Leave out what follows EXTENDED_ARG, as the blog's tracer does
    #[arg(long)]
    pub blog: bool,
    /// The first instruction to write, counted from 1 over the whole recording
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u64).range(1..))]
    pub from: u64,
    /// The last instruction to write
    #[arg(long, value_name = "N")]
    pub to: Option<u64>,
    /// How many threads expand [default: as many as there are processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: Option<u16>,
}

impl Args {
    /// Runs the command. A recording that is damaged is written up to there.
    ///
    /// # Errors
    ///
    /// Input that is no recording, output that cannot be written.
    pub fn run(&self) -> Result<()> {
        let input = Input::open(&self.input)?;
        let named = input.name().to_owned();
        let options = RenderOptions {
            resolve: self.resolve,
            blog: self.blog,
            name: self.name.as_ref().map(|name| name.as_encoded_bytes().to_vec()),
            counts_lines: false,
        };
        let threads = self.threads.map_or_else(
            || std::thread::available_parallelism().map_or(1, usize::from),
            usize::from,
        );
        let opened = Sections::open(input.into_reader());
        let (sections, about) = opened.map_err(|broken| ReadError::of_recording(broken, &named))?;
        if self.resolve && about[CONSTANTS] == false {
            return Err(ReadError::syntax(UNRESOLVED).in_file(&named).into());
        }
        let limit = about[LIMIT].as_u64().unwrap_or(u64::MAX);
        let range = self.from - 1..self.to.unwrap_or(u64::MAX).min(limit);
        let mut output = Output::create(&self.output, &[&self.input])?;
        let writing = || format!("cannot write `{}`", self.output.display());
        let mut failing = Writing { out: &mut output, failed: None };
        let result = expand(sections, &options, &range, threads, &mut failing);
        if let Some(error) = failing.failed {
            return Err(anyhow::Error::new(error).context(writing()));
        }
        output.finish().with_context(writing)?;
        Ok(result.map_err(|broken| ReadError::of_recording(broken, &named))?)
    }
}

/// Tells errors of the output from those of the input.
struct Writing<'a> {
    out: &'a mut Output,
    failed: Option<std::io::Error>,
}

impl std::io::Write for Writing<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.out.write(bytes).map_err(|error| {
            let copy = std::io::Error::new(error.kind(), error.to_string());
            self.failed.get_or_insert(error);
            copy
        })
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}
