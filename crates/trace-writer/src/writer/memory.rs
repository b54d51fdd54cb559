//! The memory that the hook shares: a file that is mapped, or a segment of System V where the limit
//! on the size of files allows no such file.

use std::fs::File;
use std::{io, ptr};

use memmap2::MmapRaw;

/// Mapped for as long as the writer runs.
#[derive(Debug)]
pub enum Memory {
    /// A file.
    Map(MmapRaw),
    /// A segment.
    Segment(Segment),
}

/// An attached segment.
#[derive(Debug)]
pub struct Segment {
    start: *mut u8,
    size: usize,
}

// SAFETY: an address and a size, which never change; its users look to what is there.
unsafe impl Send for Segment {}
// SAFETY: as above.
unsafe impl Sync for Segment {}

impl Memory {
    /// Maps a file, all of it.
    pub fn map(file: &File) -> io::Result<Memory> {
        MmapRaw::map_raw(file).map(Memory::Map)
    }

    /// Attaches a segment.
    pub fn attach(number: i32) -> io::Result<Memory> {
        // SAFETY: plain numbers, for which zero is as good as any.
        let mut about = unsafe { std::mem::zeroed::<libc::shmid_ds>() };
        // SAFETY: writes to a variable of ours.
        if unsafe { libc::shmctl(number, libc::IPC_STAT, &raw mut about) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: address space that the kernel chooses.
        let start = unsafe { libc::shmat(number, ptr::null(), 0) };
        if start.addr() == usize::MAX {
            return Err(io::Error::last_os_error());
        }
        Ok(Memory::Segment(Segment { start: start.cast(), size: about.shm_segsz }))
    }

    /// Where it starts: at the border of a page.
    pub fn start(&self) -> *mut u8 {
        match self {
            Memory::Map(map) => map.as_mut_ptr(),
            Memory::Segment(segment) => segment.start,
        }
    }

    /// How many bytes it has.
    pub fn size(&self) -> usize {
        match self {
            Memory::Map(map) => map.len(),
            Memory::Segment(segment) => segment.size,
        }
    }
}
