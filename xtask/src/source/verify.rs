//! Proves that a tree is the pinned release: hashes of files, ids of blobs.
//!
//! All faults of a tree are collected and reported together.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use anyhow::{Context, Result, bail};
use git2::{ObjectType, Oid};
use sha2::{Digest, Sha256};

use crate::digest::hex;
use crate::pins::{Blob, Release};

/// Checks the tree below `root`, as it is on disk.
pub fn directory(root: &Path, release: &Release) -> Result<()> {
    let mut faults = blobs(release.blobs, |path| {
        let file = root.join(path);
        if !file.is_file() {
            return Ok(None);
        }
        let id = Oid::hash_file(ObjectType::Blob, &file)
            .with_context(|| format!("cannot read `{}`", file.display()))?;
        Ok(Some(id))
    })?;
    for path in release.leftovers {
        if fs::symlink_metadata(root.join(path)).is_ok() {
            faults.push(format!("`{path}` exists: the tree has been configured"));
        }
    }
    report(&format!("`{}`", root.display()), release, &faults)
}

/// Checks the git tree `tree` without writing it out; `what` names it in the error.
pub fn git_tree(what: &str, tree: &git2::Tree, release: &Release) -> Result<()> {
    let faults = blobs(release.blobs, |path| match tree.get_path(Path::new(path)) {
        Ok(entry) => Ok(Some(entry.id())),
        Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read `{path}` of {what}")),
    })?;
    report(what, release, &faults)
}

/// SHA-256 of a file in lower-case hexadecimal digits.
pub fn sha256(path: &Path) -> Result<String> {
    let hash = || -> io::Result<String> {
        let mut hasher = Sha256::new();
        feed(&mut File::open(path)?, |bytes| {
            hasher.update(bytes);
            Ok(())
        })?;
        Ok(hex(hasher))
    };
    hash().with_context(|| format!("cannot read `{}`", path.display()))
}

/// Passes all of `from` on, piece by piece.
pub fn feed(from: &mut impl Read, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(size) => each(&buffer[..size])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn blobs(pins: &[Blob], found: impl Fn(&str) -> Result<Option<Oid>>) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for Blob { path, id } in pins {
        match found(path)? {
            Some(found) if found.to_string() == *id => {}
            Some(found) => faults.push(format!("`{path}` is blob `{found}`, pinned is `{id}`")),
            None => faults.push(format!("`{path}` is missing")),
        }
    }
    Ok(faults)
}

fn report(what: &str, release: &Release, faults: &[String]) -> Result<()> {
    if faults.is_empty() {
        return Ok(());
    }
    bail!(
        "{what} is not the pristine source of CPython {}:\n  {}",
        release.version,
        faults.join("\n  ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::fixture;

    #[test]
    fn all_faults_of_a_directory_are_told_at_once() {
        let dir = tempfile::tempdir().unwrap();
        fixture::write_tree(dir.path());
        directory(dir.path(), &fixture::release(&[])).unwrap();

        fs::write(dir.path().join("Include/patchlevel.h"), "other\n").unwrap();
        fs::remove_file(dir.path().join("configure")).unwrap();
        fs::write(dir.path().join("Makefile"), "").unwrap();
        let error = directory(dir.path(), &fixture::release(&[])).unwrap_err().to_string();
        for part in ["`Include/patchlevel.h` is blob", "`configure` is missing", "`Makefile`"] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn hashes_are_those_of_the_standard() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("abc");
        fs::write(&file, "abc").unwrap();
        // FIPS 180-4's example.
        let want = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256(&file).unwrap(), want);
    }
}
