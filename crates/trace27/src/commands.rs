//! The commands: one file each, with what is typed and what is printed.

pub mod convert;
pub mod diff;
pub mod dump;
pub mod find;
pub mod info;
#[cfg(unix)]
pub mod lockstep;
mod options;
mod recorded;
pub mod state;
pub mod validate;
pub mod who;

pub use options::Colour;
