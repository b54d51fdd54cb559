//! Recordings, made here by a machine of our own and the crate's writer: what is written is read, by
//! every reader; what is cut, damaged or hostile is reported; the page about the file is true.

#![allow(clippy::unwrap_used, reason = "a test says with it what must be")]

mod commands;
mod dump;
mod hostile;
mod page;
mod properties;
mod seek;
mod stage;
mod values;
