//! A recording with values, which a command may have to read more than once.

use std::fmt;
use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;

use anyhow::{Result, bail};
use recording::block::{Block, Code, CodeObjects};
use recording::decoder::{InstructionSink, Stepped};
use recording::file::Broken;
use recording::replay::{self, Cursor};
use recording::state::{self, Bounds, Machine, StateSink, Visitor};
use trace::formats::Reader;
use trace::formats::flow::value_bounds;
use trace::input::Input;
use trace::lines::Lines;
use trace::step::ReadError;

use crate::view::position::{Position, Search};

/// What is read of a recording.
type Parts<'a> = Cursor<Box<dyn Read + Send + 'a>>;

/// The file of a recording with values.
#[derive(Clone, Copy, Debug)]
pub struct Recorded<'a> {
    path: &'a Path,
}

impl<'a> Recorded<'a> {
    /// The recording in a file; `-` is standard input.
    pub fn new(path: &'a Path) -> Recorded<'a> {
        Recorded { path }
    }

    fn with<T>(
        self,
        read: impl FnOnce(Bounds, &mut Parts) -> (T, Result<(), Broken>),
    ) -> Result<(T, Result<(), ReadError>)> {
        let lines = Lines::new(Input::open(self.path)?);
        let Reader::Flow(flow) = Reader::new(lines, None)? else {
            bail!("`{self}` is no recording; record the program with `tracer.py --values`");
        };
        let (name, mut cursor, about) = flow.into_parts();
        let Some(bounds) = value_bounds(&about) else {
            bail!("`{self}` has no values; record the program with `tracer.py --values`");
        };
        let (found, result) = read(bounds, &mut cursor);
        Ok((found, result.map_err(|broken| ReadError::of_recording(broken, &name))))
    }

    /// Shows a visitor each instruction with the state before it. The second result says why the
    /// recording could not be read to its end, or to where the visitor wanted no more.
    ///
    /// # Errors
    ///
    /// Input that is no recording with values.
    pub fn replay<V: Visitor>(
        self,
        visitor: impl FnOnce(Bounds) -> V,
    ) -> Result<(V, Result<(), ReadError>)> {
        self.with(|bounds, cursor| {
            let machine = Machine::new(bounds.items as u64).with_names();
            let mut sink = StateSink::new(machine, visitor(bounds));
            let result = state::replay(cursor, &mut sink);
            (sink.visitor, result)
        })
    }

    /// A search for a position. One from the end reads the recording once; where that is cut or
    /// damaged, says so on standard error and takes the last instruction before.
    ///
    /// # Errors
    ///
    /// A position that is not there.
    pub fn search(self, at: &Position) -> Result<Search> {
        let Position::FromEnd(back) = *at else { return Ok(Search::new(at.clone())) };
        self.check_readable_again("`--at` from the end")?;
        let (count, result) = self.with(|_, cursor| {
            let mut count = Count(0);
            let result = replay::replay(cursor, &mut count);
            (count.0, result)
        })?;
        if let Err(error) = result {
            writeln!(io::stderr(), "trace27: {error}")?;
        }
        match (count + 1).checked_sub(back).filter(|&number| number > 0 && count > 0) {
            Some(number) => Ok(Search::new(Position::Number(number))),
            None => bail!("`{self}`: it has {count} instructions; `--at` is {back} from the end"),
        }
    }

    /// Refuses what can be read only once, for what needs more.
    ///
    /// # Errors
    ///
    /// A pipe.
    pub fn check_readable_again(self, what: &str) -> Result<()> {
        let is_file = fs::metadata(self.path).is_ok_and(|about| about.is_file());
        if self.path.as_os_str() == "-" || !is_file {
            bail!("{what} reads the recording more than once; give a file, not `{self}`");
        }
        Ok(())
    }
}

impl fmt::Display for Recorded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.path.display().fmt(f)
    }
}

/// The number of the last instruction.
struct Count(u64);

impl InstructionSink for Count {
    fn block(&mut self, _: &CodeObjects, block: &Block, from: usize, to: usize) {
        for at in &block.instructions[from..to] {
            self.0 += u64::from(at.prefixes) + 1;
        }
    }

    fn instruction(&mut self, _: &Code, _: Stepped) {
        self.0 += 1;
    }

    fn goes_on_at(&mut self, first: u64) {
        self.0 = first;
    }
}
