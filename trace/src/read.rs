//! Reads a text trace line by line in bounded memory, whatever the file holds.

use std::io::{self, BufRead};

use crate::text::{self, Line};

/// What is kept of one line; the rest of a longer one is passed over.
const LONGEST: usize = 1 << 20;

/// The instructions of a trace, one after the other.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    line: Vec<u8>,
    /// Lines read so far.
    number: u64,
    /// Whether the constant of the last instruction goes on in the next line.
    open: bool,
    others: u64,
}

impl<R: BufRead> Reader<R> {
    /// Reads from the start of a trace.
    pub fn new(input: R) -> Reader<R> {
        Reader { input, line: Vec::new(), number: 0, open: false, others: 0 }
    }

    /// The next instruction; `None` at the end. A line that starts no instruction belongs to the
    /// constant or the name before it, and is counted only.
    pub fn instruction(&mut self) -> io::Result<Option<Line<'_>>> {
        loop {
            if !self.read_line()? {
                return Ok(None);
            }
            let closes = self.line.ends_with(b")");
            let starts = !self.open && text::parse(&self.line).is_some();
            if starts {
                break;
            }
            self.open &= !closes;
            self.others += 1;
        }
        let line = text::parse(&self.line);
        self.open = line.is_some_and(|line| !line.complete);
        Ok(line)
    }

    /// How many lines have been read.
    pub fn lines(&self) -> u64 {
        self.number
    }

    /// How many of them started no instruction.
    pub fn others(&self) -> u64 {
        self.others
    }

    /// The next line without its newline, cut at [`LONGEST`]. False at the end.
    fn read_line(&mut self) -> io::Result<bool> {
        self.line.clear();
        let mut any = false;
        loop {
            let bytes = match self.input.fill_buf() {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if bytes.is_empty() {
                break;
            }
            any = true;
            let end = bytes.iter().position(|&byte| byte == b'\n');
            let piece = &bytes[..end.unwrap_or(bytes.len())];
            let room = LONGEST - self.line.len();
            self.line.extend_from_slice(&piece[..piece.len().min(room)]);
            let used = piece.len() + usize::from(end.is_some());
            self.input.consume(used);
            if end.is_some() {
                break;
            }
        }
        self.number += u64::from(any);
        Ok(any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offsets(text: &[u8]) -> (Vec<u32>, u64) {
        // A buffer of three bytes, so that lines span many.
        let mut reader = Reader::new(io::BufReader::with_capacity(3, text));
        let mut offsets = Vec::new();
        while let Some(line) = reader.instruction().unwrap() {
            offsets.push(line.offset);
        }
        (offsets, reader.others())
    }

    #[test]
    fn constants_with_newlines_are_one_instruction() {
        let text = b"f> 0 LOAD_CONST (a\nf> 7 POP_TOP\nb)\nf> 3 RETURN_VALUE\n";
        assert_eq!(offsets(text), (vec![0, 3], 2));
        assert_eq!(offsets(b"f> 0 LOAD_CONST (a)\nb)\nf> 3 RETURN_VALUE"), (vec![0, 3], 1));
    }

    #[test]
    fn a_line_without_end_takes_bounded_memory() {
        let mut text = vec![b'x'; 3 * LONGEST];
        text.extend_from_slice(b"\nf> 3 POP_TOP\n");
        let mut reader = Reader::new(&text[..]);
        assert_eq!(reader.instruction().unwrap().unwrap().offset, 3);
        assert!(reader.line.capacity() <= 2 * LONGEST);
    }

    #[test]
    fn nothing_is_no_instruction() {
        assert_eq!(offsets(b""), (vec![], 0));
        assert_eq!(offsets(b"\n\0\n"), (vec![], 2));
    }
}
