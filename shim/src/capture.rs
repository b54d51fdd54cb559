//! What is recorded of the program's objects: one file for each kind.
//!
//! Works on views of objects; the interpreter's own are made in `py`.

pub mod code;
