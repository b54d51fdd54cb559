//! The file that a trace goes to, until the writer has it.
//!
//! A regular file is locked for as long as it is written, the writer's last act included: readers
//! can wait for it, and no two recordings share one.

use std::ffi::OsStr;
use std::fs::{File, TryLockError};
use std::io;
use std::os::fd::{AsFd, OwnedFd};

/// Creates or empties the file at `path`; `-` is standard output.
pub fn open(path: &OsStr) -> io::Result<OwnedFd> {
    if path == "-" {
        return io::stdout().as_fd().try_clone_to_owned();
    }
    let file = File::options().write(true).create(true).truncate(false).open(path)?;
    if file.metadata()?.is_file() {
        // A file system without locks is written all the same.
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            return Err(io::Error::other(
                "another recording is being written to it; name another file",
            ));
        }
        file.set_len(0)?;
    }
    Ok(file.into())
}

/// A message as it may go to a terminal: names in it can hold characters that one would obey.
pub fn shown(message: &str) -> String {
    let mut shown = String::with_capacity(message.len());
    for character in message.chars() {
        if character.is_control() {
            shown.push_str(&format!("\\x{:02x}", u32::from(character)));
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(shown("a\u{1b}]0;\n\u{9b}\u{7f}\\ é"), "a\\x1b]0;\\x0a\\x9b\\x7f\\ é");
    }

    #[test]
    fn a_file_is_emptied_and_locked() {
        let folder = std::env::temp_dir().join(format!("output-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("trace.txt");
        std::fs::write(&path, "old").unwrap();
        let first = open(path.as_os_str()).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"");
        let error = open(path.as_os_str()).unwrap_err();
        assert!(error.to_string().contains("another recording"), "{error}");
        drop(first);
        assert!(open(path.as_os_str()).is_ok());
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_folder_cannot_be_opened() {
        assert!(open(std::env::temp_dir().as_os_str()).is_err());
    }
}
