//! The file of a recording: written and read side by side. `docs/flow-format.md` describes it.
//!
//! After a magic number and a version come sections, each with its length and a checksum. A
//! section of events says where all frames stood before it, so it can be read without those
//! before; code objects come in sections of their own, before the events that need them.

mod read;
mod write;

pub use read::{Broken, Section, Sections, Stretch};
pub use write::{FlowWriter, is_full};

/// What a recording starts with.
pub const MAGIC: [u8; 8] = *b"py27flow";

/// The version that is written, and the only one that is read. To be raised with every change
/// that an older reader would misread.
pub const VERSION: u32 = 1;

/// Where the first section starts: behind magic number and version.
const START: u64 = 12;

/// Bytes of a section before its content: kind, three zeros, length, checksum.
const HEAD: usize = 12;

/// Bytes of a section's content at most.
pub const LONGEST: u32 = 256 << 20;

/// Instructions of a recording at most.
const MOST: u64 = 1 << 62;

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
