//! `expand`: a recording as text.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
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
        if let Some(to) = self.to.filter(|&to| to < self.from) {
            bail!("`--from {}` is after `--to {to}`, so there is nothing to write", self.from);
        }
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
        let broken = |broken| ReadError::of_recording(broken, &named);
        let (mut sections, about) = Sections::open(input.into_seekable()).map_err(broken)?;
        if self.resolve && about[CONSTANTS] == false {
            return Err(ReadError::syntax(UNRESOLVED).in_file(&named).into());
        }
        let limit = about[LIMIT].as_u64().unwrap_or(u64::MAX);
        let range = self.from - 1..self.to.unwrap_or(u64::MAX).min(limit);
        sections.skip_to(range.start).map_err(broken)?;
        sections.on_gap({
            let (named, range) = (named.clone(), range.clone());
            move |gap| {
                let end = gap.first + gap.count.unwrap_or(0);
                if gap.first < range.end && end >= range.start {
                    // There is nowhere to report that standard error is closed.
                    let _ = writeln!(io::stderr(), "trace27: `{named}` leaves out {gap}");
                }
            }
        });
        let mut output = Output::create(&self.output, &[&self.input])?;
        let writing = || format!("cannot write `{}`", self.output.display());
        let mut failing = Writing { out: &mut output, failed: None, is_empty: true };
        let result = expand(sections, &options, &range, threads, &mut failing);
        if let Some(error) = failing.failed {
            return Err(anyhow::Error::new(error).context(writing()));
        }
        let is_empty = failing.is_empty;
        output.finish().with_context(writing)?;
        result.map_err(broken)?;
        if is_empty {
            // As above.
            let _ = writeln!(io::stderr(), "trace27: {}", self.nothing(&named));
        }
        Ok(())
    }

    /// Why nothing was written.
    fn nothing(&self, named: &str) -> String {
        let part = match (self.from, self.to) {
            (1, None) => String::new(),
            (from, None) => format!(" from instruction {from} on"),
            (from, Some(to)) => format!(" from instruction {from} to {to}"),
        };
        match &self.name {
            Some(name) => {
                let name = name.as_encoded_bytes().escape_ascii();
                format!("no code object named `{name}` ran in `{named}`{part}; nothing is written")
            }
            None if part.is_empty() => format!("`{named}` holds no instruction"),
            None => {
                format!("`{named}` holds no instruction{part}; `trace27 info` says how many it has")
            }
        }
    }
}

/// Tells errors of the output from those of the input.
struct Writing<'a> {
    out: &'a mut Output,
    failed: Option<io::Error>,
    is_empty: bool,
}

impl Write for Writing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.is_empty &= bytes.is_empty();
        self.out.write(bytes).map_err(|error| {
            let copy = io::Error::new(error.kind(), error.to_string());
            self.failed.get_or_insert(error);
            copy
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
