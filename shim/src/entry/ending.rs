//! Ends that the interpreter sees coming: the process waits until the trace is complete.
//!
//! The writer outlives the process, but not a container whose first process this is. A caller
//! that waits for the process finds a whole trace and need not wait for the writer as well. Nothing here needs
//! the GIL, takes a lock or allocates: a signal handler calls it, at any moment. Each wait ends when
//! the writer does.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem;
use std::process;
use std::ptr;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;

use wire::control::closed;

use super::shared;

/// The signals that the processor, or `abort`, sends when the process has a fault.
const FATAL: [c_int; 5] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGABRT];

/// Signals that end no process by default.
const HARMLESS: [c_int; 8] = [
    libc::SIGCHLD,
    libc::SIGCONT,
    libc::SIGURG,
    libc::SIGWINCH,
    libc::SIGSTOP,
    libc::SIGTSTP,
    libc::SIGTTIN,
    libc::SIGTTOU,
];

/// Bytes of the stack that a handler has when the program's own has overflowed.
const STACK: usize = 64 << 10;

/// The process whose trace this is: a fork without the C library's handlers is another one.
static PROCESS: AtomicU32 = AtomicU32::new(0);

/// `os._exit` and `os.abort`: the process ends now.
#[unsafe(no_mangle)]
extern "C" fn traced_before_exit() {
    finish();
}

/// `os.execv`: another program takes the place of this one, unless that fails.
///
/// # Safety
///
/// `path` must be a C string.
#[unsafe(no_mangle)]
unsafe extern "C" fn traced_before_exec(path: *const c_char) {
    // SAFETY: a C string by the contract of this function.
    let path = unsafe { CStr::from_ptr(path) };
    // Most calls that fail do so here: `os.execvp` tries each folder of `PATH`.
    // SAFETY: a C string.
    let is_there =
        unsafe { libc::faccessat(libc::AT_FDCWD, path.as_ptr(), libc::X_OK, libc::AT_EACCESS) };
    if is_there == 0 {
        settle();
    }
}

/// `os.kill`: the process may be among those that the signal ends.
#[unsafe(no_mangle)]
extern "C" fn traced_before_kill(process: libc::pid_t, signal: c_int) {
    // SAFETY: neither takes anything.
    let (own, group) = unsafe { (libc::getpid(), libc::getpgrp()) };
    let is_meant = process == own || process == 0 || process == -1 || process == -group;
    if is_meant && signal > 0 && !HARMLESS.contains(&signal) && ends(signal) {
        settle();
    }
}

/// It has not come to that: the program goes on.
#[unsafe(no_mangle)]
extern "C" fn traced_still_alive() {
    let page = shared().page();
    if page.settle.load(SeqCst) % 2 == 1 && is_traced() {
        page.settle.fetch_add(1, SeqCst);
    }
}

/// Whether the signal's action is the default one, or ours, which comes to the same.
fn ends(signal: c_int) -> bool {
    action(signal).is_some_and(|action| {
        action.sa_sigaction == libc::SIG_DFL || action.sa_sigaction == handler()
    })
}

/// Has the trace completed as it would be if the process died now; it can go on all the same.
fn settle() {
    if !is_traced() {
        return;
    }
    let shared = shared();
    let turn = shared.page().settle.fetch_add(1, SeqCst) + 1;
    shared.wake_writer();
    let _ =
        shared.sleep_until(|page| page.settled.load(SeqCst) == turn || page.done.load(SeqCst) != 0);
}

/// Has the trace completed: nothing more comes.
fn finish() {
    if !is_traced() {
        return;
    }
    let shared = shared();
    shared.page().closed.store(closed::DIES, SeqCst);
    shared.wake_writer();
    let _ = shared.sleep_until(|page| page.done.load(SeqCst) != 0);
}

fn is_traced() -> bool {
    !shared().page().ring.load(SeqCst).is_null() && PROCESS.load(SeqCst) == process::id()
}

/// The process is traced from now on. Where the writer may not outlive it, in a container whose
/// first process it or its parent is, fatal signals that would end it come here first. Elsewhere
/// the program would find handlers (`SigCgt` in `/proc/self/status`) that nobody needs.
pub fn arm() {
    PROCESS.store(process::id(), SeqCst);
    // SAFETY: takes nothing.
    let parent = unsafe { libc::getppid() };
    if process::id() == 1 || parent == 1 {
        catch();
    }
}

/// Catches fatal signals. Python knows the actions from before, and `exec` resets them.
fn catch() {
    // SAFETY: plain numbers and addresses, for which zero is as good as any.
    let mut stack: libc::stack_t = unsafe { mem::zeroed() };
    // SAFETY: writes to a variable of ours.
    if unsafe { libc::sigaltstack(ptr::null(), &raw mut stack) } == 0
        && stack.ss_flags & libc::SS_DISABLE != 0
    {
        // SAFETY: address space that the kernel chooses.
        let start = unsafe {
            libc::mmap(
                ptr::null_mut(),
                STACK,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK,
                -1,
                0,
            )
        };
        if start != libc::MAP_FAILED {
            stack = libc::stack_t { ss_sp: start, ss_flags: 0, ss_size: STACK };
            // SAFETY: memory that was just mapped for this, and is never given back.
            unsafe { libc::sigaltstack(&raw const stack, ptr::null_mut()) };
        }
    }
    for signal in FATAL {
        if action(signal).is_some_and(|action| action.sa_sigaction == libc::SIG_DFL) {
            set(signal, handler(), libc::SA_SIGINFO | libc::SA_ONSTACK);
        }
    }
}

/// The process is not traced: signals do what they do without us.
pub fn disarm() {
    for signal in FATAL {
        if action(signal).is_some_and(|action| action.sa_sigaction == handler()) {
            set(signal, libc::SIG_DFL, 0);
        }
    }
}

/// Completes the trace, and then has the signal do what it does by default.
extern "C" fn fatal(signal: c_int, info: *mut libc::siginfo_t, _context: *mut c_void) {
    // SAFETY: the kernel gives a handler with SA_SIGINFO the signal's description.
    let is_sent = unsafe { (*info).si_code } <= 0;
    // Without a handler, the first process of a container does not get what is sent to it.
    if is_sent && process::id() == 1 {
        return;
    }
    finish();
    set(signal, libc::SIG_DFL, 0);
    if is_sent {
        // SAFETY: numbers. The signal is blocked here, and comes as soon as this returns; what the
        // processor has sent comes again, as the instruction that is at fault does.
        unsafe {
            libc::syscall(libc::SYS_tgkill, libc::getpid(), libc::syscall(libc::SYS_gettid), signal)
        };
    }
}

fn handler() -> libc::sighandler_t {
    let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) = fatal;
    handler as libc::sighandler_t
}

fn action(signal: c_int) -> Option<libc::sigaction> {
    // SAFETY: plain numbers and addresses, for which zero is as good as any.
    let mut action: libc::sigaction = unsafe { mem::zeroed() };
    // SAFETY: writes to a variable of ours.
    let result = unsafe { libc::sigaction(signal, ptr::null(), &raw mut action) };
    (result == 0).then_some(action)
}

fn set(signal: c_int, handler: libc::sighandler_t, flags: c_int) {
    // SAFETY: as in `action`.
    let mut action: libc::sigaction = unsafe { mem::zeroed() };
    action.sa_sigaction = handler;
    action.sa_flags = flags;
    // SAFETY: reads a variable of ours; the handler is a function that is never unloaded.
    unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) };
}
