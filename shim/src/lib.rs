//! The trace hook of the patched interpreter: writes one line for each instruction of one
//! thread, and must not be noticed by the program.
//!
//! Linked into the executable as a static library. `entry` and `py` need the headers of the
//! tree that is being built (feature `interpreter`, which xtask sets); the rest knows
//! nothing of CPython and is tested without it. Reading traces is left to `trace`.

#[cfg(feature = "interpreter")]
mod entry;

#[cfg(feature = "interpreter")]
mod py;

pub mod code;
pub mod guard;
pub mod recorder;
pub mod render;
pub mod settings;
pub mod sink;
