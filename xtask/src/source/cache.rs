//! The cache directory: release archives, a bare repository of the tag, and what is half downloaded.
//!
//! One process uses it at a time; another waits. Nothing in it is trusted before it is checked,
//! and a file has its final name only when it is whole.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::verify;
use crate::pins::Archive;

/// The open cache, locked until dropped.
#[derive(Debug)]
pub struct Cache {
    dir: PathBuf,
    _lock: File,
}

impl Cache {
    /// Opens the cache, creating it where it is missing. While another process has it, this
    /// waits, and calls `waiting` before.
    pub fn open(dir: &Path, waiting: impl FnOnce()) -> Result<Cache> {
        let open = || -> io::Result<File> {
            fs::create_dir_all(dir)?;
            let file = File::create(dir.join(".lock"))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    waiting();
                    file.lock()?;
                }
                // Some network file systems have no locks; most users have one process.
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
            Ok(file)
        };
        let lock = open().with_context(|| format!("cannot open the cache `{}`", dir.display()))?;
        Ok(Cache { dir: dir.to_owned(), _lock: lock })
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where `archive` is when it is there.
    pub fn path(&self, archive: &Archive) -> PathBuf {
        self.dir.join(archive.name)
    }

    /// Where `archive` is while it is downloaded.
    pub fn partial(&self, archive: &Archive) -> PathBuf {
        self.dir.join(format!("{}.part", archive.name))
    }

    /// Where the bare repository is when it is there.
    pub fn repository(&self) -> PathBuf {
        self.dir.join("cpython.git")
    }

    /// The archive, if it is there, checked by its size, then by its hash. A bad file is set
    /// aside as `NAME.bad`, and the error says so.
    pub fn archive(&self, archive: &Archive) -> Result<Option<PathBuf>> {
        let path = self.path(archive);
        let size = match fs::metadata(&path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot look at `{}`", path.display()));
            }
        };
        let fault = match archive.size {
            Some(pinned) if pinned != size => {
                format!("`{}` has {size} bytes, pinned are {pinned}", path.display())
            }
            _ => {
                let sha256 = verify::sha256(&path)?;
                if sha256 == archive.sha256 {
                    return Ok(Some(path));
                }
                format!(
                    "`{}` has sha256 `{sha256}`, pinned is `{}`",
                    path.display(),
                    archive.sha256
                )
            }
        };
        let bad = self.dir.join(format!("{}.bad", archive.name));
        fs::rename(&path, &bad)
            .with_context(|| format!("{fault}; cannot set it aside as `{}`", bad.display()))?;
        bail!("{fault}; set aside as `{}`", bad.display())
    }

    /// Copies a user's file, known to be `archive`, into the cache.
    pub fn adopt(&self, file: &Path, archive: &Archive) -> Result<PathBuf> {
        if let Ok(Some(path)) = self.archive(archive) {
            return Ok(path);
        }
        let copying = || format!("cannot copy `{}` into the cache", file.display());
        let mut copy = tempfile::Builder::new()
            .prefix("copy-")
            .permissions(fs::Permissions::from_mode(0o644))
            .tempfile_in(&self.dir)
            .with_context(copying)?;
        let mut from = File::open(file).with_context(copying)?;
        io::copy(&mut from, &mut copy).with_context(copying)?;
        copy.persist(self.path(archive)).with_context(copying)?;
        self.archive(archive)?.with_context(copying)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::fixture;
    use std::sync::mpsc;

    #[test]
    fn a_bad_file_is_set_aside() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::open(dir.path(), || {}).unwrap();
        let (bytes, sha256) = fixture::tgz();
        let archive = Archive { name: "x.tgz", sha256: &sha256, size: Some(bytes.len() as u64) };
        assert_eq!(cache.archive(&archive).unwrap(), None);

        let mut wrong = bytes.clone();
        wrong[20] ^= 1;
        for bad in [&bytes[1..], &wrong] {
            fs::write(cache.path(&archive), bad).unwrap();
            let error = cache.archive(&archive).unwrap_err().to_string();
            assert!(error.contains("pinned") && error.contains("x.tgz.bad"), "{error}");
            assert_eq!(cache.archive(&archive).unwrap(), None);
            assert_eq!(fs::read(dir.path().join("x.tgz.bad")).unwrap(), bad);
        }
        fs::write(cache.path(&archive), &bytes).unwrap();
        assert_eq!(cache.archive(&archive).unwrap(), Some(cache.path(&archive)));
    }

    #[test]
    fn a_second_user_waits_for_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let first = Cache::open(dir.path(), || panic!("nobody has it")).unwrap();
        let (send, waits) = mpsc::channel();
        std::thread::scope(|scope| {
            let second = scope.spawn(|| Cache::open(dir.path(), || send.send(()).unwrap()));
            waits.recv().unwrap();
            drop(first);
            second.join().unwrap().unwrap();
        });
    }
}
