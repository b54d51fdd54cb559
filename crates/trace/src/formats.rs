//! Every format into canonical steps: which format a trace has, and its reader.
//!
//! Recordings (`flow`) are known by their first bytes and have no lines; all else is made of lines.
//!
//! One file for each format. To add one: write `formats/NAME.rs` with a reader that implements
//! [`Steps`] on top of [`Lines`] and a `recognise` for its first lines, with tests on logs
//! recorded from the real thing in `tests/logs/NAME/`; add it to [`Format`], to [`Reader`], to
//! [`recognise`] below, and to `docs/trace-format.md`. Comparing and converting know nothing of formats.

pub mod byterun;
pub mod flow;
pub mod json;
pub mod jsonl;
pub mod line;
pub mod xpython;

use crate::input::Input;
use crate::lines::Lines;
use crate::step::{About, Fields, Format, ReadError, Step, Steps};
use byterun::Byterun;
use flow::Flow;
use jsonl::Jsonl;
use line::Line;
use recording::file::MAGIC;
use xpython::Xpython;

/// How much is looked at to recognise a format.
const SAMPLE: usize = 1 << 20;

/// The reader of a trace in any format.
#[derive(Debug)]
pub enum Reader<'a> {
    /// Of `line`.
    Line(Line<'a>),
    /// Of `jsonl`.
    Jsonl(Jsonl<'a>),
    /// Of `xpython`.
    Xpython(Xpython<'a>),
    /// Of `byterun`.
    Byterun(Byterun<'a>),
    /// Of `flow`.
    Flow(Box<Flow<'a>>),
}

impl Reader<'static> {
    /// Starts to read an opened trace, whose format is recognised from its content unless it is
    /// given. An empty trace has no steps, whatever its format.
    ///
    /// # Errors
    ///
    /// Unreadable input, and content of no known format.
    pub fn open(input: Input, format: Option<Format>) -> Result<Reader<'static>, ReadError> {
        Reader::new(Lines::new(input), format)
    }
}

impl<'a> Reader<'a> {
    /// Starts to read lines, like [`Reader::open`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn new(lines: Lines<'a>, format: Option<Format>) -> Result<Reader<'a>, ReadError> {
        Reader::with(lines, format, false)
    }

    /// Like [`Reader::new`]; with `lenient` lines that are no step are skipped, colours and other
    /// text around steps left out, and both are counted.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn with(
        mut lines: Lines<'a>,
        format: Option<Format>,
        lenient: bool,
    ) -> Result<Reader<'a>, ReadError> {
        if lenient && !lines.starts_with(&MAGIC)? {
            lines = lines.without_colours();
        }
        let format = match format {
            Some(format) => format,
            None => recognise(&mut lines)?,
        };
        Ok(match format {
            Format::Line => Reader::Line(Line::new(lines).lenient(lenient)),
            Format::Jsonl => Reader::Jsonl(Jsonl::new(lines).lenient(lenient)),
            Format::Xpython => Reader::Xpython(Xpython::new(lines)),
            Format::Byterun => Reader::Byterun(Byterun::new(lines)),
            Format::Flow => Reader::Flow(Box::new(Flow::new(lines)?)),
        })
    }

    fn steps(&self) -> &dyn Steps {
        match self {
            Reader::Line(reader) => reader,
            Reader::Jsonl(reader) => reader,
            Reader::Xpython(reader) => reader,
            Reader::Byterun(reader) => reader,
            Reader::Flow(reader) => &**reader,
        }
    }
}

impl Steps for Reader<'_> {
    #[inline]
    fn next(&mut self) -> Result<Option<Step<'_>>, ReadError> {
        match self {
            Reader::Line(reader) => reader.next(),
            Reader::Jsonl(reader) => reader.next(),
            Reader::Xpython(reader) => reader.next(),
            Reader::Byterun(reader) => reader.next(),
            Reader::Flow(reader) => reader.next(),
        }
    }

    fn format(&self) -> Format {
        self.steps().format()
    }

    fn fields(&self) -> Fields {
        self.steps().fields()
    }

    fn name(&self) -> &str {
        match self {
            Reader::Flow(reader) => reader.name(),
            _ => self.steps().name(),
        }
    }

    fn trimmed_lines(&self) -> u64 {
        self.steps().trimmed_lines()
    }

    fn about(&self) -> About {
        self.steps().about()
    }

    fn other_lines(&self) -> u64 {
        self.steps().other_lines()
    }
}

/// The format of what follows. Reads as few lines as decide it, and passes over none.
///
/// # Errors
///
/// Unreadable input, and content of no known format.
pub fn recognise(lines: &mut Lines<'_>) -> Result<Format, ReadError> {
    if lines.starts_with(&MAGIC)? {
        return Ok(Format::Flow);
    }
    let mut from = 0;
    while from < SAMPLE
        && let Some(line) = lines.ahead(from)?
    {
        let text = &lines.text()[from..line.end];
        let found = Format::LINES.into_iter().find(|format| match format {
            Format::Flow => false,
            Format::Line => line::recognise(text),
            Format::Jsonl => jsonl::recognise(text),
            Format::Xpython => xpython::recognise(text),
            Format::Byterun => byterun::recognise(text),
        });
        if let Some(format) = found {
            return Ok(format);
        }
        from = line.next;
    }
    match lines.text().first() {
        None => Ok(Format::Line),
        // Its reader says best what is wrong with it.
        Some(b'{') => Ok(Format::Jsonl),
        Some(_) => Err(lines.error(ReadError::unknown())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step::Position;

    fn format(text: &[u8]) -> Result<Format, String> {
        recognise(&mut Lines::of("t", text, Position::START)).map_err(|error| error.to_string())
    }

    #[test]
    fn content_decides_the_format() {
        for (text, wanted) in [
            (&b"f> 0 POP_TOP\n"[..], Format::Line),
            (b"a\nb> 0 LOAD_CONST (\xff\n", Format::Line),
            (b"{\"py27trace\":1}\n", Format::Jsonl),
            (b"{\"op\":1,\"pc\":0}", Format::Jsonl),
            (b"{\"pc\":x}\n", Format::Jsonl),
            (b"hello\nINFO:xpython.vm:       @  3: POP_TOP \n", Format::Xpython),
            (b"{1: 2}\nINFO:xpython.vm:       @  3: POP_TOP \n", Format::Xpython),
            (b"hello\nINFO:byterun.pyvm2:  data: []\n", Format::Byterun),
            (b"", Format::Line),
            (b"py27flow\x01", Format::Flow),
        ] {
            assert_eq!(format(text).unwrap(), wanted, "{}", text.escape_ascii());
        }
        let error = format(b"hello\n").unwrap_err();
        assert!(error.starts_with("`t`, line 1 (byte 0): this is no trace"), "{error}");
    }
}
