//! Reads sections, and trusts none of their lengths.

use std::fmt;
use std::io::{self, Read};

use serde_json::Value;

use super::{HEAD, INSTRUCTIONS, LIMIT, LONGEST, MAGIC, MOST, START, VERSION, section};

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
