//! Reads chunks, and trusts none of their lengths.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};

use serde_json::Value;
use wire::fields::Fields;

use super::index::{self, Entry, Index};
use super::{
    HEAD, INSTRUCTIONS, LIMIT, LONGEST, MAGIC, MOST, START, VERSION, checksum, gap, section,
};
use crate::codes::MOST_BYTES;

/// A chunk as it is in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// One of [`section`], without the compressed ones.
    pub kind: u8,
    /// Where its content starts in the (decompressed) file.
    pub offset: u64,
    /// Its content, whose checksum was right unless it is cut.
    pub content: Vec<u8>,
    /// How many bytes it takes in the file, if it is compressed there.
    pub compressed: Option<usize>,
    /// Whether the file ends inside it: a full disk, say. What is there is true all the same, up
    /// to the last whole packet.
    pub is_cut: bool,
}

/// What a chunk of packets says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Instructions that were executed before it.
    pub first: u64,
    /// Instructions that are executed in it.
    pub count: u64,
    /// When the writer took its first packet, in microseconds since the recording's start.
    pub time: u64,
    /// CRC-32 of the checksums of all chunks of code objects before it: a reader that comes here with
    /// another one has missed some.
    pub codes: u32,
    /// Where in the content its packets start.
    pub packets: usize,
}

/// Instructions that were left out of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Instructions that come before it.
    pub first: u64,
    /// How many were left out; `None` if that is not known.
    pub count: Option<u64>,
    /// When it began, in microseconds since the recording's start.
    pub time: u64,
    /// One of [`gap`].
    pub reason: u64,
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.count {
            Some(count) => write!(f, "{count} instructions after the first {}", self.first)?,
            None => write!(f, "an unknown number of instructions after the first {}", self.first)?,
        }
        f.write_str(match self.reason {
            gap::WINDOW => ": not asked for",
            gap::DETACHED => ": not attached",
            _ => "",
        })
    }
}

impl Section {
    /// Where a byte of the content is in the file. What is compressed is where it starts.
    pub fn byte(&self, at: usize) -> u64 {
        self.offset + if self.compressed.is_some() { 0 } else { at as u64 }
    }

    /// A chunk with its content as it is in the file.
    fn stored(kind: u8, offset: u64, content: Vec<u8>) -> Result<Section, Broken> {
        if kind != section::COMPRESSED_CODES {
            return Ok(Section { kind, offset, content, compressed: None, is_cut: false });
        }
        let mut bytes = Vec::new();
        // Grows with what is there; what it holds is limited as that of other chunks is.
        let most = u64::from(LONGEST) + 1;
        let read = zstd::Decoder::with_buffer(&content[..])
            .and_then(|decoder| decoder.take(most).read_to_end(&mut bytes));
        if read.is_err() || bytes.len() as u64 == most {
            return Err(Broken::at(offset, "this cannot be decompressed; the file is damaged"));
        }
        let compressed = Some(content.len());
        Ok(Section { kind: section::CODES, offset, content: bytes, compressed, is_cut: false })
    }

    /// Of a chunk of packets, what it says of itself, and the state of all frames before it.
    pub fn stretch(&self) -> Option<(Stretch, &[u8])> {
        let mut fields = Fields { bytes: &self.content, at: 0 };
        let mut number = || fields.number().ok();
        let (first, count, time) = (number()?, number()?, number()?);
        let codes = u32::from_le_bytes(*self.content.get(fields.at..)?.first_chunk()?);
        fields.at += 4;
        let state = fields.text().ok()?;
        first.checked_add(count)?;
        Some((Stretch { first, count, time, codes, packets: fields.at }, state))
    }

    /// Of a gap, what was left out.
    pub fn gap(&self) -> Option<Gap> {
        let mut fields = Fields { bytes: &self.content, at: 0 };
        let mut number = || fields.number().ok();
        let (first, count, time, reason) = (number()?, number()?, number()?, number()?);
        let count = count.checked_sub(1);
        first.checked_add(count.unwrap_or(0))?;
        Some(Gap { first, count, time, reason })
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

/// Reads the chunks of a recording, in order.
pub struct Sections<R> {
    input: R,
    offset: u64,
    ended: bool,
    /// Where the chunk starts that is not whole, and what is wrong there.
    cut: Option<(u64, String)>,
    /// How many instructions the chunks so far have, gaps included.
    executed: u64,
    /// [`LIMIT`]
    limit: u64,
    /// Of [`Stretch::codes`].
    codes: crc32fast::Hasher,
    /// Those that come next, of what was read ahead.
    ready: VecDeque<Section>,
    on_gap: Option<OnGap>,
    left_out: (u64, u64),
}

/// Hears of gaps.
type OnGap = Box<dyn FnMut(&Gap) + Send>;

impl<R: Read + Seek> Sections<R> {
    /// Passes over what lies before an instruction, counted from 0, but for code objects, where the
    /// file can be sought and has an index that is true as far as it is followed; whether it does.
    /// The next chunk of packets then is that of the instruction or one not far before it.
    ///
    /// # Errors
    ///
    /// A file that can be sought and then no more.
    pub fn skip_to(&mut self, instruction: u64) -> Result<bool, Broken> {
        // What cannot be sought, a pipe say, is read from here on.
        let Ok(end) = self.input.seek(SeekFrom::End(0)) else { return Ok(false) };
        let found = Index::read(&mut self.input, end)
            .and_then(|index| self.way(&index, index.find(instruction)?));
        let is_found = found.is_some();
        match found {
            // Goes on from there, so that nothing more depends on where offsets lead.
            Some(way) => {
                (self.ready, self.codes) = (way.chunks, way.codes);
                (self.offset, self.executed) = (way.offset, way.executed);
            }
            None => {
                self.input.seek(SeekFrom::Start(0))?;
                io::copy(&mut self.input.by_ref().take(self.offset), &mut io::sink())?;
            }
        }
        Ok(is_found)
    }

    /// Reads the chunks of code objects before a chunk of packets, and that one, where the index
    /// says that they are.
    fn way(&mut self, index: &Index, target: Entry) -> Option<Way> {
        let (mut chunks, mut codes, mut bytes) = (VecDeque::new(), crc32fast::Hasher::new(), 0);
        let mut offsets = index.codes();
        while let Some(at) = offsets.next()?
            && at < target.offset
        {
            let kinds = [section::CODES, section::COMPRESSED_CODES];
            let (kind, content, sum) = index::chunk(&mut self.input, &kinds, at)?;
            codes.update(&sum.to_le_bytes());
            let chunk = Section::stored(kind, at + HEAD as u64, content).ok()?;
            bytes += chunk.content.len();
            if bytes > MOST_BYTES {
                return None;
            }
            chunks.push_back(chunk);
        }
        let (kind, content, _) = index::chunk(&mut self.input, &[section::EVENTS], target.offset)?;
        let offset = target.offset + HEAD as u64;
        let chunk = Section::stored(kind, offset, content).ok()?;
        let (stretch, _) = chunk.stretch()?;
        let executed = stretch.first + stretch.count;
        let is_true = stretch.first == target.first
            && stretch.codes == codes.clone().finalize()
            && executed <= MOST;
        let offset = offset + chunk.content.len() as u64;
        chunks.push_back(chunk);
        // Not for what comes next anyway.
        let is_ahead = target.first > self.executed;
        (is_true && is_ahead).then_some(Way { chunks, codes, offset, executed })
    }
}

/// What was read on the way to an instruction.
struct Way {
    chunks: VecDeque<Section>,
    codes: crc32fast::Hasher,
    /// Where the last of the chunks ends.
    offset: u64,
    executed: u64,
}

impl<R: Read> Sections<R> {
    /// Reads the start of a recording and what it says of itself.
    ///
    /// # Errors
    ///
    /// Another file, another version, damage.
    pub fn open(input: R) -> Result<(Sections<R>, Value), Broken> {
        let mut sections = Sections {
            input,
            offset: 0,
            ended: false,
            cut: None,
            executed: 0,
            limit: u64::MAX,
            codes: crc32fast::Hasher::new(),
            ready: VecDeque::new(),
            on_gap: None,
            left_out: (0, 0),
        };
        let mut start = [0; START as usize];
        let length = sections.fill(&mut start)?;
        if length < MAGIC.len() || start[..8] != MAGIC {
            return Err(Broken::at(0, "this is no flow recording"));
        }
        let version = u32::from_le_bytes([start[8], start[9], start[10], start[11]]);
        if length == start.len() && version != VERSION {
            let next = match version {
                1 => "record the program again",
                _ => "use the `trace27` that was built with the interpreter",
            };
            let reason = format!(
                "the recording is of version {version}, and this `trace27` reads version \
                 {VERSION}; {next}"
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

    /// The next chunk; `None` after the last. A chunk that is cut comes before the error.
    ///
    /// # Errors
    ///
    /// Damage, and a file without its end.
    #[allow(clippy::should_implement_trait, reason = "it fails")]
    pub fn next(&mut self) -> Result<Option<Section>, Broken> {
        if let Some((at, reason)) = &self.cut {
            return Err(Broken::at(*at, reason));
        }
        if let Some(section) = self.ready.pop_front() {
            return Ok(Some(section));
        }
        let at = self.offset;
        let mut head = [0; HEAD];
        let length = self.fill(&mut head)?;
        if length == 0 && self.ended {
            return Ok(None);
        }
        if length < HEAD {
            return Err(Broken::at(at, CUT));
        }
        let (kind, zeros) = (head[0], [head[1], head[2], head[3]]);
        if kind == 0 || zeros != [0; 3] {
            return Err(Broken::at(at, "no chunk starts here; the file is damaged"));
        }
        if (section::COMPRESSED_CODES + 1..section::SKIPPABLE).contains(&kind) {
            let reason = format!(
                "a chunk of kind {kind}, which this version of `trace27` does not know; or the \
                 file is damaged"
            );
            return Err(Broken::at(at, reason));
        }
        let is_late = matches!(kind, section::INDEX | section::SKIPPABLE..);
        if self.ended && !is_late {
            return Err(Broken::at(at, "something follows the recording's end"));
        }
        let number = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|byte| head[at + byte]));
        let (length, said) = (number(4), number(8));
        if length > LONGEST {
            let reason = format!("a chunk of {length} bytes, which nobody writes; it is damaged");
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
            Ok(_) if checksum(&head, &[&content]) != said => {
                let reason = "the checksum of this chunk is wrong; it is damaged";
                return Err(Broken::at(offset, reason));
            }
            Ok(_) => {}
        }
        let is_misplaced =
            (kind == section::ABOUT) != (at == START) || (kind == section::INDEX && !self.ended);
        if is_misplaced {
            return Err(Broken::at(at, "no such chunk can be here; the file is damaged"));
        }
        if kind != section::EVENTS && self.cut.is_some() {
            return self.next();
        }
        self.ended |= kind == section::END;
        let section = Section { is_cut, ..Section::stored(kind, offset, content)? };
        match section.kind {
            section::CODES => self.codes.update(&said.to_le_bytes()),
            section::EVENTS => self.count(&section)?,
            section::GAP => self.pass(&section)?,
            section::END => {
                let end: Value = serde_json::from_slice(&section.content).unwrap_or_default();
                let executed = self.executed.min(self.limit);
                if end[INSTRUCTIONS].as_u64().is_some_and(|count| count != executed) {
                    return Err(Broken::at(offset, "some chunks are missing before the end"));
                }
            }
            section::INDEX if Index::new(section.content.clone(), at).is_none() => {
                return Err(Broken::at(offset, "the index contradicts itself"));
            }
            _ => {}
        }
        Ok(Some(section))
    }

    /// Has gaps reported, as they are passed.
    pub fn on_gap(&mut self, hear: impl FnMut(&Gap) + Send + 'static) {
        self.on_gap = Some(Box::new(hear));
    }

    /// How many of the instructions are wanted; the last packet may hold some more.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// How many instructions the chunks so far have, gaps included.
    pub fn executed(&self) -> u64 {
        self.executed
    }

    /// How many instructions were left out so far, as far as their number is known, and in how
    /// many gaps.
    pub fn left_out(&self) -> (u64, u64) {
        self.left_out
    }

    /// How many bytes were read, once decompressed.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Chunks of packets follow one another without a gap that is not said.
    fn count(&mut self, section: &Section) -> Result<(), Broken> {
        let fail = |reason| Err(Broken::at(section.offset, reason));
        match section.stretch() {
            Some((stretch, _)) if stretch.first != self.executed => {
                fail("the chunk does not follow the one before; one is missing")
            }
            Some((stretch, _)) if stretch.first + stretch.count > MOST => {
                fail("the chunk says that it has more instructions than can be")
            }
            Some((stretch, _)) if stretch.codes != self.codes.clone().finalize() => {
                fail("code objects are missing before this chunk")
            }
            Some((stretch, _)) => {
                self.executed += stretch.count;
                Ok(())
            }
            None if section.is_cut => Ok(()),
            None => fail("the chunk is too short"),
        }
    }

    /// A gap counts as the instructions that were left out.
    fn pass(&mut self, section: &Section) -> Result<(), Broken> {
        let fail = |reason| Err(Broken::at(section.offset, reason));
        let Some(gap) = section.gap() else { return fail("the chunk is too short") };
        if gap.first != self.executed {
            return fail("the gap does not follow the chunk before; one is missing");
        }
        let executed = gap.first + gap.count.unwrap_or(0);
        if executed > MOST {
            return fail("the gap says that it has more instructions than can be");
        }
        self.executed = executed;
        self.left_out.0 += gap.count.unwrap_or(0);
        self.left_out.1 += 1;
        if let Some(hear) = &mut self.on_gap {
            hear(&gap);
        }
        Ok(())
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

impl<R> fmt::Debug for Sections<R> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Sections { offset, executed, .. } = self;
        f.debug_struct("Sections")
            .field("offset", offset)
            .field("executed", executed)
            .finish_non_exhaustive()
    }
}

/// What is wrong where a file ends too early.
const CUT: &str = "the recording is cut short here; it was never finished";

/// Whether it is the compressed file that is damaged, not the disk that cannot be read.
fn is_damage(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, Other};
    matches!(error.kind(), InvalidData | InvalidInput | Other)
}
