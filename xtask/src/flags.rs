//! The command line. Doc comments are the help; what was typed is performed elsewhere.

#![allow(missing_docs, reason = "the help comes from what is flattened and from the commands")]

use std::ffi::OsString;
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
    #[command(disable_help_flag = true)]
    Regrtest(Passed),
    /// Measure the traced interpreter against the unpatched one and the oracle
    #[command(disable_help_flag = true)]
    Bench(Passed),
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
    /// Make the source tree match the series
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

/// `bench` and `regrtest`: what their own program gets.
#[derive(Debug, Args)]
pub struct Passed {
    /// `--help` lists them
    #[arg(value_name = "ARGUMENTS", trailing_var_arg = true, allow_hyphen_values = true)]
    pub arguments: Vec<OsString>,
}
