//! What is found out about traces. Works on steps; knows no format and prints nothing.

pub mod diff;
pub mod validate;
