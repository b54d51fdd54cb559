//! Memory that the writer shares, and a mapping that is there for as long as the program is.
//!
//! To the kernel such memory is a file, and subject to the limit on their size. The soft limit is
//! raised for a moment; below a hard one that is lower, memory of the other kind is taken: a
//! segment of System V, which is no file. It has no descriptor, and is gone with its last user.
//!
//! The kernel drops a process's mappings when it ends and when `exec` puts another program in its
//! place. So the writer asks whether anybody still has this one: nobody can write to it, and it
//! takes no memory, no descriptor and no time.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::SeqCst;

use wire::control::PAGE;

/// The mapping that says that the program is there.
static PRESENCE_AT: AtomicPtr<libc::c_void> = AtomicPtr::new(ptr::null_mut());

/// Memory that another process can map.
#[derive(Debug)]
pub enum Memory {
    /// Behind a descriptor.
    File(OwnedFd),
    /// A segment.
    Segment(Segment),
}

/// A segment, attached once as long as this lives.
#[derive(Debug)]
pub struct Segment {
    number: libc::c_int,
    start: *mut libc::c_void,
}

impl Memory {
    /// Memory of that many bytes, all zero.
    pub fn create(size: usize) -> io::Result<Memory> {
        match file(size)? {
            Some(file) => Ok(Memory::File(file)),
            None => Segment::create(size).map(Memory::Segment),
        }
    }

    /// Maps a piece of it in the place of what is at an address.
    ///
    /// # Safety
    ///
    /// Whole pages, which nobody looks at through references, and a piece inside the memory.
    pub unsafe fn map_over(
        &self,
        address: *mut libc::c_void,
        length: usize,
        offset: usize,
    ) -> io::Result<()> {
        let mapped = match self {
            // SAFETY: by the contract of this function.
            Memory::File(file) => unsafe {
                libc::mmap(
                    address,
                    length,
                    libc::PROT_READ | libc::PROT_WRITE,
                    libc::MAP_SHARED | libc::MAP_FIXED,
                    file.as_raw_fd(),
                    offset as libc::off_t,
                )
            },
            // SAFETY: as above. A length of 0 leaves the segment where it is, too (mremap(2)).
            Memory::Segment(segment) => unsafe {
                libc::mremap(
                    segment.start.wrapping_byte_add(offset),
                    0,
                    length,
                    libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED,
                    address,
                )
            },
        };
        if mapped == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// What another process maps it by: a descriptor, or the number of a segment.
    pub fn name(&self) -> Result<RawFd, libc::c_int> {
        match self {
            Memory::File(file) => Ok(file.as_raw_fd()),
            Memory::Segment(segment) => Err(segment.number),
        }
    }
}

impl Segment {
    fn create(size: usize) -> io::Result<Segment> {
        // SAFETY: takes numbers. Nobody but this user may attach it.
        let number = unsafe { libc::shmget(libc::IPC_PRIVATE, size, libc::IPC_CREAT | 0o600) };
        if number < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: address space that the kernel chooses.
        let start = unsafe { libc::shmat(number, ptr::null(), 0) };
        let error = io::Error::last_os_error();
        // SAFETY: a segment of ours. From now on it is gone with its last user, and can still be
        // attached until then (shmctl(2)).
        unsafe { libc::shmctl(number, libc::IPC_RMID, ptr::null_mut()) };
        if start.addr() == usize::MAX { Err(error) } else { Ok(Segment { number, start }) }
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        // SAFETY: attached by `create`; those who map pieces have mappings of their own.
        unsafe { libc::shmdt(self.start) };
    }
}

/// A file in memory, if one may be so large.
fn file(size: usize) -> io::Result<Option<OwnedFd>> {
    let memory = memfd(libc::MFD_CLOEXEC)?;
    let made = below_the_limit(size as libc::rlim_t, || {
        // SAFETY: an open descriptor.
        match unsafe { libc::ftruncate(memory.as_raw_fd(), size as libc::off_t) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    })?;
    Ok(made.map(|()| memory))
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

/// Whether the memory of a process, most likely our own, can be written through a descriptor.
pub fn writes_memory(descriptor: RawFd) -> bool {
    // SAFETY: takes numbers.
    let flags = unsafe { libc::fcntl(descriptor, libc::F_GETFL) };
    if flags < 0 || flags & libc::O_ACCMODE == libc::O_RDONLY {
        return false;
    }
    // SAFETY: all zeros is a valid value of a structure of numbers.
    let mut system: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: writes to a variable of ours.
    let is_known = unsafe { libc::fstatfs(descriptor, &raw mut system) } == 0;
    if !is_known || system.f_type != libc::PROC_SUPER_MAGIC {
        return false;
    }
    let name = std::fs::read_link(format!("/proc/self/fd/{descriptor}"));
    name.is_ok_and(|name| name.ends_with("mem"))
}

/// Whether the program begins with such a descriptor.
pub fn inherits_writable_memory() -> bool {
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return false };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    names.collect::<Vec<RawFd>>().into_iter().any(writes_memory)
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

/// Does what takes a file of that many bytes. Where the soft limit is lower it is raised for that
/// moment, as anybody may up to the hard one; `None` where that is lower, too.
fn below_the_limit<T>(
    size: libc::rlim_t,
    make: impl FnOnce() -> io::Result<T>,
) -> io::Result<Option<T>> {
    let mut before = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: writes to a variable of ours.
    if unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, &raw mut before) } != 0 {
        return Err(io::Error::last_os_error());
    }
    if before.rlim_cur >= size {
        return make().map(Some);
    }
    if before.rlim_max < size {
        return Ok(None);
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
    result.map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two pieces of it in another order, and one of them twice.
    #[test]
    fn memory_is_shared_between_its_mappings() {
        let file = Memory::File(file(2 * PAGE).unwrap().unwrap());
        let segment = Memory::Segment(Segment::create(2 * PAGE).unwrap());
        assert!(file.name().is_ok() && segment.name().is_err());
        for memory in [file, segment] {
            // SAFETY: address space that the kernel chooses.
            let start = unsafe {
                let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
                libc::mmap(ptr::null_mut(), 3 * PAGE, libc::PROT_NONE, flags, -1, 0)
            };
            for (place, piece) in [(0, 1), (1, 0), (2, 1)] {
                let address = start.wrapping_byte_add(place * PAGE);
                // SAFETY: pages that were mapped above, and pieces of two pages.
                unsafe { memory.map_over(address, PAGE, piece * PAGE).unwrap() };
            }
            drop(memory);
            let bytes = start.cast::<u8>();
            // SAFETY: inside the three pages, which are mapped until here.
            unsafe {
                bytes.write(1);
                bytes.add(PAGE).write(2);
                assert_eq!([0, 1, 2].map(|place| bytes.add(place * PAGE).read()), [1, 2, 1]);
                libc::munmap(start, 3 * PAGE);
            }
        }
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
