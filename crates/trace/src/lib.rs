//! Traces of every format: read as steps, compared, converted and checked.

pub mod convert;
pub mod diff;
pub mod formats;
pub mod input;
pub mod lines;
pub mod output;
pub mod step;
pub mod validate;
