//! All sources together, on a release as small as can be.

use super::*;
use crate::pins::Archive;
use fixture::{Answer, Server};
use std::path::PathBuf;
use tempfile::TempDir;

mod refusals;

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
        let result = obtain_release(&request, &release, &apt, &dest, &Ui::on_stderr());
        assert_eq!(dest.exists(), result.is_ok());
        assert_eq!(half_made(self.dir.path()), [""; 0]);
        if result.is_ok() {
            verify::directory(&dest, &release).unwrap();
            fs::remove_dir_all(&dest).unwrap();
        }
        result
    }
}

/// What is under a temporary name in a folder or in those below.
fn half_made(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if [".unpacking-", "git-", "copy-"].iter().any(|start| name.starts_with(start)) {
            found.push(name);
        } else if entry.file_type().unwrap().is_dir() {
            found.extend(half_made(&entry.path()));
        }
    }
    found
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
    fixture::repository(&origin, 2);
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
    assert!(
        left.len() == 2
            && left.iter().all(|name| ["Python-0.tgz", "cpython.git"].contains(&name.as_str())),
        "{left:?}"
    );
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
        obtain_release(&request, &release, Path::new("/"), &dest, &Ui::on_stderr()).unwrap_err();
    assert!(error.to_string().contains("exists"), "{error}");
    assert!(!cache.exists());
}
