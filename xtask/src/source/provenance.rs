//! What a tree came from: for people, and for `build-info.json`.

use std::fmt;

use serde_json::{Value, json};

/// What a tree came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// The file, directory or URL.
    pub address: String,
    /// What was there.
    pub origin: Origin,
}

/// The kinds of source, with what identifies their content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A release archive, by its pinned hash.
    Archive {
        /// SHA-256 in hexadecimal digits.
        sha256: String,
    },
    /// The release's tag in a git repository, by its commit.
    Git {
        /// The commit's id.
        commit: String,
    },
    /// A directory; of its content only the pinned files are known.
    Directory,
}

impl Provenance {
    /// For `build-info.json`: `kind`, `address` and `sha256` or `commit`.
    pub fn to_json(&self) -> Value {
        let address = &self.address;
        match &self.origin {
            Origin::Archive { sha256 } => {
                json!({ "kind": "archive", "address": address, "sha256": sha256 })
            }
            Origin::Git { commit } => {
                json!({ "kind": "git", "address": address, "commit": commit })
            }
            Origin::Directory => json!({ "kind": "directory", "address": address }),
        }
    }
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "`{}`", self.address)?;
        match &self.origin {
            Origin::Archive { sha256 } => write!(f, ", sha256 {sha256}"),
            Origin::Git { commit } => write!(f, ", commit {commit}"),
            Origin::Directory => Ok(()),
        }
    }
}
