//! Memory that the writer shares: made below a limit on the size of files, too, which the kernel
//! takes it for; and a mapping that is there for as long as the program is.
//!
//! The kernel drops a process's mappings when it ends and when `exec` puts another program in its
//! place. So the writer asks whether anybody still has this one: nobody can write to it, and it
//! takes no memory, no descriptor and no time.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr;
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::SeqCst;

use trace::flow::page::PAGE;

/// The mapping that says that the program is there.
static PRESENCE_AT: AtomicPtr<libc::c_void> = AtomicPtr::new(ptr::null_mut());

/// Memory of so many bytes, behind a descriptor.
pub fn create(size: usize) -> io::Result<OwnedFd> {
    let memory = memfd(libc::MFD_CLOEXEC)?;
    below_the_limit(size as libc::rlim_t, || {
        // SAFETY: an open descriptor.
        match unsafe { libc::ftruncate(memory.as_raw_fd(), size as libc::off_t) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    })?;
    Ok(memory)
}

/// Maps what says that the program is there. The descriptor is for the writer, which can seal it
/// against writing once it is mapped no more.
pub fn appear() -> io::Result<OwnedFd> {
    let memory = memfd(libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING)?;
    // SAFETY: address space that the kernel chooses, and that nobody ever looks at.
    let mapped = unsafe {
        libc::mmap(ptr::null_mut(), PAGE, libc::PROT_NONE, libc::MAP_SHARED, memory.as_raw_fd(), 0)
    };
    if mapped == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    disappear();
    PRESENCE_AT.store(mapped, SeqCst);
    Ok(memory)
}

/// Takes that back: in the child of a fork, which is another program to the writer, and in the end.
pub fn disappear() {
    let mapped = PRESENCE_AT.swap(ptr::null_mut(), SeqCst);
    if !mapped.is_null() {
        // SAFETY: mapped by `appear`, and no longer known to anybody.
        unsafe { libc::munmap(mapped, PAGE) };
    }
}

fn memfd(flags: libc::c_uint) -> io::Result<OwnedFd> {
    // SAFETY: the name is a C string; the kernel makes a new descriptor.
    let descriptor = unsafe { libc::memfd_create(c"trace".as_ptr(), flags) };
    if descriptor < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made this descriptor, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// Does what takes a file of so many bytes. Where the soft limit is lower it is raised for that
/// moment, as anybody may up to the hard one.
fn below_the_limit(size: libc::rlim_t, make: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    let mut before = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: writes to a variable of ours.
    if unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, &raw mut before) } != 0 {
        return Err(io::Error::last_os_error());
    }
    if before.rlim_cur >= size {
        return make();
    }
    if before.rlim_max < size {
        return Err(io::Error::other(format!(
            "it counts as a file of {size} bytes, and the hard limit on those is {}; set the soft \
             one alone (`ulimit -S -f`)",
            before.rlim_max
        )));
    }
    let raised = libc::rlimit { rlim_cur: size, ..before };
    // SAFETY: reads a variable of ours. Only one thread is there: the program has not started, or
    // has just been forked.
    if unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &raw const raised) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let result = make();
    // SAFETY: as above; a limit can always be lowered again.
    unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &raw const before) };
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_has_its_size() {
        let memory = std::fs::File::from(create(PAGE).unwrap());
        assert_eq!(memory.metadata().unwrap().len(), PAGE as u64);
    }

    /// The one test of the presence, which is the process's own.
    #[test]
    fn whoever_is_there_is_seen() {
        let seal = |memory: &OwnedFd| {
            // SAFETY: a descriptor and numbers.
            unsafe { libc::fcntl(memory.as_raw_fd(), libc::F_ADD_SEALS, libc::F_SEAL_WRITE) == 0 }
        };
        let first = appear().unwrap();
        assert!(!seal(&first));
        let second = appear().unwrap();
        assert!(seal(&first) && !seal(&second));
        disappear();
        assert!(seal(&second));
        disappear();
    }
}
