//! Every function that the interpreter calls, and the wall that no panic passes.
//!
//! Owns the one recorder of the process. The first failure, a full disk or a fault of our
//! own, is said once on standard error and ends the tracing, never the program.

use std::cell::RefCell;
use std::env;
use std::ffi::c_int;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process;
use std::ptr;

use crate::py::{self, Frame, PyCodeObject, PyFrameObject, PyThreadState};
use crate::recorder::Recorder;
use crate::settings::{self, Settings};
use crate::sink::Sink;

/// What is only touched with the GIL held.
struct State {
    settings: RefCell<Option<Settings>>,
    recorder: RefCell<Option<Recorder<Sink>>>,
}

// SAFETY: the interpreter calls every function here with the GIL held (traced.h), and the
// handlers of fork and exit run in a thread that holds it or is the last; so threads never
// touch the cells at the same time.
unsafe impl Sync for State {}

static STATE: State = State { settings: RefCell::new(None), recorder: RefCell::new(None) };

/// Before each instruction of the traced thread.
///
/// # Safety
///
/// The evaluation loop calls this with the frame that it runs, and with `next` behind an
/// instruction of that frame's code.
#[unsafe(no_mangle)]
unsafe extern "C" fn traced_instruction(
    frame: *const PyFrameObject,
    opcode: c_int,
    oparg: c_int,
    next: *const u8,
) {
    // SAFETY: the evaluation loop owns the frame for this call and holds the GIL.
    let frame = unsafe { Frame::new(frame) };
    let step = frame.step(opcode, oparg, next);
    guarded(|| {
        // Held already: called again from inside ourselves, which nothing does.
        let Ok(mut recorder) = STATE.recorder.try_borrow_mut() else { return Ok(()) };
        let Some(recorder) = recorder.as_mut() else { return Ok(()) };
        if recorder.record_known(step) {
            return Ok(());
        }
        keeping_errno(|| recorder.record(step, &frame.code()))
    });
}

/// When a code object dies, while there is a traced thread; from any thread.
#[unsafe(no_mangle)]
extern "C" fn traced_code_dealloc(code: *const PyCodeObject) {
    guarded(|| {
        if let Some(recorder) = STATE.recorder.borrow_mut().as_mut() {
            recorder.forget(code as usize);
        }
        Ok(())
    });
}

/// As the interpreter's main function starts: takes the settings out of the environment.
#[unsafe(no_mangle)]
extern "C" fn traced_configure() {
    guarded(|| {
        let settings = Settings::read(|name| env::var_os(name)).unwrap_or_else(|message| {
            refuse(&message);
        });
        if settings.is_some() {
            for name in [settings::FILE, settings::NAME, settings::OPTIONS] {
                // SAFETY: nothing has started a thread yet; this is the first thing that
                // Py_Main does.
                unsafe { env::remove_var(name) };
            }
        }
        *STATE.settings.borrow_mut() = settings;
        Ok(())
    });
}

/// Whether the program is a marshalled code object without a header.
#[unsafe(no_mangle)]
extern "C" fn traced_is_raw_program() -> c_int {
    STATE.settings.borrow().as_ref().is_some_and(|settings| settings.raw).into()
}

/// Before the program's first instruction: opens the trace, if one is wanted.
///
/// # Safety
///
/// `thread` must be the calling thread's state.
#[unsafe(no_mangle)]
unsafe extern "C" fn traced_start(thread: *mut PyThreadState) {
    guarded(|| {
        let Some(settings) = STATE.settings.borrow().clone() else { return Ok(()) };
        let sink = Sink::open(&settings.file).unwrap_or_else(|error| {
            let file = settings.file.to_string_lossy();
            refuse(&format!("cannot open `{file}` to write the trace: {}", plain(&error)));
        });
        *STATE.recorder.borrow_mut() = Some(Recorder::new(settings, sink));
        // SAFETY: both only keep the address of a function that is never unloaded.
        unsafe {
            libc::atexit(at_exit);
            libc::pthread_atfork(None, None, Some(in_forked_child));
        }
        // SAFETY: the calling thread's state, by the contract of this function.
        unsafe { py::_PyTraced_SetThread(thread) };
        Ok(())
    });
}

/// When the interpreter ends, once the program's own finalizers have run.
#[unsafe(no_mangle)]
extern "C" fn traced_stop() {
    stop();
    at_exit();
}

/// Whoever calls exit(), in the interpreter's own end or in place of it.
extern "C" fn at_exit() {
    guarded(|| {
        let recorder = STATE.recorder.try_borrow_mut().ok().and_then(|mut held| held.take());
        recorder.map_or(Ok(()), |mut recorder| recorder.write_block())
    });
}

/// In the child: the trace is the parent's, and so is what waits to be written.
extern "C" fn in_forked_child() {
    stop();
    if let Ok(mut recorder) = STATE.recorder.try_borrow_mut() {
        *recorder = None;
    }
}

/// No panic gets past this, and no error: the first of them ends the tracing.
#[inline]
fn guarded(body: impl FnOnce() -> io::Result<()>) {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => fail(&format!("cannot write the trace: {}", plain(&error))),
        Err(_) => fail("the trace hook has a fault; please report it"),
    }
}

#[cold]
fn fail(message: &str) {
    stop();
    if let Ok(mut recorder) = STATE.recorder.try_borrow_mut() {
        *recorder = None;
    }
    say(&format!("{message}; tracing ends here, the program goes on"));
}

fn stop() {
    // SAFETY: null is allowed, and ends the tracing; the GIL is held.
    unsafe { py::_PyTraced_SetThread(ptr::null_mut()) };
}

/// For what the user can mend, before the program has started.
fn refuse(message: &str) -> ! {
    say(message);
    process::exit(2);
}

fn say(message: &str) {
    // There is nowhere to report that standard error is closed.
    let _ = writeln!(io::stderr(), "python27-traced: {message}");
}

/// An error without Rust's `(os error N)`.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((text, _)) => text.to_lowercase(),
        None => text,
    }
}

/// C code of the program may look at errno after it called into Python.
fn keeping_errno<T>(body: impl FnOnce() -> T) -> T {
    // SAFETY: reads and writes the calling thread's errno.
    let before = unsafe { py::traced_errno() };
    let result = body();
    // SAFETY: as above.
    unsafe { py::traced_set_errno(before) };
    result
}
