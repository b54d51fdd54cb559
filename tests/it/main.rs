//! Everything, run as a user would run it: traces against the oracle, programs against plain
//! CPython, and what users type.

#![allow(clippy::unwrap_used, reason = "a test says with it what must be")]

mod builds;
mod debuggers;
mod diff;
mod emulator_authors;
mod faults;
mod flow;
mod guard;
mod inputs;
mod interpreter;
mod modes;
mod opcodes;
mod oracle;
mod patches;
mod picture;
mod pyc;
mod random;
mod readme;
mod refusals;
mod rewritten;
mod shape;
mod timed;
mod undisturbed;
mod values;
mod wheels;
mod xpython;
mod xtask;
