//! The command line. Doc comments are the help; what was typed is performed elsewhere.

use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{Args, Parser, Subcommand};

/// Builds, tests and measures the traced interpreter.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", arg_required_else_help = true)]
pub struct Xtask {
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Fetch CPython 2.7.18, patch it, link the hook into it and build it
    ///
    /// A repeated call builds only what has changed.
    BuildPython(BuildPython),
    /// Fetch and verify the source of CPython 2.7.18 into the cache
    Fetch(Source),
    /// Work with the patch series
    Patches {
        #[command(subcommand)]
        command: Patches,
    },
    /// Say what this machine has and what is missing for a build
    Doctor {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Build what the tests need and run all of them
    Test(Test),
    /// Run CPython's own test suite on plain CPython, on ours, and on ours while it traces
    ///
    /// Prints where the three part, and ends with status 1 if they do. What differs is run again
    /// alone, so that tests which are not steady on plain CPython are told apart. `--jobs` is also how many
    /// test files run at once.
    Regrtest(Regrtest),
    /// Measure the traced interpreter against the unpatched one and the oracle
    Bench(Bench),
    /// Remove what was built of CPython
    Clean {
        /// Remove the downloads too, which all checkouts of this user share
        #[arg(long)]
        cache: bool,
    },
}

/// Where the source comes from.
#[derive(Clone, Debug, Args)]
pub struct Source {
    /// The one source to use: a directory, a tarball, its URL, or a repository as `git+URL`
    ///
    /// Without it these are tried in turn: the cache, the upstream repository, the release
    /// tarball, the Debian mirror that apt is configured with.
    #[arg(long, value_name = "SOURCE", env = "XTASK_SOURCE")]
    pub source: Option<String>,
    /// Use no network: the cache alone, or a local `--source`
    #[arg(long, env = "XTASK_OFFLINE", value_parser = FalseyValueParser::new())]
    pub offline: bool,
}

/// What every command that builds takes.
#[derive(Clone, Debug, Args)]
pub struct Building {
    #[command(flatten)]
    pub source: Source,
    /// Install what is missing with the system's package manager, after printing its command
    #[arg(long, env = "XTASK_INSTALL_DEPS", value_parser = FalseyValueParser::new())]
    pub install_deps: bool,
    /// How many compilers run at once [default: as many as there are processors]
    #[arg(long, short, value_name = "N", env = "XTASK_JOBS",
          value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
}

/// `build-python`
#[derive(Debug, Args)]
pub struct BuildPython {
    #[command(flatten)]
    pub building: Building,
    /// Build with Py_DEBUG: assertions, reference counts; several times slower
    #[arg(long, env = "XTASK_DEBUG", value_parser = FalseyValueParser::new())]
    pub debug: bool,
    /// Build with profile-guided and link-time optimisation: faster, and takes far longer
    #[arg(long, env = "XTASK_OPTIMIZE", value_parser = FalseyValueParser::new())]
    pub optimize: bool,
    /// Build with Unicode characters of 16 bits, as on Windows and macOS (default: 32)
    #[arg(long, env = "XTASK_UCS2", value_parser = FalseyValueParser::new())]
    pub ucs2: bool,
    /// Dispatch instructions through a switch, as compilers without computed gotos do
    #[arg(long, env = "XTASK_NO_COMPUTED_GOTOS", value_parser = FalseyValueParser::new())]
    pub no_computed_gotos: bool,
    /// Install here [default: a folder under `target/python/prefix`]
    #[arg(long, value_name = "DIR", env = "XTASK_PREFIX")]
    pub prefix: Option<PathBuf>,
}

impl BuildPython {
    /// As without any option.
    pub fn default_configuration(building: Building) -> BuildPython {
        BuildPython {
            building,
            debug: false,
            optimize: false,
            ucs2: false,
            no_computed_gotos: false,
            prefix: None,
        }
    }
}

/// `patches …`
#[derive(Debug, Subcommand)]
pub enum Patches {
    /// Make the source tree stand at the series
    Apply {
        /// Throw away edits and commits of the tree that the series does not have
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        source: Source,
    },
    /// Write the series again from the commits of the source tree
    Refresh,
    /// Check that the series applies, and that it is what `refresh` would write
    Check(Source),
    /// List the patches: name, lines added, subject
    List,
}

/// `test`
#[derive(Debug, Args)]
pub struct Test {
    #[command(flatten)]
    pub building: Building,
    /// Run only the quick part: the traced interpreter against the oracle
    ///
    /// Left out are the builds with a switch and with Py_DEBUG, and CPython's own tests.
    #[arg(long, env = "XTASK_QUICK", value_parser = FalseyValueParser::new())]
    pub quick: bool,
    /// Only tests whose name holds this
    pub filter: Option<String>,
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
    /// End a test file that takes longer than so many seconds
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
    /// expand2, null1, null2, memory. Programs: those of `tests/bench`, and pystone. Ratios need
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
