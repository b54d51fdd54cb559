//! Traces of Python 2.7 bytecode: what the opcodes mean, the text of a trace, and views of it.
//!
//! Recorder and readers share the first two: the hook in the interpreter links this crate without
//! features, `trace27` and the tests with them. Recording itself is not here.

pub mod flow;
pub mod opcode;
pub mod text;

#[cfg(feature = "cli")]
pub mod adapt;
#[cfg(feature = "cli")]
pub mod convert;
#[cfg(feature = "cli")]
pub mod diff;
#[cfg(feature = "cli")]
pub mod disassemble;
#[cfg(feature = "cli")]
pub mod event;
#[cfg(feature = "cli")]
pub mod input;
#[cfg(feature = "cli")]
pub mod lines;
#[cfg(all(feature = "cli", unix))]
pub mod lockstep;
#[cfg(feature = "cli")]
pub mod output;
#[cfg(feature = "cli")]
pub mod pyc;
#[cfg(feature = "cli")]
pub mod validate;
#[cfg(feature = "cli")]
pub mod view;
#[cfg(all(feature = "cli", unix))]
pub mod writer;
