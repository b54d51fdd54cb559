//! The file of one thread's trace.
//!
//! After its first failure it takes nothing more, so that what it holds stays the beginning of a
//! trace; of lines it then keeps the whole ones only.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};

use recording::file::is_full;

/// Bytes that a pipe takes at once, whoever else writes to it (POSIX, `PIPE_BUF` on Linux).
const AT_ONCE: usize = 4096;

/// A file, and how far it has come.
#[derive(Debug)]
pub struct Sink {
    file: File,
    owner: Owner,
    /// Whether what is written at once is only of use as a whole.
    is_in_pieces: bool,
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
        Sink { file, owner, is_in_pieces: false, written: 0, failed: None }
    }

    /// The same for what [`Write::write_all`] shall only ever write as a whole.
    pub fn in_pieces(self) -> Sink {
        Sink { is_in_pieces: true, ..self }
    }

    /// Whether what comes after its present end can be taken back: it is a file, and ours.
    pub fn is_cuttable(&self) -> bool {
        self.owner == Owner::We && self.file.metadata().is_ok_and(|file| file.is_file())
    }

    /// Takes back what another process has written through this file since.
    pub fn take_back(&mut self) -> io::Result<()> {
        self.file.set_len(self.written)?;
        self.file.seek(SeekFrom::Start(self.written)).map(drop)
    }

    /// How many bytes were written.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Writes whole lines. If that fails, a file of ours ends with a whole line.
    pub fn lines(&mut self, lines: &[u8]) -> io::Result<()> {
        let before = self.written;
        let result = match self.owner {
            Owner::We => self.put(lines),
            Owner::Program => pieces(lines).try_for_each(|piece| self.put(piece)),
        };
        if result.is_err() {
            let written = &lines[..(self.written - before) as usize];
            self.cut(before + whole(written) as u64);
        }
        result
    }

    /// Writes bytes that are only of use as a whole. If that fails, a file of ours has none of them,
    /// and where they were only too many it takes fewer.
    pub fn piece(&mut self, bytes: &[u8]) -> io::Result<()> {
        let before = self.written;
        let result = self.put(bytes);
        if let Err(error) = &result
            && self.cut(before)
            && is_full(error)
        {
            self.failed = None;
        }
        result
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => rest = &rest[count..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Takes back what was written beyond a length; a full disk lets a file become shorter. False
    /// where it is still there: only a regular file can be cut.
    fn cut(&mut self, length: u64) -> bool {
        if self.written == length {
            return true;
        }
        let is_cut = self.owner == Owner::We
            && self.file.set_len(length).is_ok()
            && self.file.seek(SeekFrom::Start(length)).is_ok();
        if is_cut {
            self.written = length;
        }
        is_cut
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

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.is_in_pieces { self.piece(bytes) } else { self.put(bytes) }
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
