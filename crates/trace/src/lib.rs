//! Traces of every format: read as steps, compared, converted and checked.

pub mod analysis;
pub mod convert;
pub mod diff;
pub mod formats;
pub mod input;
pub mod lines;
pub mod step;

pub use analysis::validate;
