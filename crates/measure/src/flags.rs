//! The command line of `bench` and `regrtest`, as `cargo xtask` passes it on. Doc comments are the help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use xtask::flags::Building;

/// Measures the traced interpreter, and runs CPython's own tests on it.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", arg_required_else_help = true)]
pub struct Measure {
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run CPython's own test suite on plain CPython, on ours, and on ours while it traces
    ///
    /// Prints where the three differ, and ends with status 1 if they do. Test files that differ run
    /// again alone, which separates tests that are unsteady on plain CPython. `--jobs` is also how
    /// many test files run at once.
    Regrtest(Regrtest),
    /// Measure the traced interpreter against the unpatched one and the oracle
    Bench(Bench),
}

/// `regrtest`
#[derive(Debug, Args)]
pub struct Regrtest {
    #[command(flatten)]
    pub building: Building,
    /// Only these test files, such as `test_grammar` [default: all]
    #[arg(value_name = "TEST")]
    pub tests: Vec<String>,
    /// Only the test files that `tests/regrtest/subset.txt` lists: a few minutes
    #[arg(long, conflicts_with = "tests")]
    pub subset: bool,
    /// End a test file that takes longer than this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 1200,
          value_parser = clap::value_parser!(u64).range(1..))]
    pub timeout: u64,
    /// Write all results here as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Build nothing, and take this for plain CPython
    #[arg(long, value_name = "PYTHON", requires = "ours")]
    pub unpatched: Option<PathBuf>,
    /// Build nothing, and take this for the traced interpreter, such as one built with `--optimize`
    #[arg(long, value_name = "PYTHON", requires = "unpatched")]
    pub ours: Option<PathBuf>,
}

/// `bench`
#[derive(Debug, Args)]
pub struct Bench {
    #[command(flatten)]
    pub building: Building,
    /// How often each command is timed; the median counts
    #[arg(long, value_name = "N", default_value_t = 5,
          value_parser = clap::value_parser!(u16).range(1..))]
    pub runs: u16,
    /// Measure only these, separated by commas: ways of running, programs, or both
    ///
    /// Ways: unpatched, untraced, flow, compressed, text, write, resolved, reference, expand1,
    /// expand2, null1, null2, count, stepped, memory. Programs: those of `tests/bench`, and pystone. Ratios need
    /// both of their sides.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Write the figures here as JSON
    #[arg(long, value_name = "FILE", default_value = "target/bench.json")]
    pub json: PathBuf,
    /// Write a plot of time against plain CPython [default FILE: docs/bench.svg]
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "docs/bench.svg")]
    pub svg: Option<PathBuf>,
    /// A look of about a minute: each command once, with a part of the work
    #[arg(long, conflicts_with = "runs")]
    pub quick: bool,
    /// Instead of all that, record and expand up to a thousand million instructions, once
    #[arg(long, conflicts_with_all = ["runs", "only", "svg", "quick"])]
    pub large: bool,
    /// Where traces are written meanwhile, some gigabytes [default: /dev/shm]
    #[arg(long, value_name = "DIR")]
    pub scratch: Option<PathBuf>,
}
