//! The flow recording: what a thread did, told so briefly that the code objects say the rest.
//!
//! Between two branches the interpreter runs straight on, so only what is not in `co_code` is
//! told: which way each branch went, which frames came and went, where unwinding landed. The
//! hook tells it, the writer keeps it in a file or turns it into text, readers walk it again.
//! `docs/flow-format.md` describes the file bit by bit.

/// What the hook says of a code object, when it first runs.
pub mod code;
/// What happened, as bytes: written and read side by side.
pub mod event;
/// Where the hook and the writer meet in memory.
pub mod page;
/// Which instructions of a code object can run at all.
pub mod reach;
/// What happened, as the hook tells it in that memory.
pub mod told;

#[cfg(feature = "cli")]
pub mod codes;
#[cfg(feature = "cli")]
pub mod expand;
#[cfg(feature = "cli")]
pub mod file;
#[cfg(feature = "cli")]
pub mod run;
#[cfg(feature = "cli")]
pub mod text;
#[cfg(feature = "cli")]
pub mod walk;
