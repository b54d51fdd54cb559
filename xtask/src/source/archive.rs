//! Unpacks a release archive (`.tar.gz`, `.tar.xz`) into a `Tree`, without its top folder.
//!
//! Holds what is particular to tar; the rules of paths, links and sizes are the tree's.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use flate2::read::GzDecoder;
use liblzma::read::XzDecoder;
use tar::EntryType;

use super::tree::Tree;

/// Bounds the tar stream as a whole, headers and extensions included.
const STREAM: u64 = 2 << 30;

/// Unpacks `file`; its first bytes say how it is compressed.
pub fn unpack(file: &Path, tree: &mut Tree) -> Result<()> {
    let mut unpack = || -> Result<()> {
        let mut input = BufReader::new(File::open(file)?);
        let mut magic = [0; 2];
        input.read_exact(&mut magic)?;
        input.rewind()?;
        match &magic {
            b"\x1f\x8b" => entries(GzDecoder::new(input), tree),
            b"\xfd7" => entries(XzDecoder::new(input), tree),
            _ => bail!("neither gzip nor xz"),
        }
    };
    unpack().with_context(|| format!("cannot unpack `{}`", file.display()))
}

fn entries(stream: impl Read, tree: &mut Tree) -> Result<()> {
    let mut archive = tar::Archive::new(stream.take(STREAM));
    let mut top = None;
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        unpack_entry(&mut entry, &path, &mut top, tree)
            .with_context(|| format!("entry `{}`", path.display()))?;
    }
    // The compressed stream's own checksum comes last.
    io::copy(&mut archive.into_inner(), &mut io::sink())?;
    ensure!(top.is_some(), "the archive is empty");
    Ok(())
}

fn unpack_entry(
    entry: &mut tar::Entry<impl Read>,
    path: &Path,
    top: &mut Option<PathBuf>,
    tree: &mut Tree,
) -> Result<()> {
    let kind = entry.header().entry_type();
    if kind == EntryType::XGlobalHeader {
        return Ok(());
    }
    let inner = below_top(path, top)?;
    match kind {
        EntryType::Directory => tree.directory(&inner),
        EntryType::Regular | EntryType::Continuous => {
            let executable = entry.header().mode()? & 0o100 != 0;
            tree.file(&inner, executable, entry)
        }
        EntryType::Symlink => {
            let target = entry.link_name()?.context("a link to nothing")?;
            tree.symlink(&inner, &target)
        }
        // CPython's releases hold none of these, and each is a way out of the tree.
        EntryType::Link => bail!("a hard link"),
        kind => bail!("neither file, directory nor link, but {kind:?}"),
    }
}

/// Takes the top folder off; `top` remembers which it is.
fn below_top(path: &Path, top: &mut Option<PathBuf>) -> Result<PathBuf> {
    let mut components = path.components();
    let first = components
        .find(|component| *component != Component::CurDir)
        .with_context(|| format!("`{}` names nothing", path.display()))?;
    let Component::Normal(first) = first else {
        bail!("`{}` is not a path inside the tree", path.display());
    };
    let top = top.get_or_insert_with(|| PathBuf::from(first));
    ensure!(
        top.as_os_str() == first,
        "`{}` is outside of the archive's top folder `{}`",
        path.display(),
        top.display()
    );
    Ok(components.as_path().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write;
    use tempfile::TempDir;

    use crate::source::fixture::{self, Entry, gz, tar_of};

    /// Unpacks `bytes` to the end; the directory holds `dest` or nothing.
    fn try_unpack(bytes: &[u8]) -> (TempDir, Result<()>) {
        let work = tempfile::tempdir().unwrap();
        let file = work.path().join("x.tgz");
        fs::write(&file, bytes).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let dest = dir.path().join("dest");
        let mut tree = Tree::beside(&dest, 0).unwrap();
        let result = unpack(&file, &mut tree).and_then(|()| tree.finish(&dest));
        (dir, result)
    }

    #[test]
    fn gzip_and_xz_unpack_to_the_same() {
        let tar = fixture::tar("Python-0");
        let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 6);
        xz.write_all(&tar).unwrap();
        for bytes in [gz(&tar), xz.finish().unwrap()] {
            let (dir, result) = try_unpack(&bytes);
            result.unwrap();
            let dest = dir.path().join("dest");
            super::super::verify::directory(&dest, &fixture::release(&[])).unwrap();
        }
    }

    #[test]
    fn hostile_entries_are_refused_by_name() {
        use EntryType as E;
        let cases: &[(&[Entry], &str)] = &[
            (&[Entry("top/../../evil", E::Regular, "")], "top/../../evil"),
            (&[Entry("../evil", E::Regular, "")], "../evil"),
            (&[Entry("/evil", E::Regular, "")], "/evil"),
            (&[Entry("top/out", E::Symlink, "../..")], "top/out"),
            (&[Entry("top/out", E::Symlink, "/")], "top/out"),
            (
                &[Entry("top/in", E::Symlink, "."), Entry("top/in/evil", E::Regular, "")],
                "top/in/evil",
            ),
            (&[Entry("top/hard", E::Link, "/etc/passwd")], "top/hard"),
            (&[Entry("top/a", E::Regular, ""), Entry("pot/b", E::Regular, "")], "pot/b"),
            (&[Entry("top/null", E::Char, "")], "top/null"),
            (&[Entry("top/pipe", E::Fifo, "")], "top/pipe"),
            (&[Entry("top/a", E::Regular, ""), Entry("top/a", E::Regular, "")], "top/a"),
            (&[Entry("top", E::Regular, "")], "top"),
        ];
        for (entries, name) in cases {
            let (dir, result) = try_unpack(&gz(&tar_of(entries)));
            let error = format!("{:#}", result.unwrap_err());
            assert!(error.contains(&format!("entry `{name}`")), "{error}");
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "{error}");
        }
    }

    #[test]
    fn damaged_archives_leave_nothing() {
        let whole = gz(&fixture::tar("Python-0"));
        let mut wrong = whole.clone();
        let crc = wrong.len() - 8;
        wrong[crc] ^= 1;
        let cut = &whole[..whole.len() / 2];
        for bytes in [cut, &whole[..whole.len() - 4], &wrong, b"", b"PK\x03\x04", &gz(b"")] {
            let (dir, result) = try_unpack(bytes);
            result.unwrap_err();
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        }
    }
}
