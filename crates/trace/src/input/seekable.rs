//! A trace that can perhaps be sought: what tries it and fails has read nothing.

use std::fmt;
use std::io::{self, Cursor, Read, Seek, SeekFrom};

use memmap2::Mmap;
use recording::file::Frames;

use super::Source;

/// The bytes of a trace, decompressed.
pub struct Seekable(Bytes);

enum Bytes {
    Mapped(Cursor<Mmap>),
    Packed(Box<Frames<Mmap>>),
    Stream(Box<dyn Read + Send>),
}

impl Seekable {
    /// A compressed file, if it has a seek table.
    pub(super) fn packed(map: Mmap) -> Option<Seekable> {
        Some(Seekable(Bytes::Packed(Box::new(Frames::open(map).ok()?))))
    }
}

impl From<Source> for Seekable {
    fn from(source: Source) -> Seekable {
        Seekable(match source {
            Source::Mapped(map) => Bytes::Mapped(Cursor::new(map)),
            Source::Stream(reader) => Bytes::Stream(reader),
        })
    }
}

impl Read for Seekable {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.0 {
            Bytes::Mapped(bytes) => bytes.read(buffer),
            Bytes::Packed(bytes) => bytes.read(buffer),
            Bytes::Stream(bytes) => bytes.read(buffer),
        }
    }
}

impl Seek for Seekable {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match &mut self.0 {
            Bytes::Mapped(bytes) => bytes.seek(to),
            Bytes::Packed(bytes) => bytes.seek(to),
            Bytes::Stream(_) => Err(io::ErrorKind::NotSeekable.into()),
        }
    }
}

impl fmt::Debug for Seekable {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("Seekable")
    }
}
