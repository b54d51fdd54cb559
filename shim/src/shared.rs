//! The hook's end of the memory that it shares with the writer: where packets go.
//!
//! Owns the mapping of the page over the interpreter's own, and the ring. Pushes bytes; what they
//! mean is made in `recorder`. Besides `py` and `memory` the only place with raw pointers.

use std::io;
use std::ptr::{self, NonNull};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};

use wire::control::{
    ControlPage, NOT_PARKED, NOWHERE, PAGE, RING, RUN_HEAD, WAKE, closed, failure,
};
use wire::packet::{BranchBits, form, kind, tag};
use wire::ring;

use crate::memory::{self, Memory};

/// Bytes that may be pushed beyond `limit` before room is reserved again.
const SLACK: u64 = 256;

/// In the page's `slow_path`.
const SINGLE_STEP: u32 = 1;

/// How long the hook sleeps at most before it looks whether the writer is still there.
const SLEEP_NS: i64 = 100_000_000;

/// The page that the evaluation loop writes to.
#[derive(Clone, Copy)]
pub struct Shared {
    page: &'static ControlPage,
}

/// What packets say of how far the thread has come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// Nothing.
    Kept,
    /// Where it is.
    Recorded,
    /// Where it was: another thread runs.
    OfAnother,
}

/// An open ring: where it is mapped, twice in a row.
struct Ring(NonNull<u8>);

impl Ring {
    /// Where the byte at a position is; [`SLACK`] bytes from there, and up to a whole ring, are mapped.
    #[inline]
    fn at(&self, position: u64) -> *mut u8 {
        self.0.as_ptr().wrapping_add(position as usize & (RING - 1))
    }
}

/// Why nothing more can be recorded.
#[derive(Debug, PartialEq, Eq)]
pub enum Lost {
    /// The writer cannot write; the system's error number.
    Write(i32),
    /// The writer found a fault of ours.
    Fault,
    /// A limit that was asked for is reached.
    Limit,
    /// The writer is no more.
    Writer,
    /// Another thread ends the process, without the GIL, and waits for the writer.
    Dying,
}

impl Shared {
    /// # Safety
    ///
    /// `page` must be `_PyTraced_Control`: a static of this size and alignment, in a page of its own.
    #[inline]
    pub unsafe fn at(page: *mut ControlPage) -> Shared {
        // SAFETY: a static by the contract of this function; all fields are atomic, and those that
        // the evaluation loop writes are written by this very thread.
        Shared { page: unsafe { &*page } }
    }

    /// The fields.
    #[inline]
    pub fn page(self) -> &'static ControlPage {
        self.page
    }

    /// Puts new shared memory in the place of the page, and maps a ring. The writer maps the same.
    pub fn open(self) -> io::Result<Memory> {
        // SAFETY: takes a number.
        if unsafe { libc::sysconf(libc::_SC_PAGESIZE) } != PAGE as libc::c_long {
            return Err(io::Error::other("this machine's memory pages are not of 4096 bytes"));
        }
        let memory = Memory::create(PAGE + RING)?;
        // SAFETY: address space that the kernel chooses, and that nobody has yet.
        let ring = unsafe {
            libc::mmap(
                ptr::null_mut(),
                2 * RING,
                libc::PROT_NONE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
                -1,
                0,
            )
        };
        if ring == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: address space reserved a moment ago, and the static page, which nobody holds a
        // Rust reference to but through atomics.
        unsafe {
            for half in [0, RING] {
                memory.map_over(ring.wrapping_byte_add(half), RING, PAGE)?;
            }
            memory.map_over(self.address(), PAGE, 0)?;
        }
        self.page.ring.store(ring.cast(), Release);
        self.page.branch_bits.store(1, Relaxed);
        self.page.lasti.store(NOWHERE, Relaxed);
        self.page.parked_lasti.store(NOT_PARKED, Relaxed);
        Ok(memory)
    }

    /// Gives the page back to this process alone; what was pushed stays with the writer.
    pub fn leave(self) {
        memory::disappear();
        let ring = self.page.ring.load(Relaxed);
        if ring.is_null() {
            return;
        }
        // SAFETY: the static page, as in `open`. The new one is all zeros: it names no ring.
        let private = unsafe {
            libc::mmap(
                self.address(),
                PAGE,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED,
                -1,
                0,
            )
        };
        if private != libc::MAP_FAILED {
            // SAFETY: what `open` has mapped, which the page no longer names.
            unsafe { libc::munmap(ring.cast(), 2 * RING) };
        }
    }

    fn address(self) -> *mut libc::c_void {
        ptr::from_ref(self.page).cast_mut().cast()
    }

    /// Pushes a packet: a word of [`ring`], and the branch bits before it; before both, the
    /// asynchronous code that may have begun. False if room has to be reserved first; then nothing
    /// is recorded.
    #[inline]
    pub fn push_short(self, word: u64) -> bool {
        let page = self.page;
        self.close_run();
        let head = page.head.load(Relaxed);
        if head > page.limit.load(Relaxed) {
            return false;
        }
        let Some(ring) = self.ring() else { return false };
        let begin = page.async_begin.load(Relaxed);
        if begin == 0 {
            self.put(&ring, head, word);
        } else {
            // Killed in between, the process has it twice, which says the same.
            self.put(&ring, head, begin);
            page.async_begin.store(0, Relaxed);
            self.put(&ring, head + ring::SIZE as u64, word);
        }
        true
    }

    /// The ring, while it is open: from `open` to `leave`.
    #[inline]
    fn ring(self) -> Option<Ring> {
        NonNull::new(self.page.ring.load(Relaxed)).map(Ring)
    }

    /// Writes a packet at `head`, which is at most [`SLACK`] less two words beyond `limit`.
    #[inline]
    fn put(self, ring: &Ring, head: u64, word: u64) {
        let at = ring.at(head).cast::<u64>();
        // SAFETY: `SLACK` bytes from any position are inside the ring; the writer reads only below
        // `head` and has taken all that this overwrites (`limit`). A packet starts at a multiple
        // of the words' size.
        unsafe {
            at.write(self.page.branch_bits.load(Relaxed).to_le());
            at.wrapping_add(1).write(word.to_le());
        }
        self.replace(head + ring::SIZE as u64, NOT_PARKED);
        self.open_run();
    }

    /// Values are recorded from here on.
    pub fn record_values(self) {
        self.page.values.store(self.page.ring.load(Relaxed), Relaxed);
        self.open_run();
    }

    /// A run of values starts after the last packet, if values are recorded.
    #[inline]
    fn open_run(self) {
        let page = self.page;
        if page.values.load(Relaxed).is_null() {
            return;
        }
        let Some(ring) = self.ring() else { return };
        let (head, limit) = (page.head.load(Relaxed), page.limit.load(Relaxed));
        let start = ring.at(head).wrapping_add(RUN_HEAD);
        let room = limit.saturating_sub(head) as usize;
        page.values_limit.store(start.wrapping_add(room), Relaxed);
        page.values.store(start, Release);
    }

    /// The run of values ends with what was recorded so far, which is a packet of its own.
    #[inline]
    fn close_run(self) {
        if !self.page.values.load(Relaxed).is_null() {
            self.end_run();
        }
    }

    #[inline(never)]
    fn end_run(self) {
        let page = self.page;
        let head = page.head.load(Relaxed);
        let Some(ring) = self.ring() else { return };
        let (first, end) = (ring.at(head), page.values.load(Relaxed));
        let length = (end as usize).wrapping_sub(first as usize).wrapping_sub(RUN_HEAD);
        if length == 0 || length > RING {
            return;
        }
        let long = RUN_HEAD - ring::SIZE + length;
        let size = long.next_multiple_of(ring::SIZE);
        let mut start = [0; RUN_HEAD];
        start[8..16].copy_from_slice(&(size as u64).to_le_bytes());
        start[16] = tag(form::OTHER, BranchBits::default());
        start[17] = kind::VALUES;
        start[18..].copy_from_slice(&[
            length as u8 | 0x80,
            (length >> 7) as u8 | 0x80,
            (length >> 14) as u8 & 0x7f,
        ]);
        // SAFETY: a whole ring is mapped from any position. The run was written there; its start and
        // the zeros after it, fewer than `ring::SIZE`, are within `SLACK`.
        unsafe {
            ptr::copy_nonoverlapping(start.as_ptr(), first, RUN_HEAD);
            ptr::write_bytes(end, 0, size - long);
        }
        page.head.store(head + (ring::SIZE + size) as u64, Release);
        self.open_run();
    }

    /// The run of values ends, and the next one has room for this many bytes.
    pub fn make_room(self, need: usize) -> Result<(), Lost> {
        self.close_run();
        self.reserve(need as u64)?;
        self.open_run();
        let page = self.page;
        let end = page.values.load(Relaxed).wrapping_add(need + 1);
        if end > page.values_limit.load(Relaxed) {
            page.values_limit.store(end, Relaxed);
        }
        Ok(())
    }

    /// Publishes what is written up to `head`, which includes the branch bits and how far the thread
    /// has come. Wherever the process is killed, nothing is lost or recorded twice: the first store
    /// does it all.
    #[inline]
    fn replace(self, head: u64, parked_lasti: i32) {
        self.page.head_pending.store(head, Release);
        self.set(1, parked_lasti);
        self.page.head.store(head, Release);
    }

    /// Keeps one outcome more, which leaves the running frame: its caller is at its call.
    /// Whether the branch bits are full.
    #[inline]
    pub fn leave_frame(self) -> bool {
        let register = self.page.branch_bits.load(Relaxed) << 1 | 1;
        self.set(register, NOT_PARKED);
        register >> 63 != 0
    }

    /// Sets branch bits behind which no instruction has begun. If the process is killed meanwhile, both
    /// have happened or none.
    #[inline]
    fn set(self, register: u64, parked_lasti: i32) {
        let page = self.page;
        #[cfg(target_arch = "x86_64")]
        {
            let place = u64::from(NOWHERE as u32) | u64::from(parked_lasti as u32) << 32;
            // SAFETY: the page starts with `branch_bits`, `lasti` and `parked_lasti`, together these 16 bytes,
            // and is aligned; one instruction writes all three.
            unsafe {
                std::arch::asm!(
                    "movq {low}, {register}",
                    "movq {high}, {place}",
                    "punpcklqdq {low}, {high}",
                    "movdqa xmmword ptr [{page}], {low}",
                    low = out(xmm_reg) _,
                    high = out(xmm_reg) _,
                    register = in(reg) register,
                    place = in(reg) place,
                    page = in(reg) ptr::from_ref(page),
                    options(nostack, preserves_flags),
                );
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            let _ = parked_lasti;
            let count = BranchBits::of_register(register).count;
            let lasti = wire::control::leaving(page.lasti.load(Relaxed), count);
            page.lasti.store(lasti, Release);
            page.branch_bits.store(register, Release);
        }
    }

    /// Takes the branch bits so far, for a packet that [`Shared::push`] will push.
    pub fn branch_bits(self) -> BranchBits {
        BranchBits::of_register(self.page.branch_bits.load(Relaxed))
    }

    /// How far the running frame has come.
    pub fn progress(self) -> i32 {
        let parked_lasti = self.page.parked_lasti.load(Relaxed);
        let lasti =
            if parked_lasti == NOT_PARKED { self.page.lasti.load(Relaxed) } else { parked_lasti };
        lasti.max(NOWHERE)
    }

    /// Pushes packets, the first of which holds the branch bits so far; waits for room.
    pub fn push(self, records: &[u8], position: Position) -> Result<(), Lost> {
        self.close_run();
        let result = self.push_packets(records, position);
        self.open_run();
        result
    }

    fn push_packets(self, records: &[u8], position: Position) -> Result<(), Lost> {
        let page = self.page;
        let Some(ring) = self.ring() else { return Err(Lost::Dying) };
        let size = records.len().next_multiple_of(ring::SIZE);
        let words = [0, size as u64].map(u64::to_le_bytes).concat();
        let (mut first, mut rest) = (&words[..], records);
        loop {
            self.reserve(1)?;
            let head = page.head.load(Relaxed);
            let room = (page.tail.load(Acquire) + RING as u64 - SLACK).saturating_sub(head);
            let (piece, after) = rest.split_at(rest.len().min(room as usize));
            let zeros = if after.is_empty() { size - records.len() } else { 0 };
            let mut at = ring.at(head);
            for bytes in [first, piece, &[0; ring::SIZE][..zeros]] {
                // SAFETY: as in `push`; there is room for the piece, which is less than a
                // ring, and two times `ring::SIZE` is less than `SLACK`.
                unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), at, bytes.len()) };
                at = at.wrapping_add(bytes.len());
            }
            let head = head + (first.len() + piece.len() + zeros) as u64;
            if !after.is_empty() {
                // The branch bits stay until all of it is there: the writer counts none of it before.
                page.head.store(head, Release);
            } else {
                match position {
                    Position::Kept => {
                        page.head_pending.store(head, Release);
                        page.branch_bits.store(1, Release);
                        page.head.store(head, Release);
                    }
                    Position::Recorded => self.replace(head, page.parked_lasti.load(Relaxed)),
                    Position::OfAnother => self.replace(head, NOT_PARKED),
                }
            }
            (first, rest) = (&[], after);
            if rest.is_empty() {
                return self.reserve(0);
            }
        }
    }

    /// Waits until there is room for that many bytes, wakes the writer where it should take some, and
    /// sets the next `limit`.
    pub fn reserve(self, need: u64) -> Result<(), Lost> {
        let page = self.page;
        loop {
            match page.failed.load(SeqCst) {
                0 => {}
                failure::WRITE | failure::WRITER => {
                    return Err(Lost::Write(page.errno.load(Relaxed)));
                }
                failure::LIMIT => return Err(Lost::Limit),
                _ => return Err(Lost::Fault),
            }
            if page.closed.load(SeqCst) != 0 {
                return Err(Lost::Dying);
            }
            let (head, tail) = (page.head.load(Relaxed), page.tail.load(SeqCst));
            let most = tail + RING as u64 - SLACK;
            if head - tail >= WAKE || head + need > most {
                self.wake_writer();
            }
            if head + need <= most {
                page.limit.store(most.min(head + WAKE), SeqCst);
                // A failure or a close sets the limit to 0 afterwards: either that is seen there, or
                // the failure or the close is seen here.
                if page.failed.load(SeqCst) == 0 && page.closed.load(SeqCst) == 0 {
                    return Ok(());
                }
                continue;
            }
            self.sleep(|| {
                page.tail.load(SeqCst) != tail
                    || page.failed.load(SeqCst) != 0
                    || page.closed.load(SeqCst) != 0
            })?;
        }
    }

    /// Where code may run that no instruction calls, while no packet says so.
    pub fn async_begin(self) -> Option<(i32, bool)> {
        let word = self.page.async_begin.load(Relaxed);
        (word != 0).then(|| ring::read_async_begin(word))
    }

    /// Sets that.
    pub fn set_async_begin(self, begin: Option<(i32, bool)>) {
        let word = begin.map_or(0, |(offset, begun)| ring::async_begin(offset, begun));
        self.page.async_begin.store(word, Relaxed);
    }

    /// The running frame is left, or unwound, in the instruction at `lasti`: if nothing ran within
    /// it, there is no need to say that something might have.
    #[inline]
    pub fn skip_async_begin(self, lasti: i32) {
        let page = self.page;
        if page.async_begin.load(Relaxed) == ring::async_begin(lasti, true) {
            page.async_begin.store(0, Relaxed);
        }
    }

    /// From now on every instruction of every frame is recorded individually.
    pub fn set_single_step(self) {
        self.page.slow_path.fetch_or(SINGLE_STEP, Relaxed);
    }

    /// Whether that is so.
    #[inline]
    pub fn single_steps(self) -> bool {
        self.page.slow_path.load(Relaxed) & SINGLE_STEP != 0
    }

    /// Whether frames are left as their instructions say, and nothing else is to be recorded first.
    #[inline]
    pub fn is_plain(self) -> bool {
        self.page.slow_path.load(Relaxed) == 0 && self.page.async_begin.load(Relaxed) == 0
    }

    /// The interpreter goes on with these branch bits, which a record does not hold.
    pub fn go_on(self, branch_bits: BranchBits) {
        self.page.branch_bits.store(branch_bits.register(), Release);
    }

    /// Waits until the writer is there. If it cannot write, a later call reports that.
    pub fn wait_for_writer(self) -> Result<(), Lost> {
        self.sleep_until(|page| page.ready.load(SeqCst) | page.failed.load(SeqCst) != 0)?;
        match self.page.failed.load(SeqCst) {
            failure::WRITER => Err(Lost::Write(self.page.errno.load(Relaxed))),
            _ => Ok(()),
        }
    }

    /// Closes the ring, and waits until the writer has taken and kept everything.
    pub fn close(self) -> Result<(), Lost> {
        if !self.publish_end(closed::ENDED) {
            return Err(Lost::Dying);
        }
        self.wait_for_end()?;
        match self.page.failed.load(SeqCst) {
            0 | failure::LIMIT => Ok(()),
            failure::WRITE => Err(Lost::Write(self.page.errno.load(Relaxed))),
            _ => Err(Lost::Fault),
        }
    }

    /// Waits until the writer is done.
    pub fn wait_for_end(self) -> Result<(), Lost> {
        self.sleep_until(|page| page.done.load(SeqCst) != 0)
    }

    /// Says on the page alone that nothing more will be told, and why. False if that was said
    /// before. Needs no GIL: a thread that runs Python meanwhile stops at its next look.
    pub fn publish_end(self, why: u32) -> bool {
        let is_first = self.page.closed.compare_exchange(0, why, SeqCst, SeqCst).is_ok();
        if is_first {
            self.page.limit.store(0, SeqCst);
            self.wake_writer();
        }
        is_first
    }

    /// Sleeps until something is so, which the writer brings about; an error when that has ended.
    pub fn sleep_until(self, is_there: impl Fn(&ControlPage) -> bool) -> Result<(), Lost> {
        while !is_there(self.page) {
            self.sleep(|| is_there(self.page))?;
        }
        Ok(())
    }

    /// Sleeps until the writer has taken something, unless that has happened already.
    fn sleep(self, is_there: impl Fn() -> bool) -> Result<(), Lost> {
        let page = self.page;
        let space_futex = page.space_futex.load(SeqCst);
        page.hook_waits.store(1, SeqCst);
        if !is_there() {
            let limit = libc::timespec { tv_sec: 0, tv_nsec: SLEEP_NS };
            // SAFETY: the futex is a field of the page, which is mapped for good.
            unsafe {
                libc::syscall(
                    libc::SYS_futex,
                    page.space_futex.as_ptr(),
                    libc::FUTEX_WAIT,
                    space_futex,
                    &raw const limit,
                    ptr::null::<u32>(),
                    0,
                );
            }
        }
        page.hook_waits.store(0, SeqCst);
        let is_gone = is_gone(page.writer.load(SeqCst) as libc::pid_t);
        if is_gone && !is_there() { Err(Lost::Writer) } else { Ok(()) }
    }

    /// Wakes the writer, if it sleeps.
    pub fn wake_writer(self) {
        let page = self.page;
        page.data_futex.fetch_add(1, SeqCst);
        // Once for each sleep: it may take long until the writer has a processor.
        if page.writer_waits.swap(0, SeqCst) != 0 {
            // SAFETY: as in `sleep`.
            unsafe {
                libc::syscall(libc::SYS_futex, page.data_futex.as_ptr(), libc::FUTEX_WAKE, 1)
            };
        }
    }

    /// Another thread takes the GIL: how far the traced one has come is kept apart.
    pub fn leave_thread(self) {
        if self.page.parked_lasti.load(Relaxed) == NOT_PARKED {
            self.page.parked_lasti.store(self.page.lasti.load(Relaxed), Release);
        }
    }

    /// The traced thread has the GIL again.
    pub fn come_back(self) {
        let parked_lasti = self.page.parked_lasti.load(Relaxed);
        if parked_lasti != NOT_PARKED {
            self.page.lasti.store(parked_lasti, Release);
            self.page.parked_lasti.store(NOT_PARKED, Release);
        }
    }
}

/// Whether a process has ended. Where nobody waits for it, it can still be signalled, but has no
/// memory any more.
fn is_gone(process: libc::pid_t) -> bool {
    let mut byte = 0u8;
    let here = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
    let there = libc::iovec { iov_base: ptr::null_mut(), iov_len: 1 };
    // SAFETY: reads at most a byte, to a variable of ours.
    let read =
        unsafe { libc::process_vm_readv(process, &raw const here, 1, &raw const there, 1, 0) };
    read < 0 && io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH)
}
