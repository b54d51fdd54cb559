//! One verified, pristine tree of the pinned release, from wherever it can be had.
//!
//! The interface: the order of the sources is in `search`, how each is used and what a tree must
//! be in the other modules below.

use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};

use crate::pins::{CPYTHON, Release};
use crate::ui::Ui;
use cache::Cache;
pub use provenance::Provenance;
use tree::Tree;

// The order of the sources.
mod search;

// What is kept, and what is reported about it.
mod cache;
mod provenance;

// The ways to get it.
mod apt;
mod download;
mod git;
mod http;
mod transport;

// From what was got to a tree.
mod archive;
mod copy;
mod tree;
mod verify;

#[cfg(test)]
mod fixture;

/// Where apt keeps its configuration.
const APT: &str = "/etc/apt";

/// What a user asks for.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The one source to use: a directory, an archive, its URL (http, https), or a repository
    /// (`git+http://…`, `git+https://…`, `git+file:///…`). `None` tries all in order.
    pub source: Option<&'a str>,
    /// Use no network.
    pub offline: bool,
    /// The cache directory; need not exist.
    pub cache: &'a Path,
}

/// Makes `dest`, which must not exist, a pristine tree. It appears whole or not at all.
pub fn obtain(request: &Request, dest: &Path, ui: &Ui) -> Result<Provenance> {
    obtain_release(request, &CPYTHON, Path::new(APT), dest, ui)
}

/// Fills the cache, or verifies what `request` names where that is used in place (a directory, a
/// local repository).
pub fn fetch(request: &Request, ui: &Ui) -> Result<Provenance> {
    let cache = open_cache(request, ui)?;
    Ok(search::find(request, &CPYTHON, Path::new(APT), &cache, ui)?.provenance())
}

fn obtain_release(
    request: &Request,
    release: &Release,
    apt: &Path,
    dest: &Path,
    ui: &Ui,
) -> Result<Provenance> {
    ensure!(
        fs::symlink_metadata(dest).is_err(),
        "`{}` exists; remove it, and the source is unpacked there",
        dest.display()
    );
    // Held to the end: what was found is still there when it is unpacked.
    let cache = open_cache(request, ui)?;
    let found = search::find(request, release, apt, &cache, ui)?;
    let stage = ui.stage("unpack");
    let mut tree = Tree::beside(dest, release.modified)?;
    found.write(&mut tree)?;
    verify::directory(tree.root(), release)?;
    tree.finish(dest)?;
    stage.done(&format!("`{}`", dest.display()));
    Ok(found.provenance())
}

fn open_cache(request: &Request, ui: &Ui) -> Result<Cache> {
    let dir = request.cache;
    Cache::open(dir, || {
        ui.say(&format!("another process uses `{}`: waiting for it", dir.display()))
    })
}

#[cfg(test)]
mod tests;
