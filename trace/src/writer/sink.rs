//! The file of one thread's trace.
//!
//! After its first failure it takes nothing more, so that what it holds stays the beginning of a
//! trace; of lines it then keeps the whole ones only.

use std::fs::File;
use std::io::{self, Write};

/// Bytes that a pipe takes at once, whoever else writes to it (POSIX, `PIPE_BUF` on Linux).
const AT_ONCE: usize = 4096;

/// A file, and how far it has come.
#[derive(Debug)]
pub struct Sink {
    file: File,
    owner: Owner,
    written: u64,
    failed: Option<i32>,
}

/// Who writes to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// We alone.
    We,
    /// The program does too: it is its standard output.
    Program,
}

impl Sink {
    /// A file, empty if it is ours.
    pub fn new(file: File, owner: Owner) -> Sink {
        Sink { file, owner, written: 0, failed: None }
    }

    /// How many bytes were written.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Writes whole lines. If that fails, a file of ours ends with a whole line.
    pub fn lines(&mut self, lines: &[u8]) -> io::Result<()> {
        let before = self.written;
        let result = match self.owner {
            Owner::We => self.write_all(lines),
            Owner::Program => pieces(lines).try_for_each(|piece| self.write_all(piece)),
        };
        if result.is_err() && self.owner == Owner::We && self.written > before {
            let written = &lines[..(self.written - before) as usize];
            // Only a regular file can be cut; nothing is lost where it cannot.
            let _ = self.file.set_len(before + whole(written) as u64);
        }
        result
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(errno) = self.failed {
            return Err(io::Error::from_raw_os_error(errno));
        }
        match self.file.write(bytes) {
            Ok(count) => {
                self.written += count as u64;
                Ok(count)
            }
            Err(error) => {
                if error.kind() != io::ErrorKind::Interrupted {
                    self.failed = Some(error.raw_os_error().unwrap_or(0));
                }
                Err(error)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How many of the bytes are whole lines.
pub fn whole(lines: &[u8]) -> usize {
    lines.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1)
}

/// Lines in pieces that nobody's output comes in between, but for a line that is too long for it.
fn pieces(lines: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = lines;
    std::iter::from_fn(move || {
        let length = match whole(&rest[..rest.len().min(AT_ONCE)]) {
            0 => rest.iter().position(|&byte| byte == b'\n').map_or(rest.len(), |at| at + 1),
            length => length,
        };
        let (piece, after) = rest.split_at(length);
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_whole_lines() {
        let short = b"a line\n".repeat(2000);
        let long = [vec![b'x'; 5000], b"\n".to_vec()].concat();
        let lines = [&short[..], &long, &short].concat();
        let found: Vec<&[u8]> = pieces(&lines).collect();
        assert_eq!(found.concat(), lines);
        assert!(found.iter().all(|piece| piece.ends_with(b"\n")));
        assert!(found.iter().all(|piece| piece.len() <= AT_ONCE || **piece == long));
        assert_eq!(pieces(b"").count(), 0);
    }

    #[test]
    fn nothing_follows_a_failure() {
        let Ok(full) = File::options().write(true).open("/dev/full") else { return };
        let mut sink = Sink::new(full, Owner::We);
        let error = sink.lines(b"a\n").unwrap_err();
        assert_eq!(sink.lines(b"b\n").unwrap_err().raw_os_error(), error.raw_os_error());
        assert_eq!(sink.written(), 0);
    }
}
