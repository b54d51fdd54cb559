//! The writer's end of the shared memory: takes bytes, wakes and is woken, sees a death.

use std::fs::File;
use std::io;
use std::mem::offset_of;
use std::os::fd::FromRawFd;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU64, fence};
use std::thread;
use std::time::Duration;

use rustix::fs::{SealFlags, fcntl_add_seals};
use rustix::io::Errno;
use rustix::process::Pid;
use rustix::thread::futex;

use super::args::Args;
use super::memory::Memory;
use wire::control::{
    ControlPage, NOT_PARKED, NOWHERE, PAGE, RING, RUN_HEAD, WAKE, closed, lasti_with,
};
use wire::packet::BranchBits;
use wire::ring::read_async_begin;

/// How long the writer sleeps at most: what a quiet program has pushed is kept by then.
const SLEEP: Duration = Duration::from_millis(50);

/// The shared memory.
#[derive(Clone, Debug)]
pub struct Ring {
    memory: Arc<Memory>,
    died: Arc<AtomicBool>,
    presence: Arc<File>,
}

/// What the page holds beside the packets.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// Those that are in no packet.
    pub branch_bits: BranchBits,
    /// Where code may have begun to run that no instruction calls, and whether within the instruction.
    pub async_begin: Option<(i32, bool)>,
    /// How far the thread had come, [`NOWHERE`] if that is not known.
    pub lasti: i32,
}

impl Ring {
    /// Maps the memory that the hook shares, and watches the process that pushes.
    pub fn open(args: &Args) -> io::Result<Ring> {
        let memory = Arc::new(match (args.ring, args.segment) {
            (Some(ring), _) => Memory::map(&left_to_us(ring))?,
            (None, segment) => Memory::attach(segment.unwrap_or(-1))?,
        });
        if memory.size() != PAGE + RING {
            return Err(io::Error::other("the shared memory has another size than this writer's"));
        }
        let died = Arc::new(AtomicBool::new(false));
        let presence = Arc::new(left_to_us(args.presence));
        let ring = Ring { memory, died, presence };
        let watching = ring.clone();
        let pid = i32::try_from(args.process).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("there is no such process"))?;
        thread::Builder::new().name("watch".to_owned()).stack_size(1 << 16).spawn(move || {
            wait_for_end(pid);
            watching.died.store(true, Release);
            watching.page().data_futex.fetch_add(1, SeqCst);
            let _ = futex::wake(&watching.page().data_futex, futex::Flags::empty(), 1);
        })?;
        Ok(ring)
    }

    fn page(&self) -> &ControlPage {
        // SAFETY: the memory starts at a page's border and is as large as a page and a ring (`open`);
        // all fields are atomic, as the hook writes them at the same time.
        unsafe { &*self.memory.start().cast::<ControlPage>() }
    }

    /// Appends what was pushed and not taken yet; returns how many bytes that was.
    pub fn take(&self, taken: &mut Vec<u8>) -> usize {
        let page = self.page();
        let tail = page.tail.load(Relaxed);
        let head = if self.died.load(Acquire) { self.end() } else { page.head.load(Acquire) };
        let count = usize::try_from(head.wrapping_sub(tail)).unwrap_or(0).min(RING);
        self.copy(tail, count, taken);
        if count > 0 {
            page.tail.store(tail + count as u64, SeqCst);
            self.wake_hook();
        }
        count
    }

    /// Appends that many bytes from a position on, at most a ring. The hook must not write there.
    fn copy(&self, position: u64, count: usize, to: &mut Vec<u8>) {
        let start = position as usize & (RING - 1);
        for (from, length) in
            [(start, count.min(RING - start)), (0, count.saturating_sub(RING - start))]
        {
            // SAFETY: inside the ring, which follows the page; the hook does not write there: until
            // `tail` has passed it, or as nothing more is recorded.
            let bytes =
                unsafe { std::slice::from_raw_parts(self.memory.start().add(PAGE + from), length) };
            to.extend_from_slice(bytes);
        }
    }

    /// The values that are in no packet, once nothing more is recorded.
    pub fn open_run(&self) -> Vec<u8> {
        let page = self.page();
        // Both are addresses in the process that has died: only their distance counts.
        let (values, ring) = (page.values.load(Acquire), page.ring.load(Relaxed));
        let mut run = Vec::new();
        if values.is_null() || ring.is_null() {
            return run;
        }
        let start = self.end() + RUN_HEAD as u64;
        let at = (values as usize).wrapping_sub(ring as usize);
        // The ring is mapped twice there; the cursor lags while a packet is pushed.
        let length = at.wrapping_sub(self.end() as usize & (RING - 1)).wrapping_sub(RUN_HEAD);
        if length < RING {
            self.copy(start, length, &mut run);
        }
        run
    }

    fn wake_hook(&self) {
        let page = self.page();
        if page.hook_waits.load(SeqCst) != 0 {
            page.space_futex.fetch_add(1, SeqCst);
            // A thread that ends the process waits beside the one that records.
            let _ = futex::wake(&page.space_futex, futex::Flags::empty(), u32::MAX >> 1);
        }
    }

    /// Sleeps until there is much to take, for [`SLEEP`] at most; whether there is nothing at all.
    pub fn wait(&self) -> bool {
        let mut is_quiet = false;
        let page = self.page();
        let data_futex = page.data_futex.load(SeqCst);
        page.writer_waits.store(1, SeqCst);
        let is_wanted = self.unsettled().is_some_and(|turn| page.settled.load(Relaxed) != turn);
        let waiting = page.head.load(SeqCst).wrapping_sub(page.tail.load(Relaxed));
        if waiting < WAKE && !is_wanted && !self.is_over() {
            let limit = futex::Timespec { tv_sec: 0, tv_nsec: SLEEP.as_nanos() as i64 };
            // Woken, interrupted or late: the caller looks again.
            let woken =
                futex::wait(&page.data_futex, futex::Flags::empty(), data_futex, Some(&limit));
            is_quiet =
                woken == Err(Errno::TIMEDOUT) && page.head.load(SeqCst) == page.tail.load(Relaxed);
            if is_quiet && self.is_left() {
                self.died.store(true, Release);
            }
        }
        page.writer_waits.store(0, SeqCst);
        is_quiet
    }

    /// Whether nobody has the program's memory any more: it has ended, or another program has
    /// taken its place. What is not mapped for writing, and only that, can be sealed.
    fn is_left(&self) -> bool {
        fcntl_add_seals(&*self.presence, SealFlags::WRITE).is_ok()
    }

    /// Whether nothing more will be pushed.
    pub fn is_over(&self) -> bool {
        self.page().closed.load(Acquire) != 0 || self.died.load(Acquire)
    }

    /// Whether the hook has said its last word.
    pub fn is_closed(&self) -> bool {
        self.page().closed.load(Acquire) == closed::ENDED
    }

    /// The turn in which the process may end at any moment, and executes nothing.
    pub fn unsettled(&self) -> Option<u32> {
        Some(self.page().settle.load(Acquire)).filter(|turn| turn % 2 == 1)
    }

    /// Tells the hook that the trace is complete for this turn.
    pub fn settled(&self, turn: u32) {
        self.page().settled.store(turn, SeqCst);
        self.wake_hook();
    }

    /// Where the last whole record ends, once nothing more is recorded.
    fn end(&self) -> u64 {
        let page = self.page();
        page.head.load(Acquire).max(page.head_pending.load(Acquire))
    }

    /// What is in no packet yet, once all packets were taken. `None` if another has come since: where
    /// the process ends in one thread, another may still record.
    pub fn now(&self) -> Option<Now> {
        let page = self.page();
        let tail = page.tail.load(Relaxed);
        let register = page.branch_bits.load(Acquire);
        let async_begin = page.async_begin.load(Acquire);
        let [lasti, parked] = self.place();
        fence(Acquire);
        // Branch bits only grow from one packet to the next: between the same ones nothing has happened
        // but what `lasti` says.
        if page.branch_bits.load(Acquire) != register || self.end() != tail {
            return None;
        }
        if page.head.load(Acquire) != tail {
            // They are in the packet that was just pushed.
            return Some(Now {
                branch_bits: BranchBits::default(),
                async_begin: None,
                lasti: NOWHERE,
            });
        }
        let branch_bits = BranchBits::of_register(register);
        let lasti = if parked == NOT_PARKED { lasti } else { parked };
        let async_begin = (async_begin != 0).then(|| read_async_begin(async_begin));
        Some(Now { branch_bits, async_begin, lasti: lasti_with(lasti, branch_bits.count) })
    }

    /// `lasti` and `parked_lasti` of one moment.
    fn place(&self) -> [i32; 2] {
        const { assert!(offset_of!(ControlPage, lasti) % 8 == 0) };
        const { assert!(offset_of!(ControlPage, parked_lasti) == offset_of!(ControlPage, lasti) + 4) };
        let start = self.memory.start().wrapping_add(offset_of!(ControlPage, lasti));
        // SAFETY: the eight bytes of both fields, aligned and atomic as they are.
        let both = unsafe { AtomicU64::from_ptr(start.cast()) }.load(Acquire).to_ne_bytes();
        let [a, b, c, d, e, f, g, h] = both;
        [i32::from_ne_bytes([a, b, c, d]), i32::from_ne_bytes([e, f, g, h])]
    }

    /// Tells the hook that nothing more is kept, and why.
    pub fn fail(&self, why: u32, errno: i32) {
        let page = self.page();
        page.errno.store(errno, Relaxed);
        page.failed.store(why, SeqCst);
        // It reserves again when it has pushed this much.
        page.limit.store(0, SeqCst);
        self.wake_hook();
    }

    /// Lets the program start.
    pub fn ready(&self) {
        self.page().ready.store(1, SeqCst);
        self.wake_hook();
    }

    /// Reports that everything is written and closed.
    pub fn done(&self) {
        self.page().done.store(1, SeqCst);
        self.wake_hook();
    }
}

/// The file behind a descriptor that the hook has started us with.
pub(super) fn left_to_us(descriptor: i32) -> File {
    // SAFETY: the hook has left this descriptor to us alone, and names each once.
    unsafe { File::from_raw_fd(descriptor) }
}

/// Returns when the process has ended.
fn wait_for_end(process: Pid) {
    #[cfg(target_os = "linux")]
    if let Ok(handle) = rustix::process::pidfd_open(process, rustix::process::PidfdFlags::empty()) {
        use rustix::event::{PollFd, PollFlags, poll};
        loop {
            match poll(&mut [PollFd::new(&handle, PollFlags::IN)], None) {
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => return,
                Err(_) => break,
            }
        }
    }
    // Without such handles: a process that is gone cannot be signalled.
    while rustix::process::test_kill_process(process).is_ok() {
        thread::sleep(SLEEP);
    }
}
