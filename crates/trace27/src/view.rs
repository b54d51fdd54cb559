//! What people are shown of a trace: one file for each view.

pub mod expand;
pub mod find;
pub mod info;
mod inputs;
pub mod pattern;
pub mod place;
pub mod position;
pub mod recording;
pub mod state;
pub mod who;
