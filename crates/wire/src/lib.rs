//! What passes between the hook in the interpreter and the process that writes the trace.
//!
//! Between two branches the interpreter runs straight on, so only what is not in `co_code` is
//! recorded: which way each branch went, which frames were entered and left, where unwinding ended.
//! The hook writes it into a ring in shared memory; the writer turns it into text or a recording,
//! and readers decode it again. `docs/flow-format.md` describes the file bit by bit.

/// What the hook says of a code object when it first runs.
pub mod code;
/// Where the hook and the writer meet in memory.
pub mod control;
/// Numbers and texts, which packets and code info are made of.
pub mod fields;
/// What happened, as bytes: written and read side by side.
pub mod packet;
/// What happened, as the hook writes it into the ring.
pub mod ring;
/// What instructions produced, as the evaluation loop writes it.
pub mod value;
