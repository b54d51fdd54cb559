//! Where the bytes of a trace go: a file, a FIFO, standard output.
//!
//! Owns the descriptor and keeps it out of the program's way. It reports errors; saying them
//! and ending the trace is left to `entry`.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;

/// An open trace file.
#[derive(Debug)]
pub struct Sink {
    file: File,
    identity: (u64, u64),
}

impl Sink {
    /// Creates or empties the file at `path`; `-` is standard output.
    pub fn open(path: &OsStr) -> io::Result<Sink> {
        let file = if path == "-" {
            File::from(out_of_the_way(io::stdout().as_fd())?)
        } else {
            let file = File::options().write(true).create(true).truncate(true).open(path)?;
            File::from(out_of_the_way(file.as_fd())?)
        };
        let identity = identity(&file)?;
        Ok(Sink { file, identity })
    }
}

impl Write for Sink {
    /// As `File`, but fails when the program has closed the descriptor, or opened something
    /// else under its number: nothing of the program's is ever written into.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if identity(&self.file).ok() != Some(self.identity) {
            return Err(io::Error::other("the program closed its file descriptor"));
        }
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn identity(file: &File) -> io::Result<(u64, u64)> {
    let metadata = file.metadata()?;
    Ok((metadata.dev(), metadata.ino()))
}

/// A copy of a descriptor under a high number, closed on exec: the program gets the low
/// numbers that it would get without tracing.
fn out_of_the_way(descriptor: BorrowedFd) -> io::Result<OwnedFd> {
    /// Below the usual limit of 1,024, and above what programs close in passing.
    const HIGH: libc::c_int = 1_000;
    for least in [HIGH, 3] {
        // SAFETY: fcntl takes any number; the descriptor is open for as long as it is borrowed.
        let copy = unsafe { libc::fcntl(descriptor.as_raw_fd(), libc::F_DUPFD_CLOEXEC, least) };
        if copy >= 0 {
            // SAFETY: the kernel has just made this descriptor, and nobody else knows it.
            return Ok(unsafe { OwnedFd::from_raw_fd(copy) });
        }
    }
    Err(io::Error::last_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_descriptor_is_high_and_the_file_emptied() {
        let folder = std::env::temp_dir().join(format!("sink-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("trace.txt");
        std::fs::write(&path, "old").unwrap();
        let mut sink = Sink::open(path.as_os_str()).unwrap();
        assert!(sink.file.as_raw_fd() >= 1_000);
        sink.write_all(b"new lines").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new lines");
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn what_the_program_put_in_its_place_is_not_written_into() {
        let mut sink = Sink::open(OsStr::new("/dev/null")).unwrap();
        sink.identity.1 += 1;
        let error = sink.write_all(b"line").unwrap_err();
        assert!(error.to_string().contains("closed"), "{error}");
    }

    #[test]
    fn a_folder_cannot_be_opened() {
        assert!(Sink::open(std::env::temp_dir().as_os_str()).is_err());
    }
}
