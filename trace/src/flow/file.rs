//! The file of a recording: written and read side by side. `docs/flow-format.md` describes it.
//!
//! After a magic number and a version come sections, each with its length and a checksum. A
//! section of events says where all frames stood before it, so it can be read without those
//! before; code objects come in sections of their own, before the events that need them.

use std::fmt;
use std::io::{self, Read, Write};

use serde_json::Value;

use super::event::{self, Event, Outcomes};
use super::walk::Walker;
use crate::event::ReadError;

/// What a recording starts with.
pub const MAGIC: [u8; 8] = *b"py27flow";

/// The version that is written, and the only one that is read. To be raised with every change
/// that an older reader would misread.
pub const VERSION: u32 = 1;

/// Where the first section starts: behind magic number and version.
const START: u64 = 12;

/// Bytes of a section before its content: kind, three zeros, length, checksum.
const HEAD: usize = 12;

/// Bytes of events, or of definitions, that end a section.
const LARGE: usize = 1 << 19;

/// Instructions that end a section: a reader makes text of it at once, in memory.
const MANY: u64 = 1 << 18;

/// Bytes that are compressed together, so that each frame can be read without those before.
const FRAME: usize = 1 << 20;

/// Where there is no room for a frame, smaller ones are tried down to so many bytes.
const LEAST: usize = 1 << 10;

/// The level of compression: the recording repeats itself so much that higher ones gain little.
const LEVEL: i32 = 1;

/// Bytes of a section's content at most.
pub const LONGEST: u32 = 256 << 20;

/// Instructions of a recording at most.
const MOST: u64 = 1 << 62;

/// Bytes of the last section at most.
const LAST: usize = HEAD + 96;

/// In what a recording says of itself: how many of its instructions are wanted, where it was
/// limited. The last record may hold some more.
pub const LIMIT: &str = "limit";

/// In what it says of its end: how many instructions it has, those beyond the limit left out.
pub const INSTRUCTIONS: &str = "instructions";

/// Kinds of sections.
pub mod section {
    /// One JSON object: what was recorded, with what, how.
    pub const ABOUT: u8 = 1;
    /// Records that define, watch and forget code objects.
    pub const CODES: u8 = 2;
    /// Two numbers of 8 bytes (instructions before it, instructions in it), the frames, records.
    pub const EVENTS: u8 = 3;
    /// One JSON object: how it ended.
    pub const END: u8 = 4;
}

/// Writes a recording.
pub struct FlowWriter<W> {
    out: W,
    compress: bool,
    codes: Vec<u8>,
    events: Vec<u8>,
    frames: Vec<u8>,
    first: u64,
    waiting: Vec<u8>,
    gone: Vec<u8>,
    written: u64,
    most: u64,
    /// Whether something is missing already.
    is_broken: bool,
}

impl<W: Write> FlowWriter<W> {
    /// Starts a file; compressed, it is a series of Zstandard frames that hold the very same bytes,
    /// each of which `out` has to write as a whole or not at all. `None` if it cannot but be larger than `most` bytes.
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
            events,
            frames,
            first: 0,
            waiting,
            gone,
            written: 0,
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
        writer.pack()?;
        Walker::default().save(&mut writer.frames);
        Ok(Some(writer))
    }

    /// Whether a record can come without the file's growing too large.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    #[inline]
    pub fn has_room(
        &mut self,
        outcomes: Outcomes,
        event: &Event,
        walker: &Walker,
        count: u64,
    ) -> io::Result<bool> {
        if self.most == u64::MAX {
            return Ok(true);
        }
        let mut record = Vec::new();
        event::write(&mut record, outcomes, event);
        let length = record.len();
        Ok(self.size_with(length) <= self.most || self.makes_room(length, walker, count)?)
    }

    /// What waits may come to far less than it is.
    fn makes_room(&mut self, length: usize, walker: &Walker, count: u64) -> io::Result<bool> {
        if self.compress {
            self.quiet(walker, count)?;
        }
        Ok(self.size_with(length) <= self.most)
    }

    /// How large the file is at most if it ends behind a record of so many bytes.
    fn size_with(&self, length: usize) -> u64 {
        let parts = [&self.codes, &self.gone, &self.events, &self.frames, &self.waiting];
        let heads = 2 * HEAD + 16 + LAST;
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
    pub fn code(&mut self, event: &Event, walker: &Walker, count: u64) -> io::Result<bool> {
        if self.codes.len() >= LARGE {
            self.flush(walker, count)?;
        }
        let before = self.codes.len();
        event::write(&mut self.codes, Outcomes::default(), event);
        if self.most == u64::MAX || self.size_with(0) <= self.most {
            return Ok(true);
        }
        let record = self.codes.split_off(before);
        let has_room = self.makes_room(record.len(), walker, count)?;
        if has_room {
            self.codes.extend_from_slice(&record);
        }
        Ok(has_room)
    }

    /// Takes a record that a code object died. What the section at hand starts with may still
    /// name it, so it is told after that.
    pub fn code_gone(&mut self, event: &Event) {
        let before = self.gone.len();
        event::write(&mut self.gone, Outcomes::default(), event);
        if self.most != u64::MAX && self.size_with(0) > self.most {
            // Nobody misses it: numbers are not given twice.
            self.gone.truncate(before);
        }
    }

    /// Takes a record that `walker` has followed, `count` instructions having been executed so far.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn record(
        &mut self,
        outcomes: Outcomes,
        event: &Event,
        walker: &Walker,
        count: u64,
    ) -> io::Result<()> {
        event::write(&mut self.events, outcomes, event);
        let is_large = self.events.len() >= LARGE || self.codes.len() >= LARGE;
        if is_large || count - self.first >= MANY {
            self.flush(walker, count)?;
        }
        Ok(())
    }

    /// Writes what there is, for whoever reads along.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn quiet(&mut self, walker: &Walker, count: u64) -> io::Result<()> {
        self.flush(walker, count)?;
        self.pack()
    }

    /// Ends the section.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn flush(&mut self, walker: &Walker, count: u64) -> io::Result<()> {
        let mut bytes = Vec::new();
        if !self.codes.is_empty() {
            append(&mut bytes, section::CODES, &[&self.codes])?;
        }
        if !self.events.is_empty() {
            let numbers = [self.first.to_le_bytes(), (count - self.first).to_le_bytes()].concat();
            append(&mut bytes, section::EVENTS, &[&numbers, &self.frames, &self.events])?;
        }
        self.codes.clear();
        self.codes.append(&mut self.gone);
        self.events.clear();
        self.frames.clear();
        walker.save(&mut self.frames);
        self.first = count;
        self.put(&bytes)
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        if !self.compress {
            self.written += bytes.len() as u64;
            return self.out.write_all(bytes);
        }
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= FRAME { self.pack() } else { Ok(()) }
    }

    /// Compresses what waits for it.
    fn pack(&mut self) -> io::Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let waiting = std::mem::take(&mut self.waiting);
        let (mut rest, mut size) = (&waiting[..], waiting.len());
        let mut full = None;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(size.min(rest.len()));
            let frame = zstd::bulk::compress(piece, LEVEL)?;
            match self.out.write_all(&frame) {
                Ok(()) => {
                    self.written += frame.len() as u64;
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

    /// Writes what is left, and how it ended.
    ///
    /// # Errors
    ///
    /// Those of the writer; that it failed before, where it was compressed.
    pub fn finish(mut self, walker: &Walker, count: u64, end: &Value) -> io::Result<W> {
        if self.is_broken {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.flush(walker, count)?;
        let mut bytes = Vec::new();
        append(&mut bytes, section::END, &[end.to_string().as_bytes()])?;
        self.put(&bytes)?;
        self.pack()?;
        self.out.flush()?;
        Ok(self.out)
    }
}

/// Whether an error says that there is no room for so many bytes; for fewer there may be.
pub fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | FileTooLarge | QuotaExceeded)
}

/// How large a file of so many bytes becomes at most when `more` are compressed behind them: each
/// block of 128 KiB that does not shrink takes 3 bytes more (RFC 8878), and frames have ends.
fn packed(written: u64, more: u64) -> u64 {
    written + more + more / 128 + 64
}

impl<W> fmt::Debug for FlowWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("FlowWriter").field("written", &self.written).finish_non_exhaustive()
    }
}

fn append(out: &mut Vec<u8>, kind: u8, parts: &[&[u8]]) -> io::Result<()> {
    let mut checksum = crc32fast::Hasher::new();
    parts.iter().for_each(|part| checksum.update(part));
    let length: usize = parts.iter().map(|part| part.len()).sum();
    // Sections end at half a mebibyte and one record, which is long where a constant is.
    let length = u32::try_from(length).ok().filter(|&length| length <= LONGEST);
    let length = length.ok_or_else(|| io::Error::from(io::ErrorKind::FileTooLarge))?;
    out.extend_from_slice(&[kind, 0, 0, 0]);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&checksum.finalize().to_le_bytes());
    parts.iter().for_each(|part| out.extend_from_slice(part));
    Ok(())
}

/// A section as it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// One of [`section`].
    pub kind: u8,
    /// Where its content starts in the (decompressed) file.
    pub offset: u64,
    /// Its content, whose checksum was right unless it is cut.
    pub content: Vec<u8>,
    /// Whether the file ends inside it: a full disk, say. What is there is true all the same, up
    /// to the last whole record.
    pub is_cut: bool,
}

/// The numbers before the records of a section of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Instructions that were executed before it.
    pub first: u64,
    /// Instructions that are executed in it.
    pub count: u64,
}

impl Section {
    /// Of a section of events, the numbers and what follows them.
    pub fn stretch(&self) -> Option<(Stretch, &[u8])> {
        let (first, rest) = self.content.split_first_chunk()?;
        let (count, rest) = rest.split_first_chunk()?;
        let (first, count) = (u64::from_le_bytes(*first), u64::from_le_bytes(*count));
        first.checked_add(count)?;
        Some((Stretch { first, count }, rest))
    }
}

/// Why a file is no recording.
#[derive(Debug)]
pub enum Broken {
    /// It cannot be read.
    Io(io::Error),
    /// It is none, or of another version, or damaged; what is wrong and the byte where.
    Damaged(u64, String),
}

impl Broken {
    /// Damage at a byte.
    pub fn at(offset: u64, reason: impl fmt::Display) -> Broken {
        Broken::Damaged(offset, reason.to_string())
    }
}

impl Broken {
    /// The same, for people, of a file of that name.
    pub fn into_error(self, file: &str) -> ReadError {
        match self {
            Broken::Io(error) => ReadError::io(error).in_file(file),
            Broken::Damaged(offset, reason) => {
                ReadError::syntax(reason).at_byte(offset).in_file(file)
            }
        }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Broken::Io(error) => error.fmt(f),
            Broken::Damaged(offset, reason) => write!(f, "byte {offset}: {reason}"),
        }
    }
}

impl std::error::Error for Broken {}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Broken {
        Broken::Io(error)
    }
}

/// Reads the sections of a recording, in order.
#[derive(Debug)]
pub struct Sections<R> {
    input: R,
    offset: u64,
    ended: bool,
    /// Where the section starts that is not whole, and what is wrong there.
    cut: Option<(u64, String)>,
    /// How many instructions the sections so far have.
    executed: u64,
    /// [`LIMIT`]
    limit: u64,
}

impl<R: Read> Sections<R> {
    /// Reads the start of a recording and what it says of itself.
    ///
    /// # Errors
    ///
    /// Another file, another version, damage.
    pub fn open(input: R) -> Result<(Sections<R>, Value), Broken> {
        let (cut, limit) = (None, u64::MAX);
        let mut sections = Sections { input, offset: 0, ended: false, cut, executed: 0, limit };
        let mut start = [0; START as usize];
        let length = sections.fill(&mut start)?;
        if length < MAGIC.len() || start[..8] != MAGIC {
            return Err(Broken::at(0, "this is no flow recording"));
        }
        let version = u32::from_le_bytes([start[8], start[9], start[10], start[11]]);
        if length == start.len() && version != VERSION {
            let reason = format!(
                "the recording is of version {version}, and this reads version {VERSION}; use the \
                 `trace27` that was built with the interpreter"
            );
            return Err(Broken::at(8, reason));
        }
        match sections.next()? {
            Some(Section { kind: section::ABOUT, offset, content, .. }) => {
                let about: Value = serde_json::from_slice(&content)
                    .map_err(|_| Broken::at(offset, "what it says of itself is no JSON"))?;
                sections.limit = about[LIMIT].as_u64().unwrap_or(u64::MAX);
                Ok((sections, about))
            }
            _ => Err(Broken::at(START, "it does not say what it is a recording of")),
        }
    }

    /// The next section; `None` behind the last. A section that is cut comes before the error.
    ///
    /// # Errors
    ///
    /// Damage, and a file that ends before its end is told.
    #[allow(clippy::should_implement_trait, reason = "it fails")]
    pub fn next(&mut self) -> Result<Option<Section>, Broken> {
        if let Some((at, reason)) = &self.cut {
            return Err(Broken::at(*at, reason));
        }
        let at = self.offset;
        let mut head = [0; HEAD];
        let length = self.fill(&mut head)?;
        if self.ended {
            return match length {
                0 => Ok(None),
                _ => Err(Broken::at(at, "something follows the recording's end")),
            };
        }
        if length < HEAD {
            return Err(Broken::at(at, CUT));
        }
        let (kind, zeros) = (head[0], [head[1], head[2], head[3]]);
        if !(section::ABOUT..=section::END).contains(&kind) || zeros != [0; 3] {
            return Err(Broken::at(at, "no section starts here; the file is damaged"));
        }
        let number = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|byte| head[at + byte]));
        let (length, checksum) = (number(4), number(8));
        if length > LONGEST {
            let reason = format!("a section of {length} bytes, which nobody writes; it is damaged");
            return Err(Broken::at(at, reason));
        }
        let offset = self.offset;
        let mut content = Vec::new();
        // Grows with what is there, not with what the length says.
        let read = self.input.by_ref().take(length.into()).read_to_end(&mut content);
        self.offset += content.len() as u64;
        let is_cut = (content.len() as u64) < length.into();
        match read {
            // What is compressed may be wrong long before that is seen: none of it counts.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.cut = Some((at, CUT.to_owned()));
                return self.next();
            }
            Err(error) if is_damage(&error) => return Err(Broken::at(self.offset, error)),
            Err(error) => return Err(error.into()),
            Ok(_) if is_cut => self.cut = Some((at, CUT.to_owned())),
            Ok(_) if crc32fast::hash(&content) != checksum => {
                let reason = "the checksum of this section is wrong; it is damaged";
                return Err(Broken::at(offset, reason));
            }
            Ok(_) => {}
        }
        if (kind == section::ABOUT) != (at == START) {
            return Err(Broken::at(at, "no such section can be here; the file is damaged"));
        }
        if kind != section::EVENTS && self.cut.is_some() {
            return self.next();
        }
        self.ended = kind == section::END;
        let section = Section { kind, offset, content, is_cut };
        match kind {
            section::EVENTS => self.count(&section)?,
            section::END => {
                let end: Value = serde_json::from_slice(&section.content).unwrap_or_default();
                let executed = self.executed.min(self.limit);
                if end[INSTRUCTIONS].as_u64().is_some_and(|count| count != executed) {
                    return Err(Broken::at(offset, "some sections are missing before the end"));
                }
            }
            _ => {}
        }
        Ok(Some(section))
    }

    /// How many of the instructions are wanted; the last record may hold some more.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// How many instructions the sections so far have.
    pub fn executed(&self) -> u64 {
        self.executed
    }

    /// How many bytes were read, once decompressed.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Sections of events follow one another without a gap.
    fn count(&mut self, section: &Section) -> Result<(), Broken> {
        let fail = |reason| Err(Broken::at(section.offset, reason));
        match section.stretch() {
            Some((stretch, _)) if stretch.first != self.executed => {
                fail("the section does not follow the one before; one is missing")
            }
            Some((stretch, _)) if stretch.first + stretch.count > MOST => {
                fail("the section says that it has more instructions than can be")
            }
            Some((stretch, _)) => {
                self.executed += stretch.count;
                Ok(())
            }
            None if section.is_cut => Ok(()),
            None => fail("the section is too short"),
        }
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, Broken> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.input.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
                Err(error) if is_damage(&error) => {
                    return Err(Broken::at(self.offset + filled as u64, error));
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.offset += filled as u64;
        Ok(filled)
    }
}

/// What is wrong where a file ends too early.
const CUT: &str = "the recording is cut short here; it was never finished";

/// Whether it is the compressed file that is damaged, not the disk that cannot be read.
fn is_damage(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, Other};
    matches!(error.kind(), InvalidData | InvalidInput | Other)
}
