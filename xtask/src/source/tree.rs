//! A source tree in the making: appears whole at its destination, or not at all.
//!
//! Every source writes through it, so the rules against hostile input are in one place: no path
//! leaves the tree, nothing is written through a symbolic link, nothing twice, and sizes are
//! bounded. What makes a tree CPython is left to `verify`.

use std::fs::{self, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

/// The release has 4,833 entries and 69 MB.
const LIMITS: Limits = Limits { entries: 50_000, bytes: 1 << 30 };

/// Bounds of a tree.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Files, directories and links in all.
    pub entries: u64,
    /// Bytes of all files together.
    pub bytes: u64,
}

/// A tree under a temporary name beside its destination; removed when dropped unfinished.
#[derive(Debug)]
pub struct Tree {
    root: PathBuf,
    left: Limits,
    modified: SystemTime,
    // Last, and never read: its drop removes what is left.
    _temporary: TempDir,
}

impl Tree {
    /// Starts an empty tree that is to become `destination`; its files get the time `modified`
    /// (seconds since 1970).
    pub fn beside(destination: &Path, modified: u64) -> Result<Tree> {
        Tree::limited(destination, modified, LIMITS)
    }

    /// [`Tree::beside`] with other bounds.
    pub fn limited(destination: &Path, modified: u64, limits: Limits) -> Result<Tree> {
        let parent = match destination.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        fs::create_dir_all(parent)
            .with_context(|| format!("cannot create `{}`", parent.display()))?;
        let temporary = tempfile::Builder::new()
            .prefix(".unpacking-")
            .tempdir_in(parent)
            .with_context(|| format!("cannot create a directory in `{}`", parent.display()))?;
        // The temporary directory itself is closed to others; the tree inside is not.
        let root = temporary.path().join("tree");
        fs::create_dir(&root).with_context(|| format!("cannot create `{}`", root.display()))?;
        let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(modified);
        Ok(Tree { root, left: limits, modified, _temporary: temporary })
    }

    /// Where the tree is for now.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Creates the directory `path` and those above it; one that exists is left as it is.
    pub fn directory(&mut self, path: &Path) -> Result<()> {
        self.count(path)?;
        let path = inside(path)?;
        self.descend(&path)?;
        Ok(())
    }

    /// Writes the file `path`, which must not exist.
    pub fn file(&mut self, path: &Path, executable: bool, content: impl Read) -> Result<()> {
        let target = self.place(path)?;
        let mode = if executable { 0o755 } else { 0o644 };
        let write = || -> io::Result<u64> {
            let mut file =
                OpenOptions::new().write(true).create_new(true).mode(mode).open(&target)?;
            // One byte more than allowed shows that there is more.
            let size = io::copy(&mut content.take(self.left.bytes.saturating_add(1)), &mut file)?;
            file.set_modified(self.modified)?;
            Ok(size)
        };
        let size = write().with_context(|| format!("cannot write `{}`", path.display()))?;
        self.left.bytes = self.left.bytes.checked_sub(size).with_context(|| {
            format!("`{}` makes the tree larger than a release of CPython can be", path.display())
        })?;
        Ok(())
    }

    /// Makes the symbolic link `path`, which may point into the tree only.
    pub fn symlink(&mut self, path: &Path, target: &Path) -> Result<()> {
        let place = self.place(path)?;
        let depth = inside(path)?.components().count() - 1;
        ensure!(
            stays(target, depth),
            "`{}` is a link out of the tree, to `{}`",
            path.display(),
            target.display()
        );
        std::os::unix::fs::symlink(target, place)
            .with_context(|| format!("cannot make the link `{}`", path.display()))
    }

    /// Gives the tree its name. Fails where that exists by now.
    pub fn finish(self, destination: &Path) -> Result<()> {
        fs::rename(&self.root, destination)
            .with_context(|| format!("cannot move the tree to `{}`", destination.display()))
    }

    /// Counts the entry and creates the directories above it; returns its full path.
    fn place(&mut self, path: &Path) -> Result<PathBuf> {
        self.count(path)?;
        let relative = inside(path)?;
        let name = relative
            .file_name()
            .with_context(|| format!("`{}` names the tree's top", path.display()))?;
        let parent = self.descend(relative.parent().unwrap_or(Path::new("")))?;
        Ok(parent.join(name))
    }

    /// Goes down `path`, creating what is missing, through real directories only.
    fn descend(&self, path: &Path) -> Result<PathBuf> {
        let mut full = self.root.clone();
        for part in path {
            full.push(part);
            match fs::symlink_metadata(&full) {
                Ok(metadata) if metadata.is_dir() => {}
                Ok(_) => {
                    bail!("`{}` leads through a link or a file at `{}`", path.display(), {
                        full.strip_prefix(&self.root).unwrap_or(&full).display()
                    })
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => fs::create_dir(&full)
                    .with_context(|| format!("cannot create the directory `{}`", path.display()))?,
                Err(error) => {
                    return Err(error)
                        .with_context(|| format!("cannot look at `{}`", path.display()));
                }
            }
        }
        Ok(full)
    }

    fn count(&mut self, path: &Path) -> Result<()> {
        self.left.entries = self.left.entries.checked_sub(1).with_context(|| {
            format!("`{}` is one entry more than a release of CPython can have", path.display())
        })?;
        Ok(())
    }
}

/// The path without `.`; refuses what leaves the tree.
fn inside(path: &Path) -> Result<PathBuf> {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            // The tree becomes a repository, whose settings are ours.
            Component::Normal(part) if part.eq_ignore_ascii_case(".git") => {
                bail!("`{}` belongs to a repository", path.display())
            }
            Component::Normal(part) => clean.push(part),
            Component::CurDir => {}
            _ => bail!("`{}` is not a path inside the tree", path.display()),
        }
    }
    Ok(clean)
}

/// Whether a link `depth` directories below the top stays inside: `..` may come first only,
/// where it climbs out of real directories, never behind a name that may be a link itself.
fn stays(target: &Path, depth: usize) -> bool {
    let mut climbed = 0;
    let mut named = false;
    for component in target.components() {
        match component {
            Component::ParentDir if !named => climbed += 1,
            Component::Normal(_) => named = true,
            Component::CurDir => {}
            _ => return false,
        }
    }
    climbed <= depth
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch() -> (TempDir, Tree) {
        let dir = tempfile::tempdir().unwrap();
        let tree = Tree::beside(&dir.path().join("dest"), 1_000).unwrap();
        (dir, tree)
    }

    #[test]
    fn a_tree_appears_whole_with_modes_and_one_time() {
        use std::os::unix::fs::PermissionsExt;
        let (dir, mut tree) = scratch();
        let dest = dir.path().join("dest");
        tree.file(Path::new("a/configure"), true, &b"#!"[..]).unwrap();
        tree.file(Path::new("a/b/c.h"), false, &b"x"[..]).unwrap();
        tree.symlink(Path::new("a/link"), Path::new("../a/b/c.h")).unwrap();
        assert!(!dest.exists());
        tree.finish(&dest).unwrap();
        let executable = fs::metadata(dest.join("a/configure")).unwrap();
        assert_ne!(executable.permissions().mode() & 0o100, 0);
        let plain = fs::metadata(dest.join("a/b/c.h")).unwrap();
        assert_eq!(plain.permissions().mode() & 0o111, 0);
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        assert_eq!(plain.modified().unwrap(), time);
        assert_eq!(executable.modified().unwrap(), time);
        assert_eq!(fs::read(dest.join("a/link")).unwrap(), b"x");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_unfinished_tree_leaves_nothing() {
        let (dir, mut tree) = scratch();
        tree.file(Path::new("a"), false, &b"x"[..]).unwrap();
        drop(tree);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn paths_and_links_out_are_refused() {
        let (_dir, mut tree) = scratch();
        for path in ["../x", "/x", "a/../../x", "", ".git/config", "a/.GIT"] {
            let error = tree.file(Path::new(path), false, &b""[..]).unwrap_err();
            assert!(error.to_string().contains(&format!("`{path}`")), "{error}");
        }
        for target in ["/etc", "..", "a/..", "./../x", "a/../../x"] {
            tree.symlink(Path::new("link"), Path::new(target)).unwrap_err();
        }
        tree.symlink(Path::new("d/e/link"), Path::new("../../../x")).unwrap_err();
        tree.symlink(Path::new("d/e/link"), Path::new("../../x")).unwrap();
    }

    #[test]
    fn nothing_is_written_through_a_link_or_twice() {
        let (_dir, mut tree) = scratch();
        tree.directory(Path::new("real")).unwrap();
        tree.symlink(Path::new("link"), Path::new("real")).unwrap();
        let error = tree.file(Path::new("link/x"), false, &b""[..]).unwrap_err();
        assert!(error.to_string().contains("`link`"), "{error}");
        tree.file(Path::new("link"), false, &b""[..]).unwrap_err();
        tree.file(Path::new("real/x"), false, &b""[..]).unwrap();
        tree.file(Path::new("real/x"), false, &b""[..]).unwrap_err();
    }

    #[test]
    fn size_and_number_are_bounded() {
        let dir = tempfile::tempdir().unwrap();
        let limits = Limits { entries: 2, bytes: 10 };
        let mut tree = Tree::limited(&dir.path().join("dest"), 0, limits).unwrap();
        tree.file(Path::new("a"), false, &[0; 10][..]).unwrap();
        tree.file(Path::new("b"), false, io::repeat(0)).unwrap_err();
        let error = tree.directory(Path::new("c")).unwrap_err();
        assert!(error.to_string().contains("`c`"), "{error}");
    }
}
