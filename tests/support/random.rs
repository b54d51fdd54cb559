//! Random programs: Python source and hand-made bytecode, the same for the same seed.
//!
//! They obey the rules of `tests/corpus/README.md`: they end, and they execute the same
//! instructions each time. Running and comparing them is left to the tests.

mod bytecode;
mod rng;
mod source;

pub use bytecode::file as random_bytecode;
pub use source::file as random_source;
