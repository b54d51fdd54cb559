//! Where the hook and the writer meet: a page and a ring of bytes in memory that both see.
//!
//! The interpreter process pushes packets, the writer process takes them. Whatever ends the interpreter,
//! what it has pushed is in memory that outlives it, down to the branch bits that fill no record yet and
//! the offset of its last instruction. The first fields are those of `traced.h`, which the
//! evaluation loop writes itself. Positions in the ring count all bytes since the start.

use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicU32, AtomicU64};

/// The size of the page, in bytes, as in `traced.h`.
pub const PAGE: usize = 4096;

/// The size of the ring, in bytes; a power of two.
pub const RING: usize = 2 << 20;

/// Bytes that the hook records before it wakes the writer; it may be up to twice as many.
pub const WAKE: u64 = 128 << 10;

/// `lasti` where no instruction has begun since the last record or outcome.
pub const NOWHERE: i32 = -2;

/// `lasti` from the moment on at which a frame is being left by the instruction at that offset:
/// whether it is left depends on whether there are `count` branch bits yet. For processors that cannot
/// set both at once.
#[inline]
pub fn leaving(lasti: i32, count: u32) -> i32 {
    match u32::try_from(lasti) {
        Ok(lasti) if lasti >> 24 == 0 => (LEAVING | count << 24 | lasti) as i32,
        _ => NOWHERE,
    }
}

/// What is true of `lasti` while there are `count` branch bits.
pub fn lasti_with(lasti: i32, count: u32) -> i32 {
    let bits = lasti as u32;
    if lasti >= 0 {
        lasti
    } else if bits & 3 << 30 == LEAVING && bits >> 24 & 0x3f != count {
        (bits & 0xff_ffff) as i32
    } else {
        NOWHERE
    }
}

/// The upper two bits; no other number here has them.
const LEAVING: u32 = 1 << 31;

/// `parked_lasti` while the traced thread has the GIL.
pub const NOT_PARKED: i32 = -3;

/// Bytes of a run of values before the first of them: two words, as before any long packets, and the
/// start of its packet with a length in three bytes.
pub const RUN_HEAD: usize = 16 + 5;

/// What is written about a fault of ours is in a file of the trace's name with this after it.
pub const FAULT_LOG: &str = ".fault.txt";

/// The page. The hook writes the first two groups, the writer the third.
#[repr(C, align(4096))]
#[derive(Debug)]
pub struct ControlPage {
    /// BranchBits that are in no record yet, the last in the lowest bit, a one above the first.
    pub branch_bits: AtomicU64,
    /// The offset of the instruction that was last begun, by whatever thread.
    pub lasti: AtomicI32,
    /// That of the traced thread while another one runs.
    pub parked_lasti: AtomicI32,
    /// Not zero while only the hook records frames that are entered and left: in single-step mode.
    /// Private to the interpreter.
    pub slow_path: AtomicU32,
    /// Code ids up to this one are another process's. Private.
    pub first_code_id: AtomicU32,
    /// Where the interpreter has the ring mapped, twice in a row, so that no packet is ever cut
    /// in two. Private.
    pub ring: AtomicPtr<u8>,
    /// Where code may run that no instruction calls, a word of [`super::ring::async_begin`], while no
    /// packet says so; else 0. Private.
    pub async_begin: AtomicU64,
    /// Where the interpreter writes the next value, in its own address space: in the run of values
    /// that follows the last packet. Null while values are not recorded.
    pub values: AtomicPtr<u8>,
    /// From there on it has to look around before it writes more: as private.
    pub values_limit: AtomicPtr<u8>,
    first: [u8; 8],

    /// Bytes pushed.
    pub head: AtomicU64,
    /// Beyond this position the hook has to reserve room before it pushes more.
    pub limit: AtomicU64,
    /// Not zero once nothing more will be pushed: one of [`closed`].
    pub closed: AtomicU32,
    /// Not zero while the hook waits for room or for the end; a futex.
    pub hook_waits: AtomicU32,
    /// Raised each time the hook has news for the writer; a futex.
    pub data_futex: AtomicU32,
    /// What `head` is about to be: beyond `head` only while the hook puts a record in the place of
    /// the branch bits that it holds. The record is whole by then.
    pub head_pending: AtomicU64,
    /// Odd while the process may end at any moment, by `exec` or a signal to itself, and executes
    /// nothing: the trace is then to be complete. Raised when that begins and when it is over.
    pub settle: AtomicU32,
    _pad1: [u8; 20],

    /// How many bytes the writer has taken.
    pub tail: AtomicU64,
    /// Raised each time the writer has taken some; a futex.
    pub space_futex: AtomicU32,
    /// Not zero while the writer sleeps.
    pub writer_waits: AtomicU32,
    /// The writer's process id once it is started.
    pub writer: AtomicU32,
    /// Why nothing more is kept, one of [`failure`]; zero while all is well.
    pub failed: AtomicU32,
    /// The system's error number that goes with it.
    pub errno: AtomicI32,
    /// Not zero once all is kept and closed.
    pub done: AtomicU32,
    /// Not zero once the writer takes packets.
    pub ready: AtomicU32,
    /// What `settle` was when the writer last completed the trace for it.
    pub settled: AtomicU32,
    _pad2: [u8; PAGE - 168],
}

/// How the hook has closed the trace.
pub mod closed {
    /// In good order: the last record is an end.
    pub const ENDED: u32 = 1;
    /// The process ends right now, by `_exit`, a fatal signal, or `exit` without the GIL: what is on
    /// the page is its end. Another thread may still run Python, until it sees this.
    pub const DIES: u32 = 2;
}

/// Why the writer keeps nothing more.
pub mod failure {
    /// The file cannot be written, `errno` says why.
    pub const WRITE: u32 = 1;
    /// The packets contradict each other: a fault of ours.
    pub const FAULT: u32 = 2;
    /// A limit that was asked for is reached.
    pub const LIMIT: u32 = 3;
    /// The writer cannot be started, `errno` says why.
    pub const WRITER: u32 = 4;
}

const _: () = assert!(size_of::<ControlPage>() == PAGE && RING.is_power_of_two());

/// Where the fields are that `traced.h` has as well; hook.c asserts the same of those.
const _: () = {
    use std::mem::offset_of;
    assert!(offset_of!(ControlPage, branch_bits) == 0);
    assert!(offset_of!(ControlPage, lasti) == 8);
    assert!(offset_of!(ControlPage, parked_lasti) == 12);
    assert!(offset_of!(ControlPage, slow_path) == 16);
    assert!(offset_of!(ControlPage, first_code_id) == 20);
    assert!(offset_of!(ControlPage, ring) == 24);
    assert!(offset_of!(ControlPage, async_begin) == 32);
    assert!(offset_of!(ControlPage, values) == 40);
    assert!(offset_of!(ControlPage, head) == 64);
    assert!(offset_of!(ControlPage, limit) == 72);
    assert!(offset_of!(ControlPage, head_pending) == 96);
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_that_is_being_left() {
        for (lasti, count) in [(0, 1), (70_000, 63), ((1 << 24) - 1, 7)] {
            let left = leaving(lasti, count);
            assert!(left < NOT_PARKED);
            assert_eq!(lasti_with(left, count), NOWHERE);
            assert_eq!(lasti_with(left, count - 1), lasti);
        }
        for lasti in [-1, NOWHERE, 1 << 24] {
            assert_eq!(leaving(lasti, 3), NOWHERE);
        }
        assert_eq!(lasti_with(12, 3), 12);
        assert_eq!(lasti_with(NOWHERE, 3), NOWHERE);
    }
}
