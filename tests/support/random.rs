//! Random programs: Python source, the same for the same seed.
//!
//! They obey the rules of `tests/corpus/README.md`: they end, and they execute the same
//! instructions each time. Running and comparing them is left to the tests.

mod rng;
mod source;

pub use source::file as random_source;
