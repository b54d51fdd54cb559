//! What is not the release, or more than it: refused, with no half tree and nothing in the cache
//! that a later run would take for good.

use git2::{ObjectType, Repository, Signature, Time};
use tar::EntryType;

use super::*;
use fixture::{Entry, gz, hashed, tar_of};

/// Nobody listens there.
const DEAD: &str = "http://127.0.0.1:1";

fn refused(world: &World, server: &str, source: Option<&str>) -> String {
    let error = format!("{:#}", world.obtain(server, source, false).unwrap_err());
    assert!(!world.path("cache/Python-0.tgz").exists(), "{error}");
    assert!(!world.path("cache/cpython.git").exists(), "{error}");
    error
}

#[test]
fn a_tampered_archive() {
    let world = World::new();
    let file = world.path("my.tgz");
    for at in [0, 4, world.tgz.len() / 2, world.tgz.len() - 1] {
        let mut wrong = world.tgz.clone();
        wrong[at] ^= 1;
        fs::write(&file, &wrong).unwrap();
        let error = refused(&world, DEAD, Some(file.to_str().unwrap()));
        assert!(error.contains("its sha256 is") && error.contains(&world.sha256), "{error}");

        let server = Server::start(vec![Answer::whole(&wrong)]);
        let error = refused(&world, DEAD, Some(&server.url("/x.tgz")));
        assert!(error.contains("the file has sha256") && error.contains(&world.sha256), "{error}");

        // Upstream and the mirrors one after another.
        let missing = Answer::status("404 Not Found");
        let server = Server::start(vec![missing, Answer::whole(&wrong), Answer::whole(&wrong)]);
        let error = refused(&world, &server.url(""), None);
        assert!(error.contains("no source"), "{error}");
        assert_eq!(server.requests().len(), 3);
    }
}

/// As if the release itself were hostile: its hash is the pinned one.
#[test]
fn an_archive_that_climbs_out() {
    use EntryType as E;
    let cases: &[(&[Entry], &str)] = &[
        (&[Entry("../x", E::Regular, "")], "`../x`"),
        (&[Entry("top/../../x", E::Regular, "")], "`top/../../x`"),
        (&[Entry("/x", E::Regular, "")], "`/x`"),
        (&[Entry("top/l", E::Symlink, "/etc")], "`top/l`"),
        (&[Entry("top/l", E::Symlink, "../x")], "`top/l`"),
        // Through a directory that is a link.
        (&[Entry("top/d", E::Symlink, "."), Entry("top/d/x", E::Regular, "")], "`top/d/x`"),
        (
            &[
                Entry("top/a/b", E::Directory, ""),
                Entry("top/d", E::Symlink, "a/b"),
                Entry("top/d/l", E::Symlink, "../../x"),
            ],
            "`top/d/l`",
        ),
        (&[Entry("top/a/l", E::Symlink, "b/../../../x")], "`top/a/l`"),
        (&[Entry("top/h", E::Link, "/etc/passwd")], "a hard link"),
        (&[Entry("top/a", E::Regular, ""), Entry("top/h", E::Link, "top/a")], "a hard link"),
    ];
    for (entries, part) in cases {
        let (tgz, sha256) = hashed(gz(&tar_of(entries)));
        let world = World { tgz, sha256, dir: tempfile::tempdir().unwrap() };
        let file = world.path("my.tgz");
        fs::write(&file, &world.tgz).unwrap();
        let source = file.to_str().unwrap();
        let error = format!("{:#}", world.obtain(DEAD, Some(source), false).unwrap_err());
        assert!(error.contains(part) && error.contains("cannot unpack"), "{error}");
        let mut left: Vec<_> = fs::read_dir(world.dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, ["apt", "cache", "my.tgz"]);
    }
}

#[test]
fn a_download_that_is_cut_or_too_short() {
    let world = World::new();
    let half = &world.tgz[..world.tgz.len() / 2];
    for (answers, part) in [
        // The connection ends early, and the server is gone then.
        (vec![Answer::whole(&world.tgz).cut(half.len())], "500"),
        // The length is that of what comes, which is not all.
        (vec![Answer::whole(half)], "pinned are"),
        (vec![Answer::whole(half).without_length()], "500"),
        (vec![Answer::whole(b"")], "pinned are"),
        // Another piece than was asked for.
        (vec![Answer::whole(&world.tgz).cut(9), Answer::range(&world.tgz, 20)], "500"),
    ] {
        let server = Server::start(answers);
        let error = refused(&world, DEAD, Some(&server.url("/x.tgz")));
        assert!(error.contains(part), "{error}");
        let _ = fs::remove_file(world.path("cache/Python-0.tgz.part"));
    }
    // What came is where the next one goes on.
    let server = Server::start(vec![Answer::whole(&world.tgz).cut(half.len())]);
    refused(&world, DEAD, Some(&server.url("/x.tgz")));
    let server = Server::start(vec![Answer::range(&world.tgz, half.len())]);
    world.obtain(DEAD, Some(&server.url("/x.tgz")), false).unwrap();
}

#[test]
fn a_tag_that_names_another_commit() {
    let world = World::new();
    let origin = world.path("origin");
    // The same files; upstream's commit is another.
    let commit = fixture::repository(&origin, 1).to_string();
    let server = Server::start(vec![Answer::Git(origin.clone())]);
    for source in [format!("git+file://{}", origin.display()), format!("git+{}", server.url("/r"))]
    {
        let error = refused(&world, DEAD, Some(&source));
        let wanted = format!("`v0` is commit `{commit}`, pinned is `{}`", fixture::COMMIT);
        assert!(error.contains(&wanted) && error.ends_with("`--source FILE`"), "{error}");
    }
    let error = refused(&world, &server.url(""), None);
    assert!(error.contains("no source"), "{error}");
}

#[test]
fn a_tag_that_is_missing_or_names_no_commit() {
    let world = World::new();
    let origin = world.path("origin");
    fixture::repository(&origin, 2);
    let repository = Repository::open(&origin).unwrap();
    repository.tag_delete("v0").unwrap();
    let named = format!("git+file://{}", origin.display());
    let error = refused(&world, DEAD, Some(&named));
    assert!(error.contains("refs/tags/v0"), "{error}");
    let server = Server::start(vec![Answer::Git(origin.clone())]);
    refused(&world, DEAD, Some(&format!("git+{}", server.url("/r"))));

    let blob = repository.blob(b"no commit").unwrap();
    let blob = repository.find_object(blob, Some(ObjectType::Blob)).unwrap();
    let who = Signature::new("a", "a@mirror.example", &Time::new(0, 0)).unwrap();
    repository.tag("v0", &blob, &who, "release\n", false).unwrap();
    refused(&world, DEAD, Some(&named));
    refused(&world, DEAD, Some(&format!("git+{}", server.url("/r"))));
}

/// One that some other program has left there.
#[test]
fn a_cached_repository_of_another_commit() {
    let world = World::new();
    fs::create_dir(world.path("cache")).unwrap();
    fixture::repository(&world.path("cache/cpython.git"), 1);
    let error = refused(&world, DEAD, None);
    assert!(error.contains("no source"), "{error}");
}
