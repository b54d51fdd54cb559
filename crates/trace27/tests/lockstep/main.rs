//! Processes in lockstep: that their traces arrive and are compared, and that nothing of them is
//! left, whatever ends it.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test says with it what must be")]

mod command;
mod sessions;
mod stage;
