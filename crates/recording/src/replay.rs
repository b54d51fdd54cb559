//! Replays a recording: its chunks in order, each decoded into a sink.
//!
//! [`replay`] is the whole loop. Those that go on at their own pace, or on several threads, take
//! the parts from a [`Cursor`], and decode an [`OpenChunk`].

use std::fmt::Display;
use std::io::Read;
use std::ops::Range;

use serde_json::Value;

use crate::codes::{Change, Codes};
use crate::decoder::{Decoder, InstructionSink};
use crate::file::{Broken, Section, Sections, section};
use wire::packet::{self, BranchBits, Packet};

/// What is wrong with a chunk that does not hold as many instructions as it says.
pub const MISCOUNTED: &str = "the chunk says another number of instructions than it has";

/// A part of a recording.
#[derive(Debug)]
pub enum Part {
    /// Changes to code objects.
    Codes(Vec<Change>),
    /// A chunk: what was executed for some time.
    Chunk(Section),
}

/// Reads the parts of a recording in order.
#[derive(Debug)]
pub struct Cursor<R> {
    sections: Sections<R>,
    codes: Codes,
    range: Range<u64>,
    end: Value,
}

impl<R: Read> Cursor<R> {
    /// Reads the parts that a range of the instructions needs, of a recording whose start was read.
    pub fn new(sections: Sections<R>, range: Range<u64>) -> Cursor<R> {
        Cursor { sections, codes: Codes::default(), range, end: Value::Null }
    }

    /// The next part; `None` after the last.
    ///
    /// # Errors
    ///
    /// A recording that is damaged or cut short.
    #[allow(clippy::should_implement_trait, reason = "it fails")]
    pub fn next(&mut self) -> Result<Option<Part>, Broken> {
        while let Some(section) = self.sections.next()? {
            match section.kind {
                section::CODES => return Ok(Some(Part::Codes(self.codes.read(&section)?))),
                section::EVENTS if self.needs(&section) => return Ok(Some(Part::Chunk(section))),
                section::END => {
                    self.end = serde_json::from_slice(&section.content).unwrap_or_default();
                }
                _ => {}
            }
        }
        Ok(None)
    }

    /// Whether a chunk has anything of the range.
    fn needs(&self, section: &Section) -> bool {
        section.is_cut
            || section.stretch().is_none_or(|(chunk, _)| {
                let end = chunk.first + chunk.count.max(1);
                chunk.first < self.range.end && self.range.start < end
            })
    }

    /// What the recording says of its end; null if that was not reached.
    pub fn end(&self) -> &Value {
        &self.end
    }

    /// The code objects so far.
    pub fn codes(&self) -> &Codes {
        &self.codes
    }

    /// The sections that it reads.
    pub fn sections(&self) -> &Sections<R> {
        &self.sections
    }
}

/// A chunk, and how far it was decoded.
#[derive(Debug)]
pub struct OpenChunk {
    section: Section,
    /// Where the next packet starts.
    at: usize,
    /// Instructions before it, and up to its end.
    range: Range<u64>,
}

impl OpenChunk {
    /// Lets the decoder go on where the chunk starts. `None` if it is cut before its first packet.
    ///
    /// # Errors
    ///
    /// A chunk that cannot be.
    pub fn open(section: Section, decoder: &mut Decoder) -> Result<Option<OpenChunk>, Broken> {
        // The next chunk says that this one is cut.
        let Some((chunk, state)) = section.stretch() else {
            let broken = Broken::at(section.offset, "the chunk is too short");
            return if section.is_cut { Ok(None) } else { Err(broken) };
        };
        let (at, range) = (chunk.packets, chunk.first..chunk.first + chunk.count);
        let byte = section.offset + (at - state.len()) as u64;
        decoder.restore(chunk.first, state).map_err(|fault| Broken::at(byte, fault))?;
        Ok(Some(OpenChunk { section, at, range }))
    }

    /// The next packet, and how long it is; `None` after the last.
    ///
    /// # Errors
    ///
    /// Bytes that are no packet.
    #[inline(always)]
    pub fn packet(&self) -> Result<Option<(BranchBits, Packet<'_>, usize)>, Broken> {
        let rest = self.section.content.get(self.at..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(None);
        }
        match packet::read(rest) {
            Ok(packet) => Ok(Some(packet)),
            Err(packet::Fault::Short) if self.section.is_cut => Ok(None),
            Err(fault) => Err(self.broken(&fault)),
        }
    }

    /// Goes on after a packet of this length.
    #[inline]
    pub fn skip(&mut self, length: usize) {
        self.at += length;
    }

    /// Whether it had as many instructions as it says, after the last packet.
    ///
    /// # Errors
    ///
    /// More or fewer.
    pub fn check(&self, decoder: &Decoder) -> Result<(), Broken> {
        if self.section.is_cut || decoder.executed() == self.range.end {
            return Ok(());
        }
        Err(Broken::at(self.section.offset, MISCOUNTED))
    }

    /// Decodes what is left of it.
    ///
    /// # Errors
    ///
    /// Packets that contradict themselves, or the chunk's own count.
    #[inline(never)]
    pub fn decode(
        &mut self,
        decoder: &mut Decoder,
        sink: &mut impl InstructionSink,
    ) -> Result<(), Broken> {
        sink.goes_on_at(decoder.executed());
        while let Some((branch_bits, event, length)) = self.packet()? {
            decoder.packet(branch_bits, &event, sink).map_err(|fault| self.broken(&fault))?;
            if decoder.executed() > self.range.end {
                return Err(self.broken(&MISCOUNTED));
            }
            if sink.is_done() {
                return Ok(());
            }
            self.at += length;
        }
        self.check(decoder)
    }

    /// An error at the next packet.
    #[cold]
    pub fn broken(&self, reason: &dyn Display) -> Broken {
        Broken::at(self.offset(), reason)
    }

    /// The byte of the recording where the next packet starts.
    pub fn offset(&self) -> u64 {
        self.section.offset + self.at as u64
    }

    /// Its bytes, and where in them the next packet starts.
    pub fn content(&self) -> (&[u8], usize) {
        (&self.section.content, self.at)
    }

    /// Instructions before it, and up to its end.
    pub fn range(&self) -> &Range<u64> {
        &self.range
    }
}

/// Replays what the cursor reads. What came before an error is settled.
///
/// # Errors
///
/// A recording that is damaged or cut short.
pub fn replay<R: Read>(
    cursor: &mut Cursor<R>,
    sink: &mut impl InstructionSink,
) -> Result<(), Broken> {
    let mut decoder = Decoder::new();
    let result = decode_all(cursor, &mut decoder, sink);
    decoder.settle(sink);
    result
}

fn decode_all<R: Read>(
    cursor: &mut Cursor<R>,
    decoder: &mut Decoder,
    sink: &mut impl InstructionSink,
) -> Result<(), Broken> {
    while let Some(part) = cursor.next()? {
        match part {
            Part::Codes(changes) => apply(&changes, decoder)?,
            Part::Chunk(section) => {
                if let Some(mut chunk) = OpenChunk::open(section, decoder)? {
                    chunk.decode(decoder, sink)?;
                }
            }
        }
        if sink.is_done() {
            break;
        }
    }
    Ok(())
}

/// Applies changes that a cursor has read.
///
/// # Errors
///
/// Changes that do not follow those before them, which [`Codes`] has refused already.
pub fn apply(changes: &[Change], decoder: &mut Decoder) -> Result<(), Broken> {
    changes
        .iter()
        .try_for_each(|change| decoder.apply(change))
        .map_err(|fault| Broken::at(0, fault))
}
