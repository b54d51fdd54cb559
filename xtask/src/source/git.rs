//! The release from a git repository: fetches the tag alone, finds its commit, writes its files.
//!
//! Files are written as they are stored: no filters, no line endings, no configuration of the
//! user. What is fetched is a bare repository; the repository in which patches are edited is
//! made from the tree, elsewhere.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use git2::{AutotagOption, FetchOptions, ObjectType, Oid, RemoteCallbacks, Repository};

use super::tree::Tree;
use super::{transport, verify};
use crate::pins::Release;

/// Bytes after which a fetch is cut off; the shallow one takes about 20 MB.
const LIMIT: usize = 256 << 20;

const FILEMODE_TYPE: i32 = 0o170_000;

/// Fetches the release's tag, without history, from `url` (http or https) into a new bare
/// repository `into`; `progress` is called with the bytes so far.
pub fn fetch(url: &str, tag: &str, into: &Path, progress: &dyn Fn(u64)) -> Result<()> {
    transport::register();
    let repository = Repository::init_bare(into)
        .with_context(|| format!("cannot create the repository `{}`", into.display()))?;
    let mut remote = repository.remote_anonymous(url)?;
    let mut callbacks = RemoteCallbacks::new();
    callbacks.transfer_progress(|stats| {
        progress(stats.received_bytes() as u64);
        stats.received_bytes() <= LIMIT
    });
    let mut options = FetchOptions::new();
    options.depth(1).download_tags(AutotagOption::None).remote_callbacks(callbacks);
    let name = format!("refs/tags/{tag}");
    remote.fetch(&[format!("+{name}:{name}")], Some(&mut options), None).map_err(plain)?;
    ensure!(repository.find_reference(&name).is_ok(), "the repository has no tag `{tag}`");
    Ok(())
}

/// The commit that the release's tag names in the repository at `path`, if its files are right.
pub fn tagged(path: &Path, release: &Release) -> Result<Oid> {
    let repository = open(path)?;
    let tag = format!("refs/tags/{}", release.tag);
    let commit = repository
        .find_reference(&tag)
        .and_then(|reference| reference.peel_to_commit())
        .map_err(plain)?;
    verify::git_tree(&format!("tag `{}`", release.tag), &commit.tree()?, release)?;
    Ok(commit.id())
}

/// Writes the files of `commit` out.
pub fn export(path: &Path, commit: Oid, tree: &mut Tree) -> Result<()> {
    let mut export = || -> Result<()> {
        let repository = open(path)?;
        let top = repository.find_commit(commit)?.tree()?;
        level(&repository, &top, Path::new(""), tree)
    };
    export().with_context(|| format!("cannot unpack `{commit}` of `{}`", path.display()))
}

/// Opens this very directory, bare or not; does not search those above.
fn open(path: &Path) -> Result<Repository> {
    Repository::open(path).map_err(plain)
}

/// The message alone: libgit2's class and code of an error say nothing to a person.
fn plain(error: git2::Error) -> anyhow::Error {
    anyhow!("{}", error.message())
}

fn level(repository: &Repository, git: &git2::Tree, inner: &Path, tree: &mut Tree) -> Result<()> {
    for entry in git {
        let name = std::str::from_utf8(entry.name_bytes())?;
        // Git itself never stores such names; another program may have.
        ensure!(!name.contains('/'), "`{name}` is no file's name");
        let path = inner.join(name);
        match entry.kind() {
            Some(ObjectType::Tree) => {
                tree.directory(&path)?;
                level(repository, &repository.find_tree(entry.id())?, &path, tree)?;
            }
            Some(ObjectType::Blob) => {
                let blob = repository.find_blob(entry.id())?;
                if entry.filemode() & FILEMODE_TYPE == i32::from(git2::FileMode::Link) {
                    let target = std::str::from_utf8(blob.content())?;
                    tree.symlink(&path, Path::new(target))?;
                } else {
                    tree.file(&path, entry.filemode() & 0o100 != 0, blob.content())?;
                }
            }
            _ => bail!("`{}` is neither file, directory nor link", path.display()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::fixture::{self, Answer, Server};
    use std::fs;

    #[test]
    fn a_tag_with_the_right_blobs_is_written_out() {
        let dir = tempfile::tempdir().unwrap();
        let (repository, dest) = (dir.path().join("r"), dir.path().join("dest"));
        let commit = fixture::repository(&repository, 1);
        let release = fixture::release(&[]);
        assert_eq!(tagged(&repository, &release).unwrap(), commit);
        let mut tree = Tree::beside(&dest, 0).unwrap();
        export(&repository, commit, &mut tree).unwrap();
        tree.finish(&dest).unwrap();
        verify::directory(&dest, &release).unwrap();
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(dest.join("configure")).unwrap().permissions().mode();
        assert_ne!(mode & 0o100, 0);
    }

    #[test]
    fn wrong_blobs_no_tag_and_no_repository_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        fixture::repository(dir.path(), 1);
        let mut release = fixture::release(&[]);
        let blobs = [crate::pins::Blob { path: "configure", id: "00" }];
        release.blobs = &blobs;
        let error = format!("{:#}", tagged(dir.path(), &release).unwrap_err());
        assert!(error.contains("`configure` is blob"), "{error}");
        release.tag = "v9";
        tagged(dir.path(), &release).unwrap_err();
        tagged(&dir.path().join("Include"), &release).unwrap_err();
    }

    #[test]
    fn a_fetch_over_http_is_shallow() {
        let dir = tempfile::tempdir().unwrap();
        let (origin, copy) = (dir.path().join("origin"), dir.path().join("copy"));
        let commit = fixture::repository(&origin, 3);
        let server = Server::start(vec![Answer::Git(origin.clone())]);
        fetch(&server.url("/r"), "v0", &copy, &|_| {}).unwrap();
        assert_eq!(tagged(&copy, &fixture::release(&[])).unwrap(), commit);
        let copy = Repository::open(&copy).unwrap();
        assert!(copy.is_shallow());
        // The origin has it; a whole clone would too.
        let origin = Repository::open(&origin).unwrap();
        let parent = origin.find_commit(commit).unwrap();
        copy.find_commit(parent.parent_id(0).unwrap()).unwrap_err();
    }

    #[test]
    fn the_post_goes_where_the_get_was_redirected_to() {
        let dir = tempfile::tempdir().unwrap();
        let (origin, copy) = (dir.path().join("origin"), dir.path().join("copy"));
        fixture::repository(&origin, 1);
        let elsewhere = Answer::redirect("/new/info/refs?service=git-upload-pack");
        let server = Server::start(vec![elsewhere, Answer::Git(origin)]);
        fetch(&server.url("/old"), "v0", &copy, &|_| {}).unwrap();
        let requests = server.requests();
        assert!(requests[2].starts_with("POST /new/git-upload-pack"), "{requests:?}");
    }

    #[test]
    fn a_server_without_the_tag_or_without_git_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let origin = dir.path().join("origin");
        fixture::repository(&origin, 1);
        let server = Server::start(vec![Answer::Git(origin)]);
        fetch(&server.url("/r"), "v9", &dir.path().join("a"), &|_| {}).unwrap_err();
        for (answer, part) in
            [(Answer::status("404 Not Found"), "404"), (Answer::whole(b"x"), "git")]
        {
            let server = Server::start(vec![answer]);
            let into = dir.path().join(part);
            let error = fetch(&server.url("/r"), "v0", &into, &|_| {}).unwrap_err();
            assert!(format!("{error:#}").contains(part), "{error:#}");
        }
    }

    /// Git would not write such a tree; another program may have.
    #[test]
    fn a_commit_that_climbs_out_is_not_written_out() {
        let dir = tempfile::tempdir().unwrap();
        let repository = Repository::init(dir.path().join("r")).unwrap();
        let odb = repository.odb().unwrap();
        let link = |to: &str| odb.write(ObjectType::Blob, to.as_bytes()).unwrap();
        let entry = |mode: &str, name: &str, id: Oid| {
            [mode.as_bytes(), b" ", name.as_bytes(), b"\0", id.as_bytes()].concat()
        };
        let tree = |bytes: &[u8]| odb.write(ObjectType::Tree, bytes).unwrap();
        let inner = tree(&entry("100644", "x", link("")));
        for (bytes, part) in [
            (entry("40000", "..", inner), "`..`"),
            (entry("40000", ".git", inner), "`.git`"),
            (entry("100644", "../x", link("")), "`../x`"),
            (entry("120000", "l", link("/etc")), "`l`"),
            (entry("120000", "l", link("../x")), "`l`"),
            ([entry("120000", "d", link("e")), entry("40000", "d", inner)].concat(), "`d`"),
            (entry("160000", "module", inner), "`module`"),
        ] {
            let top = tree(&bytes);
            let text = format!("tree {top}\nauthor a <a> 0 +0000\ncommitter a <a> 0 +0000\n\nx\n");
            let commit = odb.write(ObjectType::Commit, text.as_bytes()).unwrap();
            let dest = dir.path().join("dest");
            let mut tree = Tree::beside(&dest, 0).unwrap();
            let error = export(repository.path(), commit, &mut tree).unwrap_err();
            drop(tree);
            assert!(format!("{error:#}").contains(part), "{part}: {error:#}");
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "{part}");
        }
    }
}
