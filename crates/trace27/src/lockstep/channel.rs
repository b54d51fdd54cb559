//! A FIFO that ends when its process does, not when the last holder closes it.
//!
//! A process that was started in the background may hold a trace open for ever, and one that
//! never opens it would never close it: neither shows when it is complete. An emulator that hangs
//! writes no more: there is a limit to how long it is waited for.

use std::fs::{File, OpenOptions};
use std::io::{self, PipeReader, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;

/// A FIFO that we have made and hold open at both ends.
#[derive(Debug)]
pub(super) struct Channel {
    read: File,
    #[expect(dead_code, reason = "with a writer, an empty FIFO does not look like its end")]
    write: File,
}

impl Channel {
    /// Makes the FIFO `path`, relative to `folder` unless it is absolute.
    pub(super) fn new(folder: &Path, path: &Path) -> io::Result<Channel> {
        let path = folder.join(path);
        make_fifo(&path)?;
        let flags = OFlags::NONBLOCK.bits().cast_signed();
        // In this order, since nobody can open it for writing without a reader and not wait.
        let read = OpenOptions::new().read(true).custom_flags(flags).open(&path)?;
        let write = OpenOptions::new().write(true).custom_flags(flags).open(&path)?;
        Ok(Channel { read, write })
    }

    /// What is written to it until `ended` is closed.
    pub(super) fn reader(self, ended: PipeReader) -> Reader {
        Reader { channel: self, ended: Some(ended), patience: None, hangs: Arc::default() }
    }
}

/// Reads a [`Channel`].
#[derive(Debug)]
pub(super) struct Reader {
    channel: Channel,
    /// Closed at its other end once all is written; `None` when that was seen.
    ended: Option<PipeReader>,
    patience: Option<Timespec>,
    hangs: Arc<AtomicBool>,
}

impl Reader {
    /// Takes for the end that nothing is written for so long. The flag is set if that happens.
    pub(super) fn with_patience(mut self, patience: Duration) -> (Reader, Arc<AtomicBool>) {
        // Whoever waits for longer than a `timespec` can say waits for ever.
        self.patience = Timespec::try_from(patience).ok();
        let hangs = self.hangs.clone();
        (self, hangs)
    }

    /// Keeps the FIFO open after this is dropped, so that its writer waits and is not ended.
    pub(super) fn hold(&self) -> io::Result<File> {
        self.channel.read.try_clone()
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match (&self.channel.read).read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                other => return other,
            }
            let Some(ended) = &self.ended else { return Ok(0) };
            let mut waiting = [
                PollFd::new(&self.channel.read, PollFlags::IN),
                PollFd::from_borrowed_fd(ended.as_fd(), PollFlags::IN),
            ];
            match poll(&mut waiting, self.patience.as_ref()) {
                Err(rustix::io::Errno::INTR) => continue,
                Ok(0) => {
                    self.hangs.store(true, Ordering::Relaxed);
                    self.ended = None;
                    return Ok(0);
                }
                other => other?,
            };
            if !waiting[1].revents().is_empty() {
                // What was written before the end is in the FIFO by now.
                self.ended = None;
            }
        }
    }
}

#[cfg(not(target_vendor = "apple"))]
fn make_fifo(path: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, Mode, mkfifoat};
    Ok(mkfifoat(CWD, path, Mode::RUSR | Mode::WUSR)?)
}

/// There is no safe call for it.
#[cfg(target_vendor = "apple")]
fn make_fifo(path: &Path) -> io::Result<()> {
    let status = std::process::Command::new("mkfifo").arg("-m600").arg(path).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other("`mkfifo` failed")) }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn it_ends_with_its_process_though_others_hold_it_open() {
        let folder = tempfile::tempdir().unwrap();
        let (ended, running) = io::pipe().unwrap();
        let path = Path::new("fifo");
        let mut reader = Channel::new(folder.path(), path).unwrap().reader(ended);
        let mut holder = OpenOptions::new().write(true).open(folder.path().join(path)).unwrap();
        holder.write_all(b"all of it").unwrap();
        let mut start = [0; 3];
        reader.read_exact(&mut start).unwrap();
        drop(running);
        let mut rest = String::new();
        reader.read_to_string(&mut rest).unwrap();
        assert_eq!((&start, rest.as_str()), (b"all", " of it"));
    }

    #[test]
    fn it_ends_when_nothing_comes_for_too_long() {
        let folder = tempfile::tempdir().unwrap();
        let (ended, _running) = io::pipe().unwrap();
        let path = folder.path().join("fifo");
        let reader = Channel::new(folder.path(), &path).unwrap().reader(ended);
        let (mut reader, hangs) = reader.with_patience(Duration::from_millis(1));
        std::fs::write(&path, "step").unwrap();
        let mut text = String::new();
        assert!(!hangs.load(Ordering::Relaxed));
        reader.read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), hangs.load(Ordering::Relaxed)), ("step", true));
    }

    #[test]
    fn it_does_not_end_before_it_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let (ended, running) = io::pipe().unwrap();
        let path = folder.path().join("fifo");
        let mut reader = Channel::new(folder.path(), &path).unwrap().reader(ended);
        let writer = std::thread::spawn(move || {
            let _running = running;
            for part in ["one", "two"] {
                OpenOptions::new().write(true).open(&path).unwrap().write_all(part.as_bytes())?;
            }
            io::Result::Ok(())
        });
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        writer.join().unwrap().unwrap();
        assert_eq!(text, "onetwo");
    }
}
