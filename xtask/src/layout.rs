//! Where things are: the project's own folders, and those that commands make under `target/`.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// Which interpreter: they share sources and differ in patches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// With the shipped series and the hook: what users run.
    Traced,
    /// With the series of the tests, in which a Python function traces each instruction.
    Oracle,
    /// Without patches, to measure against.
    Unpatched,
}

impl Kind {
    /// The name of its folders.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Traced => "traced",
            Kind::Oracle => "oracle",
            Kind::Unpatched => "unpatched",
        }
    }
}

/// The folders of one checkout of the project.
#[derive(Clone, Debug)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// That of the checkout which this xtask was compiled in.
    pub fn of_this_checkout() -> Result<Layout> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = manifest.parent().context("xtask is not inside the project")?;
        Ok(Layout { root: root.to_owned() })
    }

    /// The project's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where downloads are kept, shared by all checkouts of this user.
    pub fn cache(&self) -> PathBuf {
        let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        set("XTASK_CACHE")
            .or_else(|| Some(set("XDG_CACHE_HOME")?.join("python27-traced")))
            .or_else(|| Some(set("HOME")?.join(".cache/python27-traced")))
            .unwrap_or_else(|| self.python().join("cache"))
    }

    /// All that is built of CPython, unless a prefix is given.
    pub fn python(&self) -> PathBuf {
        self.root.join("target/python")
    }

    /// The patches of a kind of interpreter, if it has any.
    pub fn patches(&self, kind: Kind) -> Option<PathBuf> {
        match kind {
            Kind::Traced => Some(self.root.join("patches")),
            Kind::Oracle => Some(self.root.join("tests/oracle/patches")),
            Kind::Unpatched => None,
        }
    }

    /// The patched source, a repository.
    pub fn tree(&self, kind: Kind) -> PathBuf {
        self.python().join("tree").join(kind.name())
    }

    /// Where an interpreter of this name is compiled.
    pub fn build(&self, name: &str) -> PathBuf {
        self.python().join("build").join(name)
    }

    /// Where an interpreter of this name is installed.
    pub fn prefix(&self, name: &str) -> PathBuf {
        self.python().join("prefix").join(name)
    }

    /// The full output of a step.
    pub fn log(&self, name: &str, step: &str) -> PathBuf {
        self.python().join("log").join(format!("{name}-{step}.log"))
    }
}
