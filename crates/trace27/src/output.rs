//! Where a command's result goes: standard output, a file that appears when it is whole, or a
//! FIFO or device as it is. A name that ends with `.zst` compresses.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tempfile::NamedTempFile;

/// An output being written. Dropped before [`Output::finish`], a regular file is left as it was.
pub struct Output {
    writer: Writer,
    place: Place,
}

enum Writer {
    Plain(BufWriter<Box<dyn Write>>),
    Zstd(Box<zstd::stream::write::Encoder<'static, Box<dyn Write>>>),
}

enum Place {
    /// Standard output, a FIFO, a device: nothing is left to do.
    Stream,
    /// A temporary file, and the name that it gets.
    File(NamedTempFile, PathBuf),
}

impl Output {
    /// Opens `path`, `-` being standard output, for what is made from `inputs`.
    ///
    /// # Errors
    ///
    /// A path that is one of the inputs, or cannot be written.
    pub fn create(path: &Path, inputs: &[&Path]) -> Result<Output> {
        if path.as_os_str() == "-" {
            let writer = Writer::Plain(BufWriter::new(Box::new(io::stdout())));
            return Ok(Output { writer, place: Place::Stream });
        }
        let named = || format!("cannot write `{}`", path.display());
        let existing = fs::metadata(path).ok();
        let (writer, place): (Box<dyn Write>, _) = match &existing {
            Some(there) if there.is_dir() => bail!("{}: it is a directory", named()),
            Some(there) if !there.is_file() => {
                let file = OpenOptions::new().write(true).open(path).with_context(named)?;
                (Box::new(file), Place::Stream)
            }
            _ => {
                for input in inputs {
                    if existing.is_some() && same_file(path, input) {
                        bail!("{}: it is the input; name another output", named());
                    }
                }
                // A link stays a link: what it names is replaced.
                let target = if existing.is_some() {
                    fs::canonicalize(path).with_context(named)?
                } else {
                    path.to_owned()
                };
                let temporary = temporary(&target, existing.as_ref()).with_context(named)?;
                let file: File = temporary.as_file().try_clone().with_context(named)?;
                (Box::new(file), Place::File(temporary, target))
            }
        };
        let writer = if path.extension().is_some_and(|extension| extension == "zst") {
            let encoder = zstd::stream::write::Encoder::new(writer, 3).with_context(named)?;
            Writer::Zstd(Box::new(encoder))
        } else {
            Writer::Plain(BufWriter::with_capacity(1 << 17, writer))
        };
        Ok(Output { writer, place })
    }

    /// Writes what is left, and gives a file its name.
    ///
    /// # Errors
    ///
    /// A full disk and the like; a regular file is then left as it was.
    pub fn finish(self) -> io::Result<()> {
        match self.writer {
            Writer::Plain(mut writer) => writer.flush()?,
            Writer::Zstd(encoder) => encoder.finish()?.flush()?,
        }
        if let Place::File(temporary, target) = self.place {
            temporary.persist(target).map_err(|error| error.error)?;
        }
        Ok(())
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.writer {
            Writer::Plain(writer) => writer.write(bytes),
            Writer::Zstd(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.writer {
            Writer::Plain(writer) => writer.flush(),
            Writer::Zstd(encoder) => encoder.flush(),
        }
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Output").finish_non_exhaustive()
    }
}

/// A file beside `target`, with the permissions of the file that it replaces or a new one's.
fn temporary(target: &Path, existing: Option<&fs::Metadata>) -> io::Result<NamedTempFile> {
    let folder = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".trace27-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The umask takes from it what it takes from any new file.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let file = builder.tempfile_in(folder)?;
    if let Some(existing) = existing {
        file.as_file().set_permissions(existing.permissions())?;
    }
    Ok(file)
}

/// Whether both are one file, whatever links lead there; `-` is standard input.
fn same_file(output: &Path, input: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let Ok(output) = fs::metadata(output) else { return false };
        if input.as_os_str() == "-" {
            return rustix::fs::fstat(io::stdin())
                .is_ok_and(|stdin| (stdin.st_dev, stdin.st_ino) == (output.dev(), output.ino()));
        }
        fs::metadata(input)
            .is_ok_and(|input| (input.dev(), input.ino()) == (output.dev(), output.ino()))
    }
    #[cfg(not(unix))]
    {
        let full = |path| fs::canonicalize(path).ok();
        full(output).is_some_and(|output| Some(output) == full(input))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_when_it_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.txt");
        let mut output = Output::create(&path, &[]).unwrap();
        output.write_all(b"half").unwrap();
        drop(output);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        let mut output = Output::create(&path, &[]).unwrap();
        output.write_all(b"whole").unwrap();
        assert!(!path.exists());
        output.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_input_is_never_the_output() {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("a"), dir.path().join("b"));
        fs::write(&path, "kept").unwrap();
        fs::hard_link(&path, &other).unwrap();
        let error = Output::create(&other, &[&path]).unwrap_err().to_string();
        assert!(error.contains("it is the input; name another output"), "{error}");
        assert!(Output::create(dir.path(), &[]).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"kept");
    }

    #[test]
    fn the_name_compresses() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.zst");
        let mut output = Output::create(&path, &[]).unwrap();
        output.write_all(b"text").unwrap();
        output.finish().unwrap();
        assert_eq!(zstd::decode_all(&fs::read(&path).unwrap()[..]).unwrap(), b"text");
    }

    #[cfg(unix)]
    #[test]
    fn links_and_permissions_stay() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let (path, link) = (dir.path().join("a"), dir.path().join("link"));
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let mut output = Output::create(&link, &[]).unwrap();
        output.write_all(b"new").unwrap();
        output.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }
}
