//! The order of the sources, and what a named one may be.
//!
//! Ends with a verified source within reach, from which a tree can be written.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use git2::Oid;

use super::apt::Apt;
use super::cache::Cache;
use super::provenance::{Origin, Provenance};
use super::tree::Tree;
use super::{Request, archive, copy, download, git, http, verify};
use crate::pins::{Archive, Release};
use crate::ui::{Stage, Ui};

/// Finds what `request` asks for, and brings it within reach. `apt` is where apt keeps its
/// configuration.
pub fn find<'a>(
    request: &Request,
    release: &'a Release<'a>,
    apt: &Path,
    cache: &'a Cache,
    ui: &Ui,
) -> Result<Found<'a>> {
    let stage = ui.stage("fetch");
    let search = Search { release, cache, offline: request.offline, stage: &stage };
    let found = match request.source {
        Some(name) => search.named(name),
        None => search.in_order(apt),
    }?;
    stage.done(&found.provenance().to_string());
    Ok(found)
}

/// A verified source within reach.
pub enum Found<'a> {
    /// A file in the cache.
    Archive {
        /// Where it is.
        file: PathBuf,
        /// Which it is.
        archive: &'a Archive<'a>,
        /// Where it came from.
        address: String,
    },
    /// A commit in a repository.
    Commit {
        /// Where that is.
        repository: PathBuf,
        /// Which it is.
        commit: Oid,
        /// Where it came from.
        address: String,
    },
    /// A directory of the user's.
    Directory(PathBuf),
}

impl Found<'_> {
    /// What a tree written from this came from.
    pub fn provenance(&self) -> Provenance {
        let (address, origin) = match self {
            Found::Archive { archive, address, .. } => {
                (address.clone(), Origin::Archive { sha256: archive.sha256.to_owned() })
            }
            Found::Commit { commit, address, .. } => {
                (address.clone(), Origin::Git { commit: commit.to_string() })
            }
            Found::Directory(path) => (path.display().to_string(), Origin::Directory),
        };
        Provenance { address, origin }
    }

    /// Writes the files.
    pub fn write(&self, tree: &mut Tree) -> Result<()> {
        match self {
            Found::Archive { file, .. } => archive::unpack(file, tree),
            Found::Commit { repository, commit, .. } => git::export(repository, *commit, tree),
            Found::Directory(path) => copy::copy(path, tree),
        }
    }
}

struct Search<'a, 's> {
    release: &'a Release<'a>,
    cache: &'a Cache,
    offline: bool,
    stage: &'s Stage,
}

impl<'a> Search<'a, '_> {
    /// All sources in their order; each that fails is reported in one line.
    fn in_order(&self, apt: &Path) -> Result<Found<'a>> {
        if let Some(found) = self.cached() {
            return Ok(found);
        }
        let archive = self.preferred()?;
        let step = format!("give the release's `{}` with `--source FILE`", archive.name);
        if self.offline {
            bail!(
                "the cache `{}` does not hold CPython {}; run `cargo xtask fetch` without \
                 `--offline`, or {step}",
                self.cache.dir().display(),
                self.release.version
            );
        }
        let upstream = self.release.repository;
        if let Some(found) = self.reported(upstream, self.clone(upstream)) {
            return Ok(found);
        }
        let release = format!("{}{}", self.release.download, archive.name);
        if let Some(found) = self.reported(&release, self.download(&release, archive, None)) {
            return Ok(found);
        }
        let apt = Apt::read(apt);
        for mirror in &apt.mirrors {
            let url = format!("{mirror}/{}", self.release.debian);
            let result = self.download(&url, archive, apt.proxy.as_deref());
            if let Some(found) = self.reported(&url, result) {
                return Ok(found);
            }
        }
        if apt.mirrors.is_empty() {
            self.stage.say("apt: no mirror is configured here");
        }
        bail!("no source of CPython {} can be reached; {step}", self.release.version)
    }

    /// What the cache holds; bad entries are reported and moved away.
    fn cached(&self) -> Option<Found<'a>> {
        for archive in self.release.archives {
            if let Some(Some(file)) = self.reported("cache", self.cache.archive(archive)) {
                let address = file.display().to_string();
                return Some(Found::Archive { file, archive, address });
            }
        }
        let repository = self.cache.repository();
        if !repository.exists() {
            self.stage.say(&format!("cache: nothing usable in `{}`", self.cache.dir().display()));
            return None;
        }
        let commit = git::tagged(&repository, self.release).and_then(|id| self.pinned(id));
        let Some(commit) = self.reported("cache", commit) else {
            let removed = fs::remove_dir_all(&repository)
                .with_context(|| format!("cannot remove `{}`", repository.display()));
            self.reported("cache", removed);
            return None;
        };
        let address = repository.display().to_string();
        Some(Found::Commit { repository, commit, address })
    }

    /// The one source `name`; an error ends with what to do.
    fn named(&self, name: &str) -> Result<Found<'a>> {
        let archive = self.preferred()?.name;
        self.only(name).map_err(|error| {
            anyhow!("cannot use `{name}`: {error:#}; give the release's `{archive}` with `--source FILE`")
        })
    }

    fn only(&self, name: &str) -> Result<Found<'a>> {
        let path = Path::new(name);
        let remote = |url: &str| url.starts_with("http://") || url.starts_with("https://");
        let url = name.strip_prefix("git+").unwrap_or(name);
        ensure!(!(self.offline && remote(url)), "`--offline` forbids the network");
        if let Some(path) = name.strip_prefix("git+file://") {
            // In place: libgit2 cannot fetch from a directory without all of the history.
            let repository = PathBuf::from(path);
            let commit = git::tagged(&repository, self.release).and_then(|id| self.pinned(id))?;
            let address = name.to_owned();
            Ok(Found::Commit { repository, commit, address })
        } else if name.starts_with("git+") && remote(url) {
            self.clone(url)
        } else if name.starts_with("git+") {
            bail!("git is spoken over `http`, `https` and `file` only")
        } else if remote(name) {
            self.download(name, self.by_suffix(name)?, None)
        } else if path.is_dir() {
            verify::directory(path, self.release)?;
            Ok(Found::Directory(path.to_owned()))
        } else if path.is_file() {
            self.local(path)
        } else {
            bail!("it is no file, directory, `http`, `https` or `git+` URL")
        }
    }

    /// Fetches the tag. The repository goes into the cache: its commit is the pinned one, whoever
    /// has it.
    fn clone(&self, url: &str) -> Result<Found<'a>> {
        self.stage.doing(url);
        let temporary = tempfile::Builder::new()
            .prefix("git-")
            .tempdir_in(self.cache.dir())
            .with_context(|| format!("cannot write to `{}`", self.cache.dir().display()))?;
        let fetched = temporary.path().join("fetched");
        git::fetch(url, self.release.tag, &fetched, &|bytes| {
            self.stage.doing(&format!("{url}: {:.1} MB", bytes as f64 / 1e6));
        })?;
        let commit = git::tagged(&fetched, self.release).and_then(|id| self.pinned(id))?;
        let repository = self.cache.repository();
        let _ = fs::remove_dir_all(&repository);
        fs::rename(&fetched, &repository)
            .with_context(|| format!("cannot create `{}`", repository.display()))?;
        let address = url.to_owned();
        Ok(Found::Commit { repository, commit, address })
    }

    fn download(
        &self,
        url: &str,
        archive: &'a Archive<'a>,
        proxy: Option<&str>,
    ) -> Result<Found<'a>> {
        self.stage.doing(url);
        let agent = http::agent(proxy)?;
        download::download(&agent, url, archive, self.cache, &|bytes| {
            self.stage.bytes(bytes, archive.size);
        })?;
        let file = self.cache.path(archive);
        Ok(Found::Archive { file, archive, address: url.to_owned() })
    }

    /// A user's archive goes through the cache, so that the next build needs no `--source`.
    fn local(&self, path: &Path) -> Result<Found<'a>> {
        let sha256 = verify::sha256(path)?;
        let archives = self.release.archives;
        let archive =
            archives.iter().find(|archive| archive.sha256 == sha256).with_context(|| {
                let names: Vec<_> =
                    archives.iter().map(|a| format!("`{}` of `{}`", a.sha256, a.name)).collect();
                format!("its sha256 is `{sha256}`, pinned is {}", names.join(" or "))
            })?;
        let file = self.cache.adopt(path, archive)?;
        Ok(Found::Archive { file, archive, address: path.display().to_string() })
    }

    fn by_suffix(&self, url: &str) -> Result<&'a Archive<'a>> {
        let path = url.split(['?', '#']).next().unwrap_or(url);
        let gz = |name: &str| name.ends_with(".tgz") || name.ends_with(".tar.gz");
        let xz = |name: &str| name.ends_with(".tar.xz");
        self.release
            .archives
            .iter()
            .find(|archive| (gz(path) && gz(archive.name)) || (xz(path) && xz(archive.name)))
            .context("it ends in none of `.tgz`, `.tar.gz`, `.tar.xz`")
    }

    fn preferred(&self) -> Result<&'a Archive<'a>> {
        self.release.archives.first().context("no archive is pinned")
    }

    fn pinned(&self, commit: Oid) -> Result<Oid> {
        let Release { tag, commit: pinned, .. } = self.release;
        ensure!(
            commit.to_string() == *pinned,
            "`{tag}` is commit `{commit}`, pinned is `{pinned}`"
        );
        Ok(commit)
    }

    /// The value, or a line that says why there is none.
    fn reported<T>(&self, what: &str, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.stage.say(&format!("{what}: {}", flat(&error)))).ok()
    }
}

/// An error and its causes in one line.
fn flat(error: &anyhow::Error) -> String {
    format!("{error:#}").split('\n').map(str::trim).collect::<Vec<_>>().join(" ")
}
