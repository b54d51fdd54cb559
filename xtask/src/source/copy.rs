//! Copies a directory that a user named into a `Tree`, without its `.git`.

use std::fs::{self, DirEntry, File};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use super::tree::Tree;

/// Copies all of `from`.
pub fn copy(from: &Path, tree: &mut Tree) -> Result<()> {
    // A tree inside of what is copied would be copied into itself.
    let (outer, inner) = (resolve(from)?, resolve(tree.root())?);
    ensure!(
        !inner.starts_with(&outer),
        "the tree to be made lies inside of its source `{}`; name a directory elsewhere with \
         `--source`",
        from.display()
    );
    level(from, Path::new(""), tree)
}

fn level(from: &Path, inner: &Path, tree: &mut Tree) -> Result<()> {
    let directory = from.join(inner);
    let reading = || format!("cannot read `{}`", directory.display());
    for entry in fs::read_dir(&directory).with_context(reading)? {
        let entry = entry.with_context(reading)?;
        let inner = inner.join(entry.file_name());
        if inner == Path::new(".git") {
            continue;
        }
        one(from, &entry, &inner, tree)
            .with_context(|| format!("cannot copy `{}`", entry.path().display()))?;
    }
    Ok(())
}

fn one(from: &Path, entry: &DirEntry, inner: &Path, tree: &mut Tree) -> Result<()> {
    let metadata = entry.metadata()?;
    if metadata.is_dir() {
        tree.directory(inner)?;
        level(from, inner, tree)
    } else if metadata.is_symlink() {
        tree.symlink(inner, &fs::read_link(entry.path())?)
    } else if metadata.is_file() {
        let executable = metadata.permissions().mode() & 0o100 != 0;
        tree.file(inner, executable, File::open(entry.path())?)
    } else {
        bail!("neither file, directory nor link")
    }
}

fn resolve(path: &Path) -> Result<std::path::PathBuf> {
    path.canonicalize().with_context(|| format!("cannot read `{}`", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{fixture, verify};

    #[test]
    fn a_copy_is_equal_and_has_no_repository() {
        let dir = tempfile::tempdir().unwrap();
        let (from, dest) = (dir.path().join("from"), dir.path().join("dest"));
        fixture::write_tree(&from);
        fs::create_dir(from.join(".git")).unwrap();
        fs::write(from.join(".git/HEAD"), "").unwrap();
        let mut tree = Tree::beside(&dest, 0).unwrap();
        copy(&from, &mut tree).unwrap();
        tree.finish(&dest).unwrap();
        verify::directory(&dest, &fixture::release(&[])).unwrap();
        assert!(!dest.join(".git").exists());
        let mode = fs::metadata(dest.join("configure")).unwrap().permissions().mode();
        assert_ne!(mode & 0o100, 0);
    }

    #[test]
    fn a_tree_inside_its_source_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let mut tree = Tree::beside(&dir.path().join("dest"), 0).unwrap();
        let error = copy(dir.path(), &mut tree).unwrap_err();
        assert!(error.to_string().contains("lies inside"), "{error}");
    }
}
