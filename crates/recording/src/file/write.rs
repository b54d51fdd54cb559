//! Collects packets in chunks, and writes them.

use std::fmt;
use std::io::{self, Write};
use std::time::Instant;

use serde_json::Value;

use super::frames::Table;
use super::index::{Builder, Entry};
use super::{HEAD, LONGEST, MAGIC, VERSION, checksum, section};
use crate::bodies::Sharing;
use crate::decoder::Decoder;
use wire::fields::{write_bytes, write_number};
use wire::packet::{self, BranchBits, Packet};

/// Bytes of events, or of definitions, that end a section.
const LARGE: usize = 1 << 19;

/// Instructions that end a section: a reader makes text of it at once, in memory.
const MANY: u64 = 1 << 18;

/// Bytes that are compressed together, so that each frame can be read without those before.
const FRAME: usize = 1 << 20;

/// Where there is no room for a frame, smaller ones are tried down to that many bytes.
const LEAST: usize = 1 << 10;

/// The level of compression: the recording repeats itself so much that higher ones gain little.
const LEVEL: i32 = 1;

/// The level for code objects where all is compressed: they are small beside a long recording, and
/// most of a short one.
const CODES_LEVEL: i32 = 6;

/// From this many bytes on, code objects are compressed apart from packets, which makes them smaller.
const MANY_CODES: usize = 1 << 12;

/// Fewer bytes of code objects are not worth compressing in a file that is not compressed.
const FEW_CODES: usize = 1 << 10;

/// Bytes of the chunk that says how it ended, at most.
const LAST: usize = HEAD + 96;

/// Bytes of a chunk of packets before its frames: three numbers, a checksum, a length.
const NUMBERS: usize = 10 + 10 + 10 + 4 + 10;

/// Writes a recording.
pub struct FlowWriter<W> {
    out: W,
    compress: bool,
    codes: Vec<u8>,
    sharing: Sharing,
    events: Vec<u8>,
    frames: Vec<u8>,
    first: u64,
    /// When the first packet came.
    time: u64,
    start: Option<Instant>,
    waiting: Vec<u8>,
    gone: Vec<u8>,
    written: u64,
    /// The same, not compressed.
    offset: u64,
    /// Of [`super::Stretch::codes`].
    code_sums: crc32fast::Hasher,
    index: Builder,
    table: Table,
    most: u64,
    /// Whether something is missing already.
    is_broken: bool,
}

impl<W: Write> FlowWriter<W> {
    /// Starts a file; compressed, it is a series of Zstandard frames that hold a recording,
    /// each of which `out` has to write as a whole or not at all. `None` if even an empty recording would be larger than `most` bytes.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn new(
        out: W,
        compress: bool,
        most: u64,
        about: &Value,
    ) -> io::Result<Option<FlowWriter<W>>> {
        let (codes, events, frames) = (Vec::new(), Vec::new(), Vec::new());
        let (waiting, gone) = (Vec::new(), Vec::new());
        let mut writer = FlowWriter {
            out,
            compress,
            codes,
            sharing: Sharing::default(),
            events,
            frames,
            first: 0,
            time: 0,
            start: None,
            waiting,
            gone,
            written: 0,
            offset: 0,
            code_sums: crc32fast::Hasher::new(),
            index: Builder::default(),
            table: Table::default(),
            most,
            is_broken: false,
        };
        let mut start = MAGIC.to_vec();
        start.extend_from_slice(&VERSION.to_le_bytes());
        append(&mut start, section::ABOUT, &[about.to_string().as_bytes()])?;
        if writer.size_with(start.len()) > most {
            return Ok(None);
        }
        writer.put(&start)?;
        // A file that was begun is known for what it is.
        writer.pack(LEVEL)?;
        Decoder::new().save(&mut writer.frames);
        Ok(Some(writer))
    }

    /// Gives chunks their time, counted from `start`. Without it all have time 0.
    pub fn since(self, start: Instant) -> FlowWriter<W> {
        FlowWriter { start: Some(start), ..self }
    }

    fn now(&self) -> u64 {
        self.start.map_or(0, |start| start.elapsed().as_micros() as u64)
    }

    /// Whether a record can come without the file's growing too large.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    #[inline]
    pub fn has_room(
        &mut self,
        branch_bits: BranchBits,
        event: &Packet,
        decoder: &Decoder,
        count: u64,
    ) -> io::Result<bool> {
        if self.most == u64::MAX {
            return Ok(true);
        }
        let mut record = Vec::new();
        packet::write(&mut record, branch_bits, event);
        let length = record.len();
        Ok(self.size_with(length) <= self.most || self.makes_room(length, decoder, count)?)
    }

    /// What waits may come to far less than it is.
    fn makes_room(&mut self, length: usize, decoder: &Decoder, count: u64) -> io::Result<bool> {
        if self.compress || self.codes.len() >= FEW_CODES {
            self.quiet(decoder, count)?;
        }
        Ok(self.size_with(length) <= self.most)
    }

    /// How large the file is at most if it ends behind a record of that many bytes.
    fn size_with(&self, length: usize) -> u64 {
        let parts = [&self.codes, &self.gone, &self.events, &self.frames, &self.waiting];
        let heads = 2 * HEAD + NUMBERS + LAST;
        let size = parts.iter().map(|part| part.len()).sum::<usize>() + heads + length;
        match self.compress {
            true => packed(self.written, size as u64),
            false => self.written + size as u64,
        }
    }

    /// Takes a record about a code object; false if the file would grow too large.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn code(&mut self, event: &Packet, decoder: &Decoder, count: u64) -> io::Result<bool> {
        if self.codes.len() >= LARGE {
            self.flush(decoder, count)?;
        }
        let before = self.codes.len();
        let shared = match *event {
            Packet::CodeDefined { code, definition } => {
                self.sharing.share(code, definition).map(|definition| (code, definition))
            }
            _ => None,
        };
        let event = match &shared {
            Some((code, definition)) => &Packet::CodeDefined { code: *code, definition },
            None => event,
        };
        packet::write(&mut self.codes, BranchBits::default(), event);
        if self.most == u64::MAX || self.size_with(0) <= self.most {
            return Ok(true);
        }
        let record = self.codes.split_off(before);
        let has_room = self.makes_room(record.len(), decoder, count)?;
        if has_room {
            self.codes.extend_from_slice(&record);
        }
        Ok(has_room)
    }

    /// Takes a record that a code object died. What the section at hand starts with may still
    /// name it, so it is written after that.
    pub fn code_gone(&mut self, event: &Packet) {
        let before = self.gone.len();
        packet::write(&mut self.gone, BranchBits::default(), event);
        if self.most != u64::MAX && self.size_with(0) > self.most {
            // Nobody misses it: numbers are not given twice.
            self.gone.truncate(before);
        }
    }

    /// Takes a record that `decoder` has followed, `count` instructions having been executed so far.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn record(
        &mut self,
        branch_bits: BranchBits,
        event: &Packet,
        decoder: &Decoder,
        count: u64,
    ) -> io::Result<()> {
        if self.events.is_empty() {
            self.time = self.now();
        }
        packet::write(&mut self.events, branch_bits, event);
        let is_large = self.events.len() >= LARGE || self.codes.len() >= LARGE;
        if is_large || count - self.first >= MANY {
            self.flush(decoder, count)?;
        }
        Ok(())
    }

    /// Writes what there is, for those who read along.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn quiet(&mut self, decoder: &Decoder, count: u64) -> io::Result<()> {
        self.flush(decoder, count)?;
        self.pack(LEVEL)
    }

    /// Instructions are left out, a known number of them or not, for one of the reasons of
    /// [`super::gap`]. `decoder` is where the recording goes on.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn gap(
        &mut self,
        decoder: &Decoder,
        before: u64,
        left_out: Option<u64>,
        reason: u64,
    ) -> io::Result<()> {
        self.flush(decoder, before)?;
        let mut content = Vec::new();
        // None of an unknown number, else one more.
        for number in [before, left_out.map_or(0, |count| count + 1), self.now(), reason] {
            write_number(&mut content, number);
        }
        let mut bytes = Vec::new();
        append(&mut bytes, section::GAP, &[&content])?;
        self.first = before + left_out.unwrap_or(0);
        self.put(&bytes)
    }

    /// Ends the chunk.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn flush(&mut self, decoder: &Decoder, count: u64) -> io::Result<()> {
        if !self.codes.is_empty() {
            self.flush_codes()?;
        }
        let mut bytes = Vec::new();
        if !self.events.is_empty() {
            let (first, time) = (self.first, self.time);
            self.index.packets(Entry { offset: self.offset + bytes.len() as u64, first, time });
            let mut start = Vec::with_capacity(NUMBERS + self.frames.len());
            for number in [first, count - first, time] {
                write_number(&mut start, number);
            }
            start.extend_from_slice(&self.code_sums.clone().finalize().to_le_bytes());
            write_bytes(&mut start, &self.frames);
            append(&mut bytes, section::EVENTS, &[&start, &self.events])?;
        }
        self.codes.append(&mut self.gone);
        self.events.clear();
        self.frames.clear();
        decoder.save(&mut self.frames);
        self.first = count;
        self.put(&bytes)
    }

    /// Ends the chunk of code objects.
    fn flush_codes(&mut self) -> io::Result<()> {
        let mut bytes = Vec::new();
        let many = self.codes.len() >= if self.compress { MANY_CODES } else { FEW_CODES };
        let packed = match many && !self.compress {
            true => Some(zstd::bulk::compress(&self.codes, LEVEL)?),
            false => None,
        };
        let sum = match packed.filter(|packed| packed.len() < self.codes.len()) {
            Some(packed) => append(&mut bytes, section::COMPRESSED_CODES, &[&packed])?,
            None => append(&mut bytes, section::CODES, &[&self.codes])?,
        };
        self.codes.clear();
        self.code_sums.update(&sum.to_le_bytes());
        self.index.codes(self.offset);
        if many && self.compress {
            self.pack(LEVEL)?;
        }
        self.put(&bytes)?;
        if many && self.compress { self.pack(CODES_LEVEL) } else { Ok(()) }
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.offset += bytes.len() as u64;
        if !self.compress {
            self.written += bytes.len() as u64;
            return self.out.write_all(bytes);
        }
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= FRAME { self.pack(LEVEL) } else { Ok(()) }
    }

    /// Compresses what waits for it.
    fn pack(&mut self, level: i32) -> io::Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let waiting = std::mem::take(&mut self.waiting);
        let (mut rest, mut size) = (&waiting[..], waiting.len());
        let mut full = None;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(size.min(rest.len()));
            let frame = zstd::bulk::compress(piece, level)?;
            match self.out.write_all(&frame) {
                Ok(()) => {
                    self.written += frame.len() as u64;
                    self.table.add(frame.len(), piece.len());
                    rest = after;
                }
                Err(error) => {
                    self.is_broken = true;
                    if !is_full(&error) || piece.len() < LEAST {
                        return Err(error);
                    }
                    // Less of it may fit.
                    (size, full) = (piece.len() / 2, Some(error));
                }
            }
        }
        self.waiting = waiting;
        self.waiting.clear();
        full.map_or(Ok(()), Err)
    }

    /// What the file goes to.
    pub fn output(&mut self) -> &mut W {
        &mut self.out
    }

    /// Writes what is left, and how it ended.
    ///
    /// # Errors
    ///
    /// Those of the writer; that it failed before, where it was compressed.
    pub fn finish(mut self, decoder: &Decoder, count: u64, end: &Value) -> io::Result<W> {
        if self.is_broken {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.flush(decoder, count)?;
        let mut bytes = Vec::new();
        append(&mut bytes, section::END, &[end.to_string().as_bytes()])?;
        self.put(&bytes)?;
        // What helps to seek is left out of a file that would grow too large with it.
        let mut index = Vec::new();
        append(&mut index, section::INDEX, &[&self.index.content(self.offset)])?;
        let more = (self.waiting.len() + index.len()) as u64;
        let size = match self.compress {
            true => packed(self.written, more) + self.table.size() as u64 + 64,
            false => self.written + more,
        };
        let has_room = size <= self.most;
        if has_room {
            self.put(&index)?;
        }
        self.pack(LEVEL)?;
        if has_room
            && self.compress
            && let Some(table) = self.table.frame()
        {
            self.out.write_all(&table)?;
        }
        self.out.flush()?;
        Ok(self.out)
    }
}

/// Whether an error says that there is no room for that many bytes; for fewer there may be.
pub fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | FileTooLarge | QuotaExceeded)
}

/// How large a file of that many bytes becomes at most when `more` are compressed behind them: each
/// block of 128 KiB that does not shrink takes 3 bytes more (RFC 8878), and frames have ends.
fn packed(written: u64, more: u64) -> u64 {
    written + more + more / 128 + 64
}

impl<W> fmt::Debug for FlowWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("FlowWriter").field("written", &self.written).finish_non_exhaustive()
    }
}

/// Appends a chunk; its checksum.
fn append(out: &mut Vec<u8>, kind: u8, parts: &[&[u8]]) -> io::Result<u32> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    // Chunks end at half a mebibyte and one packet, which is long where a constant is.
    let length = u32::try_from(length).ok().filter(|&length| length <= LONGEST);
    let length = length.ok_or_else(|| io::Error::from(io::ErrorKind::FileTooLarge))?;
    let mut head = [kind, 0, 0, 0, 0, 0, 0, 0];
    head[4..].copy_from_slice(&length.to_le_bytes());
    let checksum = checksum(&head, parts);
    out.extend_from_slice(&head);
    out.extend_from_slice(&checksum.to_le_bytes());
    parts.iter().for_each(|part| out.extend_from_slice(part));
    Ok(checksum)
}
