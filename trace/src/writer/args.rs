//! What the hook starts the writer with.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};

use crate::flow::run::Wanted;

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Lines of text.
    Text,
    /// A recording.
    Flow,
}

/// The arguments.
#[derive(Clone, Debug, ClapArgs)]
pub struct Args {
    /// The descriptor of the shared memory
    #[arg(long, required_unless_present = "segment")]
    pub ring: Option<i32>,
    /// The number of the segment that is the shared memory, where no descriptor is
    #[arg(long)]
    pub segment: Option<i32>,
    /// The descriptor of the output
    #[arg(long)]
    pub out: i32,
    /// The descriptor of the memory that is mapped while the traced program is there
    #[arg(long)]
    pub presence: i32,
    /// The traced process
    #[arg(long)]
    pub process: u32,
    /// The output's name; other threads' files are named after it
    #[arg(long)]
    pub file: PathBuf,
    /// What is written
    #[arg(long, value_enum)]
    pub kind: Kind,
    /// Whether it is compressed
    #[arg(long)]
    pub compress: bool,
    /// Operands as their meaning
    #[arg(long)]
    pub resolve: bool,
    /// As the original
    #[arg(long)]
    pub blog: bool,
    /// Code objects of this name alone
    #[arg(long, allow_hyphen_values = true)]
    pub name: Option<OsString>,
    /// Other threads are told of, too, each a file with limits of its own
    #[arg(long)]
    pub threads: bool,
    /// End after this many lines, or instructions of a recording
    #[arg(long)]
    pub limit: Option<u64>,
    /// End before the file is larger than this
    #[arg(long)]
    pub max_bytes: Option<u64>,
    /// What the recording says of itself, a JSON object
    #[arg(long, allow_hyphen_values = true, default_value = "{}")]
    pub about: OsString,
}

impl Args {
    pub(super) fn wanted(&self) -> Wanted {
        let is_text = self.kind == Kind::Text;
        Wanted {
            lines: is_text,
            resolve: self.resolve,
            blog: self.blog,
            name: self.name.as_ref().map(|name| name.as_encoded_bytes().to_vec()),
            counts_lines: is_text,
        }
    }
}
