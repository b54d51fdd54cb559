//! The trace hook of the patched interpreter: records what a thread executes, and must not be noticed by
//! the program.
//!
//! Linked into the executable as a static library. `entry` and `py` need the headers of the
//! tree that is being built (feature `interpreter`, which xtask sets); the rest knows
//! nothing of CPython and is tested without it. Keeping what is recorded is left to a process of its
//! own, the writer in `trace`.

#[cfg(feature = "interpreter")]
mod entry;

#[cfg(feature = "interpreter")]
mod refuse;

#[cfg(feature = "interpreter")]
mod py;

#[cfg(feature = "interpreter")]
mod verify;

pub mod capture;
pub mod guard;
pub mod memory;
pub mod mode;
pub mod output;
pub mod recorder;
pub mod settings;
pub mod shared;
pub mod spawn;
pub mod stacks;
