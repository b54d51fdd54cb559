//! The life of a trace: asked for in the environment, begun before the program's first instruction,
//! begun again in a child that is followed, and ended with the interpreter.
//!
//! What is recorded in between is the rest of `entry`.

use std::env;
use std::ffi::{OsString, c_int};
use std::io;
use std::os::fd::RawFd;
use std::panic::catch_unwind;
use std::path::Path;
use std::process;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use wire::control::{FAULT_LOG, NOWHERE};

use super::foreign::start_verifying;
use super::{
    FAULT, STATE, drop_recorder, ending, guarded, plain, say, set_thread, shared, slowly, stop,
};
use crate::capture::code::Constants;
use crate::memory;
use crate::output;
use crate::py::{self, Frame, Gil, PyThreadState};
use crate::recorder::{CodeIds, Recorder};
use crate::settings::{self, Settings};
use crate::shared::{Lost, Position};
use crate::spawn;
use crate::stacks::Stacks;

/// Whether this is a forked child that is followed: its trace has its own name.
static IS_CHILD: AtomicBool = AtomicBool::new(false);

/// As the interpreter's main function starts: takes the settings out of the environment.
#[unsafe(no_mangle)]
extern "C" fn traced_configure() {
    let settings = catch_unwind(|| Settings::read(|name| env::var_os(name)));
    let settings = match settings {
        Ok(Ok(settings)) => settings,
        Ok(Err(message)) => refuse(&message),
        Err(_) => refuse(FAULT),
    };
    if settings.as_ref().is_some_and(|settings| !settings.inherit) {
        for name in settings::VARIABLES {
            // SAFETY: nothing has started a thread yet; this is the first thing that Py_Main does.
            unsafe { env::remove_var(name) };
        }
    }
    if let Some((name, value)) = settings.as_ref().and_then(|all| all.for_heirs(process::id())) {
        // SAFETY: as above.
        unsafe { env::set_var(name, value) };
    }
    // SAFETY: as above: no other thread is there.
    *STATE.get(unsafe { Gil::assume() }).settings.borrow_mut() = settings;
}

/// Whether the program is a marshalled code object without a header.
#[unsafe(no_mangle)]
extern "C" fn traced_is_raw_program() -> c_int {
    // SAFETY: called with the GIL held (traced.h).
    let gil = unsafe { Gil::assume() };
    STATE.get(gil).settings.borrow().as_ref().is_some_and(|settings| settings.raw).into()
}

/// Before the program's first instruction: opens the trace, if one is wanted.
///
/// # Safety
///
/// `thread` must be the calling thread's state.
#[unsafe(no_mangle)]
unsafe extern "C" fn traced_start(thread: *mut PyThreadState) {
    // SAFETY: called with the GIL held (traced.h).
    let gil = unsafe { Gil::assume() };
    let state = STATE.get(gil);
    let Some(settings) = state.settings.borrow().clone() else { return };
    let file = settings.file_of(process::id());
    if settings.is_taken(process::id()) && Path::new(&file).is_file() {
        refuse(&format!(
            "cannot write the trace to `{}`: it has that of the program that was in this process \
             before; put `%p` into its name",
            file.to_string_lossy()
        ));
    }
    match catch_unwind(|| begin(gil, &settings, file, CodeIds::NONE)) {
        Ok(Ok(())) => {}
        Ok(Err(message)) => refuse(&message),
        Err(_) => refuse(FAULT),
    }
    // SAFETY: both only keep the address of a function that is never unloaded.
    unsafe {
        libc::atexit(at_exit);
        libc::pthread_atfork(None, None, Some(in_forked_child));
    }
    if let Some(recorder) = state.recorder.borrow_mut().as_mut() {
        recorder.thread(thread as usize);
    }
    ending::arm();
    state.mode.guard(settings.guard);
    if settings.every {
        state.mode.single_step();
    }
    if memory::inherits_writable_memory() {
        state.mode.rewrites_unseen();
    }
    resume_modes(gil);
    set_thread(gil, thread);
}

/// In a forked child, once the interpreter has seen to itself.
///
/// # Safety
///
/// `thread` must be the calling thread's state.
#[unsafe(no_mangle)]
unsafe extern "C" fn traced_after_fork(thread: *mut PyThreadState) {
    // SAFETY: called with the GIL held (traced.h).
    let gil = unsafe { Gil::assume() };
    let state = STATE.get(gil);
    let settings = state.settings.borrow().clone();
    let Some(settings) = settings.filter(|settings| settings.follow_fork) else { return };
    // The parent's ids are in the code objects: ours start above.
    let base = state.code_ids.get();
    IS_CHILD.store(true, Relaxed);
    let mut file = settings.file_of(process::id());
    file.push(format!(".{}", process::id()));
    match catch_unwind(|| begin(gil, &settings, file, base)) {
        Ok(Ok(())) => {}
        Ok(Err(message)) => return say(&format!("{message}; this child is not traced")),
        Err(_) => return say(FAULT),
    }
    let mut frames: Vec<Frame> = Vec::new();
    let mut next = py::current_frame(gil);
    while let Some(frame) = next {
        frames.push(frame);
        next = frame.back();
    }
    let mut watched = false;
    // The child's recording begins in stack 0, whichever runs.
    *state.stacks.borrow_mut() = Stacks::new();
    resume_modes(gil);
    slowly(gil, |recorder| {
        recorder.thread(thread as usize);
        for frame in frames.iter().rev() {
            watched |= recorder.found(&frame.code(), frame.lasti()).is_watched();
        }
    });
    ending::arm();
    state.mode.guard(settings.guard);
    if watched {
        state.mode.watch();
    }
    if state.mode.verifies() {
        start_verifying(gil);
    }
    set_thread(gil, thread);
}

/// A trace begins in the modes that the process is in.
fn resume_modes(gil: Gil) {
    let mode = &STATE.get(gil).mode;
    if mode.single_steps() {
        slowly(gil, |recorder| recorder.single_step(NOWHERE));
        shared().set_single_step();
    }
    if mode.rewrites() {
        slowly(gil, Recorder::tables_may_change);
    }
    if mode.verifies() {
        start_verifying(gil);
    }
}

/// Opens the file, starts the writer, makes the recorder. The error is a message.
fn begin(gil: Gil, settings: &Settings, file: OsString, base: CodeIds) -> Result<(), String> {
    let shown = file.to_string_lossy().into_owned();
    let out = output::open(&file)
        .map_err(|error| format!("cannot open `{shown}` to write the trace: {}", plain(&error)))?;
    let program = spawn::program()
        .map_err(|error| format!("cannot find the writer of traces: {}", plain(&error)))?;
    let failed = |error: &io::Error| {
        let program = program.display();
        format!(
            "cannot start the writer of traces `{program}`: {}; `cargo xtask build-python` puts it \
             there",
            plain(error)
        )
    };
    let unshared = |error: io::Error| {
        format!("cannot share memory with the writer of traces: {}", plain(&error))
    };
    let ring = shared().open().map_err(unshared)?;
    let presence = memory::appear().map_err(unshared)?;
    let page = shared().page();
    page.first_code_id.store(base.number, Relaxed);
    let arguments = arguments(settings, file, ring.name());
    spawn::start(&program, arguments, [&out, &presence], ring.name().ok(), page)
        .map_err(|error| failed(&error))?;
    shared().wait_for_writer().map_err(|lost| match lost {
        Lost::Write(errno) => failed(&io::Error::from_raw_os_error(errno)),
        _ => failed(&io::Error::other("it does not answer")),
    })?;
    let constants = match (settings.flow, settings.resolve) {
        (true, _) => Constants::Marshalled,
        (false, true) => Constants::Text,
        (false, false) => Constants::Absent,
    };
    let mut recorder = Recorder::new(constants, base);
    // A recording is never confined to a name.
    if !settings.flow && !IS_CHILD.load(Relaxed) {
        recorder.expect(settings.name.clone());
    }
    *STATE.get(gil).recorder.borrow_mut() = Some(recorder);
    if let Some(bounds) = settings.values {
        py::record_values(gil, bounds.size as i32, bounds.depth as i32, bounds.items as i32);
        py::forget_values(gil);
        shared().record_values();
    }
    Ok(())
}

fn arguments(settings: &Settings, file: OsString, ring: Result<RawFd, c_int>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = Vec::new();
    let mut pair = |name: &str, value: OsString| {
        arguments.push(name.into());
        arguments.push(value);
    };
    match ring {
        Ok(_) => pair("--ring", spawn::RING.to_string().into()),
        Err(segment) => pair("--segment", segment.to_string().into()),
    }
    pair("--out", spawn::OUT.to_string().into());
    pair("--presence", spawn::PRESENCE.to_string().into());
    pair("--process", process::id().to_string().into());
    pair("--kind", if settings.flow { "flow" } else { "text" }.into());
    if let Some(limit) = settings.limit {
        pair("--limit", limit.to_string().into());
    }
    if let Some(most) = settings.max_bytes {
        pair("--max-bytes", most.to_string().into());
    }
    pair("--about", about(settings).into());
    for (wish, argument) in [
        (settings.compress, "--compress"),
        (settings.resolve, "--resolve"),
        (settings.blog, "--blog"),
        (settings.threads, "--threads"),
    ] {
        if wish {
            arguments.push(argument.into());
        }
    }
    // Whatever they hold, these are no options.
    let mut joined = |name: &str, value: &std::ffi::OsStr| {
        let mut argument = OsString::from(name);
        argument.push(value);
        arguments.push(argument);
    };
    joined("--file=", &file);
    if let Some(name) = &settings.name {
        use std::os::unix::ffi::OsStrExt;
        joined("--name=", std::ffi::OsStr::from_bytes(name));
    }
    arguments
}

/// What a recording says of itself, a JSON object.
fn about(settings: &Settings) -> String {
    let program = settings.program.as_deref().unwrap_or_default();
    let is_hash = program.bytes().all(|byte| byte.is_ascii_hexdigit());
    let build = option_env!("PYTHON27_TRACED_BUILD").unwrap_or("unknown");
    let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    format!(
        r#"{{"format":"py27-flow 2","interpreter":"CPython 2.7.18","build":"{build}","program_sha256":{},"time":{},"process":{},"options":[{}]}}"#,
        if is_hash && !program.is_empty() { format!("\"{program}\"") } else { "null".to_owned() },
        time.map_or(0, |time| time.as_secs()),
        process::id(),
        settings.options.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(","),
    )
}

/// When the interpreter ends, once the program's own finalizers have run.
#[unsafe(no_mangle)]
extern "C" fn traced_stop() {
    // SAFETY: called with the GIL held (traced.h).
    end(unsafe { Gil::assume() });
}

/// Runs at `exit`, in the interpreter's own end or in place of it. C code may do so after it
/// has released the GIL: then another thread may be in the recorder, and only the page is touched.
extern "C" fn at_exit() {
    if Gil::with(end).is_none() {
        ending::finish();
    }
}

/// The last record, after which the trace is complete.
fn end(gil: Gil) {
    guarded(gil, || {
        let recorder =
            STATE.get(gil).recorder.try_borrow_mut().ok().and_then(|mut held| held.take());
        let Some(mut recorder) = recorder else { return Ok(()) };
        stop(gil);
        recorder.begin(shared().branch_bits(), shared().async_begin());
        recorder.end(shared().progress());
        let result = shared().push(&recorder.out, Position::Recorded);
        let result = result.and_then(|()| shared().close());
        if result == Err(Lost::Dying) {
            // This thread may end the process as well: not before the trace is complete.
            ending::finish();
            return Ok(());
        }
        shared().leave();
        match result {
            Ok(()) => {
                if let Some(name) = recorder.missing() {
                    let name = String::from_utf8_lossy(name);
                    say(&format!("no code object named `{name}` ran, so the trace is empty"));
                }
                Ok(())
            }
            Err(Lost::Limit) => Ok(()),
            result => result,
        }
    });
}

/// In the child: the trace is the parent's, and so is what was recorded.
extern "C" fn in_forked_child() {
    // SAFETY: no other thread is left in the child.
    let gil = unsafe { Gil::assume() };
    ending::disarm();
    stop(gil);
    shared().leave();
    drop_recorder(gil);
}

/// What is said of a fault, with the file that the writer has left about it.
pub fn fault(gil: Gil) -> String {
    let settings = STATE.get(gil).settings.try_borrow().ok();
    let file = settings.as_deref().and_then(Option::as_ref).map(|settings| {
        let mut file = settings.file_of(process::id());
        if IS_CHILD.load(Relaxed) {
            file.push(format!(".{}", process::id()));
        }
        file.push(FAULT_LOG);
        file
    });
    match file.filter(|file| Path::new(file).is_file()) {
        Some(file) => {
            let file = file.to_string_lossy();
            format!("the trace hook has a fault; please report it, with the file `{file}`")
        }
        None => FAULT.to_owned(),
    }
}

/// For what the user can mend, before the program has started.
fn refuse(message: &str) -> ! {
    say(message);
    process::exit(2);
}
