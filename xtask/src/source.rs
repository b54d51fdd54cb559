//! One verified, pristine tree of the pinned release, from wherever it can be had.
//!
//! Knows the sources and their order: the cache, upstream's git, python.org, the Debian mirror
//! of this machine's apt. How each is used, and what a tree must be, is in the modules below.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use git2::Oid;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::pins::{Archive, CPYTHON, Release};
use crate::ui::{Stage, Ui};
use apt::Apt;
use cache::Cache;
use tree::Tree;

mod apt;
mod archive;
mod cache;
mod copy;
mod download;
#[cfg(test)]
mod fixture;
mod git;
mod http;
mod transport;
mod tree;
mod verify;

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

/// Makes `dest`, which must not exist, a pristine tree. It appears whole or not at all.
pub fn obtain(request: &Request, dest: &Path, ui: &Ui) -> Result<Provenance> {
    obtain_release(request, &CPYTHON, Path::new(APT), dest, ui)
}

/// Fills the cache, or verifies what `request` names where that is used in place (a directory, a
/// local repository).
pub fn fetch(request: &Request, ui: &Ui) -> Result<Provenance> {
    let cache = open_cache(request, ui)?;
    Ok(find(request, &CPYTHON, Path::new(APT), &cache, ui)?.provenance())
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
    let found = find(request, release, apt, &cache, ui)?;
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

fn find<'a>(
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
enum Found<'a> {
    Archive { file: PathBuf, archive: &'a Archive<'a>, address: String },
    Commit { repository: PathBuf, commit: Oid, address: String, _temporary: Option<TempDir> },
    Directory(PathBuf),
}

impl Found<'_> {
    fn provenance(&self) -> Provenance {
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

    fn write(&self, tree: &mut Tree) -> Result<()> {
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
    /// All sources in their order; each that fails is told in one line.
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
        if let Some(found) = self.told(upstream, self.upstream()) {
            return Ok(found);
        }
        let release = format!("{}{}", self.release.download, archive.name);
        if let Some(found) = self.told(&release, self.download(&release, archive, None)) {
            return Ok(found);
        }
        let apt = Apt::read(apt);
        for mirror in &apt.mirrors {
            let url = format!("{mirror}/{}", self.release.debian);
            let result = self.download(&url, archive, apt.proxy.as_deref());
            if let Some(found) = self.told(&url, result) {
                return Ok(found);
            }
        }
        if apt.mirrors.is_empty() {
            self.stage.say("apt: no mirror is configured here");
        }
        bail!("no source of CPython {} can be reached; {step}", self.release.version)
    }

    /// What the cache holds; bad entries are told and put out of the way.
    fn cached(&self) -> Option<Found<'a>> {
        for archive in self.release.archives {
            if let Some(Some(file)) = self.told("cache", self.cache.archive(archive)) {
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
        let Some(commit) = self.told("cache", commit) else {
            let removed = fs::remove_dir_all(&repository)
                .with_context(|| format!("cannot remove `{}`", repository.display()));
            self.told("cache", removed);
            return None;
        };
        let address = repository.display().to_string();
        Some(Found::Commit { repository, commit, address, _temporary: None })
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
            let commit = git::tagged(&repository, self.release)?;
            let address = name.to_owned();
            Ok(Found::Commit { repository, commit, address, _temporary: None })
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

    fn upstream(&self) -> Result<Found<'a>> {
        let found = self.clone(self.release.repository)?;
        if let Found::Commit { commit, .. } = found {
            self.pinned(commit)?;
        }
        Ok(found)
    }

    /// Fetches the tag. The repository stays in the cache if its commit is the pinned one.
    fn clone(&self, url: &str) -> Result<Found<'a>> {
        self.stage.doing(url);
        let temporary = tempfile::Builder::new()
            .prefix("git-")
            .tempdir_in(self.cache.dir())
            .with_context(|| format!("cannot write to `{}`", self.cache.dir().display()))?;
        let mut repository = temporary.path().join("fetched");
        git::fetch(url, self.release.tag, &repository, &|bytes| {
            self.stage.doing(&format!("{url}: {:.1} MB", bytes as f64 / 1e6));
        })?;
        let commit = git::tagged(&repository, self.release)?;
        if self.pinned(commit).is_ok() {
            let kept = self.cache.repository();
            let _ = fs::remove_dir_all(&kept);
            fs::rename(&repository, &kept)
                .with_context(|| format!("cannot create `{}`", kept.display()))?;
            repository = kept;
        }
        let address = url.to_owned();
        Ok(Found::Commit { repository, commit, address, _temporary: Some(temporary) })
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
    fn told<T>(&self, what: &str, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.stage.say(&format!("{what}: {}", flat(&error)))).ok()
    }
}

/// An error and its causes in one line.
fn flat(error: &anyhow::Error) -> String {
    format!("{error:#}").split('\n').map(str::trim).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use fixture::{Answer, Server};

    struct World {
        dir: TempDir,
        tgz: Vec<u8>,
        sha256: String,
    }

    impl World {
        fn new() -> World {
            let (tgz, sha256) = fixture::tgz();
            World { dir: tempfile::tempdir().unwrap(), tgz, sha256 }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.dir.path().join(name)
        }

        /// Obtains `dest` from a release all of whose remote places are at `server`.
        fn obtain(&self, server: &str, source: Option<&str>, offline: bool) -> Result<Provenance> {
            let size = Some(self.tgz.len() as u64);
            let archives = [Archive { name: "Python-0.tgz", sha256: &self.sha256, size }];
            let (upstream, download) = (format!("{server}/git"), format!("{server}/ftp/"));
            let mut release = fixture::release(&archives);
            release.repository = &upstream;
            release.download = &download;
            let apt = self.path("apt");
            fs::create_dir_all(&apt).unwrap();
            fs::write(apt.join("sources.list"), format!("deb {server}/debian x main")).unwrap();
            let cache = self.path("cache");
            let request = Request { source, offline, cache: &cache };
            let dest = self.path("dest");
            let result = obtain_release(&request, &release, &apt, &dest, &Ui::new());
            assert_eq!(dest.exists(), result.is_ok());
            if result.is_ok() {
                verify::directory(&dest, &release).unwrap();
                fs::remove_dir_all(&dest).unwrap();
            }
            result
        }
    }

    #[test]
    fn sources_are_tried_in_order_and_the_cache_serves_next() {
        let world = World::new();
        let missing = || Answer::status("404 Not Found");
        let server = Server::start(vec![missing(), missing(), Answer::whole(&world.tgz)]);
        let provenance = world.obtain(&server.url(""), None, false).unwrap();
        assert_eq!(provenance.address, server.url("/debian/pool/x.orig.tar.gz"));
        assert_eq!(provenance.to_json()["sha256"], world.sha256);
        let requests = server.requests();
        let starts = ["GET /git/info/refs?", "GET /ftp/Python-0.tgz ", "GET /debian/pool/x.orig"];
        assert_eq!(requests.len(), 3);
        for (request, start) in requests.iter().zip(starts) {
            assert!(request.starts_with(start), "{request}");
        }

        let cached = world.obtain("http://127.0.0.1:1", None, true).unwrap();
        assert_eq!(cached.address, world.path("cache/Python-0.tgz").display().to_string());
        // A damaged one is fetched again.
        fs::write(world.path("cache/Python-0.tgz"), "damaged").unwrap();
        let error = world.obtain("http://127.0.0.1:1", None, true).unwrap_err().to_string();
        assert!(error.ends_with("`--source FILE`"), "{error}");
        let server = Server::start(vec![missing(), Answer::whole(&world.tgz)]);
        world.obtain(&server.url(""), None, false).unwrap();
    }

    #[test]
    fn nothing_reachable_ends_with_what_to_do() {
        let error = World::new().obtain("http://127.0.0.1:1", None, false).unwrap_err().to_string();
        assert!(error.contains("no source"), "{error}");
        assert!(error.ends_with("`--source FILE`"), "{error}");
    }

    #[test]
    fn upstream_must_have_the_pinned_commit_and_is_cached() {
        let world = World::new();
        let origin = world.path("origin");
        let commit = fixture::repository(&origin, 2);
        assert_eq!(commit.to_string(), fixture::COMMIT);
        let server = Server::start(vec![Answer::Git(origin)]);
        let provenance = world.obtain(&server.url(""), None, false).unwrap();
        assert_eq!(provenance.address, server.url("/git"));
        assert_eq!(provenance.to_json()["commit"], fixture::COMMIT);
        let cached = world.obtain("http://127.0.0.1:1", None, true).unwrap();
        assert!(cached.address.ends_with("cpython.git"), "{cached}");

        // The same files in another commit are not upstream's.
        let world = World::new();
        let origin = world.path("origin");
        fixture::repository(&origin, 1);
        let server = Server::start(vec![Answer::Git(origin), Answer::whole(&world.tgz)]);
        let provenance = world.obtain(&server.url(""), None, false).unwrap();
        assert!(provenance.address.contains("/ftp/"), "{provenance}");
        assert!(!world.path("cache/cpython.git").exists());
    }

    #[test]
    fn each_kind_of_named_source_works_alone() {
        let world = World::new();
        let (tree, origin, file) = (world.path("tree"), world.path("origin"), world.path("my.tgz"));
        fixture::write_tree(&tree);
        fixture::repository(&origin, 1);
        fs::write(&file, &world.tgz).unwrap();
        let server = Server::start(vec![Answer::whole(&world.tgz)]);
        let git = Server::start(vec![Answer::Git(origin.clone())]);
        let cases = [
            (tree.display().to_string(), "directory", true),
            (file.display().to_string(), "archive", true),
            (format!("git+file://{}", origin.display()), "git", true),
            (server.url("/some/where.tar.gz?x=y"), "archive", false),
            (format!("git+{}", git.url("/r")), "git", false),
        ];
        for (name, kind, offline) in &cases {
            let provenance = world.obtain("http://127.0.0.1:1", Some(name), *offline).unwrap();
            assert_eq!(provenance.to_json()["kind"], *kind);
            let address = name.strip_prefix("git+http").map(|url| format!("http{url}"));
            assert_eq!(provenance.address, address.as_deref().unwrap_or(name));
        }
        let left: Vec<_> = fs::read_dir(world.path("cache"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != ".lock")
            .collect();
        assert_eq!(left, ["Python-0.tgz"]);
    }

    #[test]
    fn wrong_named_sources_are_refused_with_what_to_do() {
        let world = World::new();
        let (tree, origin, file) = (world.path("tree"), world.path("origin"), world.path("x.tgz"));
        fixture::write_tree(&tree);
        fs::write(tree.join("configure"), "other").unwrap();
        fixture::repository_of(&tree, &origin, 1);
        fs::write(&file, "other").unwrap();
        let cases = [
            (tree.display().to_string(), "`configure` is blob"),
            (format!("git+file://{}", origin.display()), "`configure` is blob"),
            (file.display().to_string(), "its sha256 is"),
            ("no/such".to_owned(), "no file"),
            ("ftp://mirror.example/x.tgz".to_owned(), "no file"),
            ("git+ssh://mirror.example/x".to_owned(), "`file` only"),
            ("http://127.0.0.1:1/x.zip".to_owned(), "`.tar.xz`"),
        ];
        for (name, part) in &cases {
            let error = world.obtain("http://127.0.0.1:1", Some(name), false).unwrap_err();
            let error = error.to_string();
            assert!(error.contains(part) && error.ends_with("`--source FILE`"), "{error}");
        }
        let url = Some("http://127.0.0.1:1/x.tgz");
        let error = world.obtain("http://127.0.0.1:1", url, true).unwrap_err().to_string();
        assert!(error.contains("`--offline`"), "{error}");
    }

    #[test]
    fn an_existing_destination_is_left_alone() {
        let world = World::new();
        let (dest, cache) = (world.path("dest"), world.path("cache"));
        fs::create_dir(&dest).unwrap();
        let request = Request { source: None, offline: true, cache: &cache };
        let release = fixture::release(&[]);
        let error =
            obtain_release(&request, &release, Path::new("/"), &dest, &Ui::new()).unwrap_err();
        assert!(error.to_string().contains("exists"), "{error}");
        assert!(!cache.exists());
    }
}
