//! Cuts a trace into lines, in bounded memory, and counts them.
//!
//! A reader looks at lines that lie ahead, decides how many make up its step, and then passes
//! over them; until it does, all of them stay in one piece. What a line means is the reader's.

use std::fmt;
use std::io::{self, Read};

use memmap2::Mmap;

use crate::input::{self, Input, Source};
use crate::step::{Position, ReadError};

/// The longest step in bytes, all its lines together, whatever the input is.
pub const LONGEST: usize = 16 << 20;

/// How much is read at once.
const CHUNK: usize = 1 << 18;

/// The lines of a trace that have not been passed over yet.
pub struct Lines<'a> {
    name: String,
    text: Text<'a>,
    /// Where the next line starts in the text at hand.
    start: usize,
    line: u64,
    offset: u64,
}

enum Text<'a> {
    Slice(&'a [u8]),
    Mapped(Mmap),
    Stream { reader: Option<Box<dyn Read + Send + 'a>>, buffer: Vec<u8>, len: usize },
}

/// Where a line that lies ahead ends, counted from where the next line starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ahead {
    /// Its end, without the newline.
    pub end: usize,
    /// Where the line after it starts. The same as `end` where the newline is missing.
    pub next: usize,
}

impl Ahead {
    /// Whether the input ends before the line does.
    pub fn is_cut(self) -> bool {
        self.end == self.next
    }
}

impl<'a> Lines<'a> {
    /// The lines of an opened trace.
    pub fn new(input: Input) -> Lines<'static> {
        let (name, source) = input.into_parts();
        let text = match source {
            Source::Mapped(map) => Text::Mapped(map),
            Source::Stream(reader) => Lines::stream(reader),
        };
        Lines { name, text, start: 0, line: 1, offset: 0 }
    }

    /// The lines of `text`, which messages call `name` and which starts at `position` of the whole.
    pub fn of(name: &str, text: &'a [u8], position: Position) -> Lines<'a> {
        let (line, offset) = (position.line, position.offset);
        Lines { name: name.to_owned(), text: Text::Slice(text), start: 0, line, offset }
    }

    /// The lines that `reader` gives, as they are: nothing is decoded.
    pub fn from_reader(name: &str, reader: Box<dyn Read + Send + 'a>) -> Lines<'a> {
        Lines { name: name.to_owned(), text: Lines::stream(reader), start: 0, line: 1, offset: 0 }
    }

    fn stream(reader: Box<dyn Read + Send + '_>) -> Text<'_> {
        Text::Stream { reader: Some(reader), buffer: Vec::new(), len: 0 }
    }

    /// What messages call the trace.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of the next line, from 1, and its first byte, from 0.
    pub fn place(&self) -> (u64, u64) {
        (self.line, self.offset)
    }

    /// The text at hand from the next line on. It may end anywhere; [`Lines::ahead`] adds to it.
    #[inline]
    pub fn text(&self) -> &[u8] {
        let text = match &self.text {
            Text::Slice(text) => text,
            Text::Mapped(map) => &map[..],
            Text::Stream { buffer, len, .. } => &buffer[..*len],
        };
        &text[self.start..]
    }

    /// Whether the text goes on with these bytes. Waits for no more of them than decide it.
    ///
    /// # Errors
    ///
    /// Unreadable input.
    pub fn starts_with(&mut self, bytes: &[u8]) -> Result<bool, ReadError> {
        loop {
            let text = self.text();
            let known = text.len().min(bytes.len());
            if text[..known] != bytes[..known] {
                return Ok(false);
            }
            if known == bytes.len() {
                return Ok(true);
            }
            if !self.fill()? {
                return Ok(false);
            }
        }
    }

    /// The bytes from the next line on, as they come, for a format that is not made of lines.
    pub fn into_reader(self) -> Box<dyn Read + Send + 'a> {
        match self.text {
            Text::Slice(text) => Box::new(&text[self.start..]),
            Text::Mapped(map) => {
                let mut rest = io::Cursor::new(map);
                rest.set_position(self.start as u64);
                Box::new(rest)
            }
            Text::Stream { reader, mut buffer, len } => {
                buffer.truncate(len);
                let mut at_hand = io::Cursor::new(buffer);
                at_hand.set_position(self.start as u64);
                match reader {
                    Some(reader) => Box::new(at_hand.chain(reader)),
                    None => Box::new(at_hand),
                }
            }
        }
    }

    /// The same without colour codes. Places are counted in what is left.
    pub(crate) fn without_colours(self) -> Lines<'a> {
        let (name, line, offset) = (self.name.clone(), self.line, self.offset);
        let text = Lines::stream(Box::new(input::Colourless::new(self.into_reader())));
        Lines { name, text, start: 0, line, offset }
    }

    /// The line that starts `from` bytes after the next line's start; `None` at the end.
    ///
    /// # Errors
    ///
    /// Unreadable input, and a line that ends more than [`LONGEST`] bytes ahead.
    #[inline]
    pub fn ahead(&mut self, from: usize) -> Result<Option<Ahead>, ReadError> {
        let mut searched = from;
        loop {
            let text = self.text();
            let rest = &text[searched.min(text.len())..];
            let rest = &rest[..rest.len().min(LONGEST + 1)];
            if let Some(found) = memchr::memchr(b'\n', rest) {
                let end = searched + found;
                if end > LONGEST {
                    return Err(self.error(ReadError::too_long(LONGEST)));
                }
                return Ok(Some(Ahead { end, next: end + 1 }));
            }
            searched = text.len();
            if searched > LONGEST {
                return Err(self.error(ReadError::too_long(LONGEST)));
            }
            if !self.fill()? {
                return Ok((searched > from).then_some(Ahead { end: searched, next: searched }));
            }
        }
    }

    /// Passes over the next `bytes` bytes, which hold `lines` lines.
    #[inline]
    pub fn pass(&mut self, bytes: usize, lines: u64) {
        self.start += bytes;
        self.offset += bytes as u64;
        self.line += lines;
    }

    /// Says where `error` is: in this trace, on the next line unless it knows better.
    pub fn error(&self, error: ReadError) -> ReadError {
        error.at(self.line, self.offset).in_file(&self.name)
    }

    /// Reads more; false at the end.
    #[cold]
    fn fill(&mut self) -> Result<bool, ReadError> {
        let Text::Stream { reader: source, buffer, len } = &mut self.text else {
            return Ok(false);
        };
        let Some(reader) = source else { return Ok(false) };
        if self.start > 0 {
            buffer.copy_within(self.start..*len, 0);
            *len -= self.start;
            self.start = 0;
        }
        if buffer.len() - *len < CHUNK / 2 {
            // Never more than one step of the longest and what is read at once.
            buffer.resize((2 * *len).clamp(CHUNK, LONGEST + 2 * CHUNK), 0);
        }
        loop {
            match reader.read(&mut buffer[*len..]) {
                Ok(0) => {
                    *source = None;
                    return Ok(false);
                }
                Ok(read) => {
                    *len += read;
                    return Ok(true);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    *source = None;
                    return Err(ReadError::io(error).in_file(&self.name));
                }
            }
        }
    }
}

impl fmt::Debug for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Lines").field("name", &self.name).field("line", &self.line).finish()
    }
}

/// Gives one byte at a time.
#[cfg(test)]
pub(crate) struct Drip<'a>(pub &'a [u8]);

#[cfg(test)]
impl Read for Drip<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let len = out.len().min(1);
        self.0.read(&mut out[..len])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_ahead_stay_in_one_piece() {
        const TEXT: &[u8] = b"a\nbc\n\nd";
        let slice = Lines::of("t", TEXT, Position::START);
        for mut lines in [slice, Lines::from_reader("t", Box::new(Drip(TEXT)))] {
            let first = lines.ahead(0).unwrap().unwrap();
            assert_eq!((first.end, first.next), (1, 2));
            let second = lines.ahead(first.next).unwrap().unwrap();
            assert_eq!(&lines.text()[..second.end], b"a\nbc");
            lines.pass(second.next, 2);
            assert_eq!(lines.place(), (3, 5));
            assert_eq!(lines.ahead(0).unwrap(), Some(Ahead { end: 0, next: 1 }));
            lines.pass(1, 1);
            let last = lines.ahead(0).unwrap().unwrap();
            assert!(last.is_cut());
            assert_eq!(&lines.text()[..last.end], b"d");
            assert_eq!(lines.ahead(last.next).unwrap(), None);
        }
    }

    #[test]
    fn what_is_no_line_comes_as_it_is() {
        const TEXT: &[u8] = b"py27flow\0and more";
        let slice = Lines::of("t", TEXT, Position::START);
        for mut lines in [slice, Lines::from_reader("t", Box::new(Drip(TEXT)))] {
            assert!(!lines.starts_with(b"py28").unwrap());
            assert!(lines.starts_with(b"py27flow").unwrap());
            assert!(!lines.starts_with(&[TEXT, b"!"].concat()).unwrap());
            let mut rest = Vec::new();
            lines.into_reader().read_to_end(&mut rest).unwrap();
            assert_eq!(rest, TEXT);
        }
    }

    #[test]
    fn a_line_without_end_takes_bounded_memory() {
        let mut lines = Lines::from_reader("t", Box::new(io::repeat(b'x').take(1 << 30)));
        let error = lines.ahead(0).unwrap_err();
        assert_eq!((error.line(), error.offset()), (Some(1), Some(0)));
        let Text::Stream { buffer, .. } = &lines.text else { panic!("not a stream") };
        assert!(buffer.capacity() <= 2 * LONGEST + 4 * CHUNK, "{}", buffer.len());
    }

    #[test]
    fn the_longest_step_is_the_same_for_files_and_pipes() {
        let text = [vec![b'x'; LONGEST], b"\n".to_vec()].concat();
        let reader = Box::new(io::Cursor::new(text.clone()));
        for mut lines in [Lines::of("t", &text, Position::START), Lines::from_reader("t", reader)] {
            assert_eq!(lines.ahead(0).unwrap().unwrap().end, LONGEST);
        }
        let text = [vec![b'x'; LONGEST + 1], b"\n".to_vec()].concat();
        assert!(Lines::of("t", &text, Position::START).ahead(0).is_err());
        let reader = Box::new(io::Cursor::new(text));
        assert!(Lines::from_reader("t", reader).ahead(0).is_err());
    }
}
