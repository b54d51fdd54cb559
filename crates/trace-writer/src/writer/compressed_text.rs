//! Text that is compressed: a row of Zstandard frames.
//!
//! Each holds whole lines and is written as a whole or not at all, so that what is in the file is
//! well formed wherever it ends.

use std::io;

use zstd::bulk::Compressor;
use zstd::zstd_safe::compress_bound;

use super::Trouble;
use super::sink::{Sink, whole};
use recording::file::is_full;

/// Bytes of text in one frame. Much smaller ones would compress worse: a trace repeats itself.
pub const FRAME: usize = 1 << 20;

/// The level of compression.
const LEVEL: i32 = 1;

/// A file of frames.
pub struct CompressedText {
    sink: Sink,
    compressor: Compressor<'static>,
    frame: Vec<u8>,
}

impl CompressedText {
    pub fn new(sink: Sink) -> io::Result<CompressedText> {
        Ok(CompressedText { sink, compressor: Compressor::new(LEVEL)?, frame: Vec::new() })
    }

    /// Writes lines, as many as fit into a file of that many bytes.
    pub fn lines(&mut self, lines: &[u8], most: u64) -> Result<(), Trouble> {
        let mut rest = lines;
        // What they come to is known once they are compressed: if that is too much, half of them.
        let mut size = rest.len();
        let mut full = None;
        while !rest.is_empty() {
            let length = if size < rest.len() { whole(&rest[..size]) } else { rest.len() };
            if length == 0 {
                break;
            }
            match self.frame(&rest[..length], most) {
                Ok(()) => rest = &rest[length..],
                Err(Trouble::Write(error)) if !is_full(&error) => return Err(error.into()),
                Err(trouble) => (size, full) = (length / 2, Some(trouble)),
            }
        }
        full.map_or(Ok(()), Err)
    }

    /// Writes one frame, or nothing.
    fn frame(&mut self, lines: &[u8], most: u64) -> Result<(), Trouble> {
        self.frame.clear();
        self.frame.reserve(compress_bound(lines.len()));
        self.compressor.compress_to_buffer(lines, &mut self.frame)?;
        if self.frame.len() as u64 > most.saturating_sub(self.sink.written()) {
            return Err(Trouble::Limit);
        }
        Ok(self.sink.piece(&self.frame)?)
    }

    /// What the frames go to.
    pub fn sink(&mut self) -> &mut Sink {
        &mut self.sink
    }

    /// Ends the file: without a line it holds a frame all the same, as readers know it by that.
    pub fn finish(mut self, most: u64) -> Result<(), Trouble> {
        match self.sink.written() {
            0 => self.frame(b"", most),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use super::super::sink::Owner;
    use super::*;

    fn compressed(lines: &[u8], most: u64) -> (Result<(), Trouble>, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.zst");
        let mut compressed =
            CompressedText::new(Sink::new(File::create(&path).unwrap(), Owner::We)).unwrap();
        let result = compressed.lines(lines, most);
        let _ = compressed.finish(most);
        (result, fs::read(path).unwrap())
    }

    #[test]
    fn as_many_lines_as_fit() {
        let lines: Vec<u8> =
            (0..20_000).flat_map(|n| format!("f> {n} NOP\n").into_bytes()).collect();
        let (result, all) = compressed(&lines, u64::MAX);
        assert!(result.is_ok());
        assert_eq!(zstd::decode_all(&all[..]).unwrap(), lines);
        for most in [all.len() / 2, all.len() / 9, 1000, 100, 25] {
            let (result, file) = compressed(&lines, most as u64);
            assert!(matches!(result, Err(Trouble::Limit)));
            let text = zstd::decode_all(&file[..]).unwrap();
            assert!(lines.starts_with(&text) && text.ends_with(b"\n"), "{most}");
            assert!(file.len() <= most && file.len() > most / 2, "{} of {most}", file.len());
        }
    }

    #[test]
    fn no_lines_are_a_frame_too() {
        let (_, file) = compressed(b"", u64::MAX);
        assert!(!file.is_empty());
        assert_eq!(zstd::decode_all(&file[..]).unwrap(), b"");
        assert_eq!(compressed(b"", 3).1, b"");
    }
}
