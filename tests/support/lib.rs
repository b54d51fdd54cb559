//! What the integration tests share: the interpreters, the corpus, running and comparing.

mod compare;
mod corpus;
mod random;
mod run;

pub use compare::{assert_golden, assert_same, difference, mask};
pub use corpus::{Program, each_in_parallel, in_parallel, programs, real_programs, timed_programs};
pub use random::{random_bytecode, random_source};
pub use run::{Outcome, Python, Recorded, Traced, project, trace27, wait_for};
