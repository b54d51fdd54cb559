//! Build automation: fetches, patches and builds the traced interpreter, tests it and measures it.
//!
//! Dispatches only; each command's body is in the module of its name.

mod pins;
mod source;
mod ui;

fn main() {}
