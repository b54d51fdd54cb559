//! Starts the writer: a process that is no child of ours and has nothing of ours but its descriptors.
//!
//! Detached twice over, so that the program's `wait` never meets it, the terminal's signals do not
//! reach it, and whatever ends the program leaves it to finish.

use std::ffi::{CStr, CString, OsString};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::ptr;
use std::sync::atomic::Ordering::SeqCst;

use wire::control::{ControlPage, failure};

/// The descriptors of the writer, whatever they are here.
pub const OUT: RawFd = 3;
/// See [`OUT`].
pub const PRESENCE: RawFd = 4;
/// See [`OUT`]; the only one that there may be none of.
pub const RING: RawFd = 5;

/// Names another writer than the one beside the interpreter.
pub const WRITER: &str = "PYTHON27_TRACED_WRITER";

/// Where the writer is: beside the executable.
pub fn program() -> io::Result<PathBuf> {
    if let Some(named) = std::env::var_os(WRITER).filter(|named| !named.is_empty()) {
        return Ok(named.into());
    }
    Ok(std::env::current_exe()?.with_file_name("trace-writer"))
}

/// Starts the writer with these arguments. An error that comes later is on the page.
pub fn start(
    program: &std::path::Path,
    arguments: Vec<OsString>,
    [out, presence]: [&OwnedFd; 2],
    ring: Option<RawFd>,
    page: &ControlPage,
) -> io::Result<()> {
    let descriptors = [out.as_raw_fd(), presence.as_raw_fd(), ring.unwrap_or(-1)];
    let c_string = |text: Vec<u8>| {
        CString::new(text).map_err(|_| io::Error::other("a name with a NUL cannot be passed on"))
    };
    let path = c_string(program.as_os_str().as_bytes().to_vec())?;
    let mut owned = vec![path.clone()];
    for argument in arguments {
        owned.push(c_string(argument.into_vec())?);
    }
    let mut arguments: Vec<*const libc::c_char> = owned.iter().map(|text| text.as_ptr()).collect();
    arguments.push(ptr::null());

    // The program's handlers of forks are not for this one, and neither is the signal of its end.
    // SAFETY: the child only calls what may be called after a fork (`detach`).
    let child = unsafe { clone(0) };
    match child {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            // SAFETY: a new session, and a fork as above.
            let again = unsafe {
                libc::setsid();
                clone(libc::SIGCHLD)
            };
            if again == 0 {
                detach(&path, &arguments, descriptors, page);
            }
            page.writer.store(again.max(0) as u32, SeqCst);
            // SAFETY: ends this process without anything of the program's.
            unsafe { libc::_exit(i32::from(again < 0)) };
        }
        _ => {
            let mut status = 0;
            // SAFETY: our own child, which ends at once.
            while unsafe { libc::waitpid(child, &raw mut status, libc::__WALL) } < 0 {
                let error = io::Error::last_os_error();
                if error.kind() != io::ErrorKind::Interrupted {
                    return Err(error);
                }
            }
            if status == 0 { Ok(()) } else { Err(io::Error::other("no process can be started")) }
        }
    }
}

/// Forks as the system does it, without what the C library does around it; the parent gets this
/// signal in the end, or none.
///
/// # Safety
///
/// The child must only call what is safe in a signal handler.
unsafe fn clone(signal: libc::c_int) -> libc::pid_t {
    // SAFETY: no memory is shared, and no new stack is given.
    unsafe { libc::syscall(libc::SYS_clone, libc::c_long::from(signal), 0, 0, 0, 0) as libc::pid_t }
}

/// Becomes the writer. Calls only functions that are safe in the child of a process with threads,
/// and does not allocate.
fn detach(
    path: &CStr,
    arguments: &[*const libc::c_char],
    descriptors: [RawFd; 3],
    page: &ControlPage,
) -> ! {
    // SAFETY: system calls on numbers and C strings that live here; nothing of the parent's memory
    // is written but the shared page.
    unsafe {
        // Out of the way of the numbers that they get.
        let high = descriptors.map(|descriptor| libc::fcntl(descriptor, libc::F_DUPFD, 10));
        let nothing = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR);
        for standard in 0..3 {
            libc::dup2(nothing, standard);
        }
        for (descriptor, number) in high.into_iter().zip([OUT, PRESENCE, RING]) {
            libc::dup2(descriptor, number);
        }
        // The program's own descriptors are not kept open for longer than it keeps them.
        let unused = if high[2] < 0 { RING } else { RING + 1 };
        if libc::syscall(libc::SYS_close_range, unused, u32::MAX, 0) != 0 {
            for descriptor in unused..1024 {
                libc::close(descriptor);
            }
        }
        let mut none = std::mem::zeroed::<libc::sigset_t>();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut());
        libc::execv(path.as_ptr(), arguments.as_ptr());
        page.errno.store(*libc::__errno_location(), SeqCst);
        page.failed.store(failure::WRITER, SeqCst);
        page.space_futex.fetch_add(1, SeqCst);
        libc::syscall(libc::SYS_futex, page.space_futex.as_ptr(), libc::FUTEX_WAKE, 1);
        libc::_exit(127);
    }
}
