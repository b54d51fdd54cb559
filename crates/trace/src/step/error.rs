//! Why a trace could not be read, and where.

use std::error::Error;
use std::fmt;
use std::io;

use recording::file::Broken;

use super::Format;

/// Why a trace could not be read. Says the file, the line and the byte where they are known.
#[derive(Debug)]
pub struct ReadError {
    file: String,
    /// Line and its first byte, as in [`super::Position`].
    place: Option<(u64, u64)>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Io(io::Error),
    Cut,
    TooLong(usize),
    Unknown,
    Empty,
    Syntax(String),
}

impl ReadError {
    /// What is wrong with a recording, `file` being its name for people.
    pub fn of_recording(broken: Broken, file: &str) -> ReadError {
        match broken {
            Broken::Io(error) => ReadError::io(error).in_file(file),
            Broken::Damaged(offset, reason) => {
                ReadError::syntax(reason).at_byte(offset).in_file(file)
            }
        }
    }

    /// The system's error.
    pub fn io(error: io::Error) -> ReadError {
        ReadError::new(Kind::Io(error))
    }

    /// The input ends in the middle of a line.
    pub fn cut() -> ReadError {
        ReadError::new(Kind::Cut)
    }

    /// A step takes more than `limit` bytes.
    pub fn too_long(limit: usize) -> ReadError {
        ReadError::new(Kind::TooLong(limit))
    }

    /// The content is of no known format.
    pub fn unknown() -> ReadError {
        ReadError::new(Kind::Unknown)
    }

    /// The trace has no steps.
    pub fn empty() -> ReadError {
        ReadError::new(Kind::Empty)
    }

    /// The format does not allow this; `reason` in lower case, without full stop.
    pub fn syntax(reason: impl Into<String>) -> ReadError {
        ReadError::new(Kind::Syntax(reason.into()))
    }

    fn new(kind: Kind) -> ReadError {
        ReadError { file: String::new(), place: None, kind }
    }

    /// Adds the place, unless there is one already.
    #[must_use]
    pub fn at(mut self, line: u64, offset: u64) -> ReadError {
        self.place.get_or_insert((line, offset));
        self
    }

    /// Adds the byte, where there are no lines.
    #[must_use]
    pub fn at_byte(self, offset: u64) -> ReadError {
        self.at(0, offset)
    }

    /// Adds the file's name, unless there is one already.
    #[must_use]
    pub fn in_file(mut self, file: &str) -> ReadError {
        if self.file.is_empty() {
            file.clone_into(&mut self.file);
        }
        self
    }

    /// The line, from 1, where there are lines.
    pub fn line(&self) -> Option<u64> {
        self.place.map(|(line, _)| line).filter(|&line| line > 0)
    }

    /// The first byte of that line, from 0, or the byte itself.
    pub fn offset(&self) -> Option<u64> {
        self.place.map(|(_, offset)| offset)
    }

    /// Whether the trace ends in the middle of a line: what a tracer that was killed leaves.
    pub fn is_cut(&self) -> bool {
        matches!(self.kind, Kind::Cut)
    }

    /// What is wrong, without the place.
    pub fn reason(&self) -> String {
        match &self.kind {
            Kind::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                "the compressed trace is cut short here; record it again".to_owned()
            }
            Kind::Io(error) => error.to_string(),
            Kind::Cut => "the trace was cut short in the middle of this line; record it again, or \
                          delete the line"
                .to_owned(),
            Kind::TooLong(limit) => {
                format!("this step is longer than {} MiB, which no tracer writes", limit >> 20)
            }
            Kind::Unknown => {
                let formats = Format::ALL.map(|format| format!("`{format}`")).join(", ");
                format!(
                    "this is no trace that trace27 recognises (it reads {formats}); say which \
                     format it has, or see docs/trace-format.md"
                )
            }
            Kind::Empty => "the trace has no steps, so there is nothing to compare or check; \
                            `--allow-empty` accepts it"
                .to_owned(),
            Kind::Syntax(reason) => reason.clone(),
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if !self.file.is_empty() {
            write!(f, "`{}`", self.file)?;
            f.write_str(if self.place.is_some() { ", " } else { ": " })?;
        }
        match self.place {
            Some((0, offset)) => write!(f, "byte {offset}: ")?,
            Some((line, offset)) => write!(f, "line {line} (byte {offset}): ")?,
            None => {}
        }
        f.write_str(&self.reason())
    }
}

impl Error for ReadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.kind {
            // Its text is in ours: what follows is what it stems from.
            Kind::Io(error) => error.source(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_names_file_line_byte_and_reason_once() {
        let error = ReadError::syntax("`pc` is missing").at(3, 40).at(9, 9).in_file("a.jsonl");
        assert_eq!(error.to_string(), "`a.jsonl`, line 3 (byte 40): `pc` is missing");
        assert_eq!((error.line(), error.offset(), error.is_cut()), (Some(3), Some(40), false));
        let error = ReadError::io(io::Error::other("no such thing")).in_file("a").in_file("b");
        assert_eq!(error.to_string(), "`a`: no such thing");
        let error = ReadError::syntax("no section starts here").at_byte(7).in_file("a.flow");
        assert_eq!(error.to_string(), "`a.flow`, byte 7: no section starts here");
        assert_eq!((error.line(), error.offset()), (None, Some(7)));
        assert!(
            ReadError::unknown()
                .to_string()
                .contains("`line`, `jsonl`, `xpython`, `byterun`, `flow`")
        );
    }
}
