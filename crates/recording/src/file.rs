//! The file of a recording: written and read side by side. `docs/flow-format.md` describes it.
//!
//! After a magic number and a version come chunks, each with its kind, its length and a checksum.
//! A chunk of packets starts with the state of all frames before it, so it can be read without
//! those before; code objects come in chunks of their own, before the packets that need them. The
//! last chunk is an index, by which a reader finds an instruction in a few steps.

mod frames;
mod index;
mod read;
mod write;

pub use frames::Frames;
pub use index::{Entry, Index};
pub use read::{Broken, Gap, Section, Sections, Stretch};
pub use write::{FlowWriter, is_full};

/// What a recording starts with.
pub const MAGIC: [u8; 8] = *b"py27flow";

/// The version that is written, and the only one that is read. To be raised with every change
/// that an older reader would misread; what can be added without that is in the documentation.
pub const VERSION: u32 = 2;

/// Where the first chunk starts: after magic number and version.
const START: u64 = 12;

/// Bytes of a chunk before its content: kind, three zeros, length, checksum.
const HEAD: usize = 12;

/// Bytes of a chunk's content at most.
pub const LONGEST: u32 = 256 << 20;

/// Instructions of a recording at most.
const MOST: u64 = 1 << 62;

/// In what a recording says of itself: how many of its instructions are wanted, where it was
/// limited. The last packet may hold some more.
pub const LIMIT: &str = "limit";

/// In what it says of its end: how many instructions it has, those beyond the limit left out.
pub const INSTRUCTIONS: &str = "instructions";

/// Kinds of chunks.
pub mod section {
    /// One JSON object: what was recorded, with what, how.
    pub const ABOUT: u8 = 1;
    /// Packets that define code objects, set them to single-step mode, and free them.
    pub const CODES: u8 = 2;
    /// A range of instructions: four numbers, the state of all frames, packets.
    pub const EVENTS: u8 = 3;
    /// One JSON object: how it ended.
    pub const END: u8 = 4;
    /// Instructions that were left out.
    pub const GAP: u8 = 5;
    /// Where the chunks are.
    pub const INDEX: u8 = 6;
    /// What [`CODES`] holds, compressed. Readers see that kind.
    pub const COMPRESSED_CODES: u8 = 7;
    /// The first of the kinds that a reader may skip.
    pub const SKIPPABLE: u8 = 128;
}

/// Why instructions were left out.
pub mod gap {
    /// They are outside the part of the run that was asked for.
    pub const WINDOW: u64 = 1;
    /// The recorder was not attached to the program.
    pub const DETACHED: u64 = 2;
}

/// The checksum of a chunk: of its head, up to there, and of its content.
fn checksum(head: &[u8], parts: &[&[u8]]) -> u32 {
    let mut checksum = crc32fast::Hasher::new();
    checksum.update(&head[..8]);
    parts.iter().for_each(|part| checksum.update(part));
    checksum.finalize()
}
