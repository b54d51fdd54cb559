//! Every function that the interpreter calls, those of start and end in `life`, and the wall that no
//! panic passes.
//!
//! Owns the one recorder of the process. What happens often is recorded right here, in few
//! instructions, or by the evaluation loop itself (traced.h); the rest goes through the recorder. The first failure, a full disk or a fault of
//! our own, is said once on standard error and ends the tracing, never the program.

mod ending;
mod life;

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::atomic::Ordering::{Relaxed, Release};

use bytecode::opcode::numbers::{RETURN_VALUE, YIELD_VALUE};
use bytecode::opcode::{HAVE_ARGUMENT, Operand};
use wire::control::NOWHERE;
use wire::ring;

use crate::memory;
use crate::mode::Mode;
use crate::output::shown;
use crate::py::{self, Frame, PyCodeObject, PyFrameObject, PyObject, PyThreadState, Saved};
use crate::recorder::{CodeId, CodeIds, Recorder};
use crate::refuse;
use crate::settings::Settings;
use crate::shared::{Lost, Shared};
use crate::stacks::Stacks;
use crate::verify;

/// What is only touched with the GIL held.
struct State {
    settings: RefCell<Option<Settings>>,
    recorder: RefCell<Option<Recorder>>,
    thread: Cell<*mut PyThreadState>,
    mode: Mode,
    stacks: RefCell<Stacks>,
    /// The last ids that a recorder which is no more gave to code objects.
    code_ids: Cell<CodeIds>,
}

// SAFETY: the interpreter calls every function here with the GIL held (traced.h), and the
// handlers of fork and exit run in a thread that holds it or is the last; so threads never
// touch the cells at the same time.
unsafe impl Sync for State {}

static STATE: State = State {
    settings: RefCell::new(None),
    recorder: RefCell::new(None),
    thread: Cell::new(ptr::null_mut()),
    mode: Mode::new(),
    stacks: RefCell::new(Stacks::new()),
    code_ids: Cell::new(CodeIds::NONE),
};

#[inline]
fn shared() -> Shared {
    // SAFETY: the static of hook.c, of the size and alignment that traced.h gives it.
    unsafe { Shared::at((&raw mut py::_PyTraced_Control).cast()) }
}

/// When the register of branch bits is full.
#[unsafe(no_mangle)]
extern "C" fn traced_flush_branch_bits() {
    if !shared().push_short(ring::BRANCH_BITS) {
        slowly(Recorder::flush);
    }
}

/// A frame is there.
///
/// # Safety
///
/// The evaluation loop calls this with the frame that it is about to run.
#[unsafe(no_mangle)]
unsafe extern "C" fn traced_enter_frame(frame: *const PyFrameObject, throwflag: c_int) {
    // SAFETY: the evaluation loop owns the frame for this call and holds the GIL.
    let frame = unsafe { Frame::new(frame) };
    let _ = throwflag;
    let start = (frame.lasti() + 1) as u32;
    let lasti = frame.back().map_or(-1, Frame::lasti);
    let code = (frame.code_id().0 as u32).wrapping_sub(shared().page().first_code_id.load(Relaxed));
    // On x86-64 the loop has recorded what fits, and calls this for the rest. A code object
    // that has no number here, or whose instructions are recorded individually, is not above zero.
    let word = match start {
        _ if code as i32 <= 0 => None,
        0 => ring::enter(lasti, code),
        // Behind a prefix a generator goes on where nothing else leads: that is for the recorder.
        _ if frame.opcode() == Some(YIELD_VALUE) => ring::resume(lasti, code, start),
        _ => None,
    };
    if !word.is_some_and(|word| shared().push_short(word)) {
        enter_slowly(frame, lasti, start);
    }
}

#[cold]
#[inline(never)]
fn enter_slowly(frame: Frame, lasti: i32, start: u32) {
    let id = slowly(|recorder| recorder.enter(&frame.code(), lasti, start));
    watch_if(id.is_some_and(CodeId::is_watched));
}

/// A frame is left.
///
/// # Safety
///
/// The evaluation loop calls this with the frame that it has run.
#[unsafe(no_mangle)]
unsafe extern "C" fn traced_leave_frame(frame: *const PyFrameObject, retval: *const PyObject) {
    // SAFETY: as in `traced_enter_frame`.
    let frame = unsafe { Frame::new(frame) };
    shared().skip_async_begin(frame.lasti());
    let says_so = !retval.is_null() && matches!(frame.opcode(), Some(RETURN_VALUE | YIELD_VALUE));
    if !says_so || frame.code_id().is_watched() || !shared().is_plain() {
        exit_slowly(frame, says_so, retval.is_null());
    } else if shared().leave_frame() {
        traced_flush_branch_bits();
    }
}

#[cold]
#[inline(never)]
fn exit_slowly(frame: Frame, says_so: bool, exception: bool) {
    let lasti = frame.lasti();
    let is_single_stepped = is_single_stepped(frame);
    if says_so || is_single_stepped || !shared().push_short(ring::frame_unwound(lasti, exception)) {
        let says_so = says_so && !is_single_stepped;
        slowly(|recorder| match says_so {
            true => recorder.frame_return(),
            false => recorder.frame_unwound(lasti, exception),
        });
    }
}

/// Whether each instruction of a frame is recorded individually.
#[inline]
fn is_single_stepped(frame: Frame) -> bool {
    frame.code_id().is_watched() || shared().single_steps()
}

/// The block stack was unwound.
///
/// # Safety
///
/// The evaluation loop calls this with the frame that it runs.
#[unsafe(no_mangle)]
unsafe extern "C" fn traced_unwind(
    frame: *const PyFrameObject,
    offset: c_int,
    by_exception: c_int,
) {
    // SAFETY: as in `traced_enter_frame`.
    let frame = unsafe { Frame::new(frame) };
    shared().skip_async_begin(frame.lasti());
    if is_single_stepped(frame) {
        return;
    }
    let (target, exception) = (offset as u32, by_exception != 0);
    if let Some(word) = ring::unwind(frame.lasti(), target, exception)
        && is_reached(frame, target)
        && shared().push_short(word)
    {
        return;
    }
    let id = slowly(|recorder| recorder.unwind(&frame.code(), frame.lasti(), target, exception));
    watch_if(id.is_some_and(CodeId::is_watched));
}

/// Whether the paths from an offset of the frame's code object are known.
#[inline]
fn is_reached(frame: Frame, offset: u32) -> bool {
    let held = STATE.recorder.try_borrow().ok();
    held.as_deref().and_then(Option::as_ref).is_some_and(|r| r.reaches(frame.code_id(), offset))
}

/// The frame goes on after something ran that no instruction calls, or elsewhere than before.
///
/// # Safety
///
/// The evaluation loop calls this with the frame that it runs.
#[unsafe(no_mangle)]
unsafe extern "C" fn traced_async_end(frame: *const PyFrameObject, offset: c_int) {
    // SAFETY: as in `traced_enter_frame`.
    let frame = unsafe { Frame::new(frame) };
    let is_known = !is_single_stepped(frame) && is_reached(frame, offset as u32);
    if is_known && shared().push_short(ring::async_end(offset as u32)) {
        return;
    }
    let id = slowly(|recorder| recorder.async_end(&frame.code(), offset as u32));
    watch_if(id.is_some_and(CodeId::is_watched));
}

/// Before each instruction, while the interpreter asks.
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
    stack: *const *mut PyObject,
) -> c_int {
    // SAFETY: as in `traced_enter_frame`.
    let frame = unsafe { Frame::new(frame) };
    let is_guarded = STATE.mode.guards();
    if is_guarded && refused(|| refuse::instruction(frame, opcode as u8, oparg, next, stack)) {
        // Recorded all the same: it was about to run.
        if is_single_stepped(frame) {
            instruction(frame, opcode as u8, oparg, next);
        }
        return -1;
    }
    if !is_single_stepped(frame) {
        return 0;
    }
    instruction(frame, opcode as u8, oparg, next);
    1
}

/// Whether an instruction at an offset may be read.
///
/// # Safety
///
/// The evaluation loop calls this with the frame that it runs.
#[unsafe(no_mangle)]
unsafe extern "C" fn traced_fetch(frame: *const PyFrameObject, offset: c_int) -> c_int {
    if !STATE.mode.guards() {
        return 0;
    }
    // SAFETY: as in `traced_enter_frame`.
    let frame = unsafe { Frame::new(frame) };
    -c_int::from(refused(|| refuse::fetch(frame, offset)))
}

/// Whether the innermost handler may be entered with an exception.
///
/// # Safety
///
/// The evaluation loop calls this with the frame that it runs, which is in a block.
#[unsafe(no_mangle)]
unsafe extern "C" fn traced_handler(frame: *const PyFrameObject, depth: c_int) -> c_int {
    if !STATE.mode.guards() {
        return 0;
    }
    // SAFETY: as in `traced_enter_frame`.
    let frame = unsafe { Frame::new(frame) };
    -c_int::from(refused(|| refuse::handler(frame, depth as usize)))
}

/// Whether a code object may be called.
///
/// # Safety
///
/// `code` must be a code object that stays alive for the call.
#[unsafe(no_mangle)]
unsafe extern "C" fn traced_call(code: *mut PyCodeObject, cells: isize) -> c_int {
    if !STATE.mode.guards() {
        return 0;
    }
    // SAFETY: a live code object by the contract of this function.
    -c_int::from(refused(|| unsafe { refuse::call(code, usize::try_from(cells).ok()) }))
}

/// Raises what the guard says, if it says anything.
fn refused(asked: impl FnOnce() -> Option<CString>) -> bool {
    match catch_unwind(AssertUnwindSafe(asked)) {
        Ok(None) => false,
        Ok(Some(reason)) => {
            py::system_error(&reason);
            true
        }
        Err(_) => {
            py::system_error(c"the guard has a fault; please report it");
            true
        }
    }
}

/// Whether an instruction's record may hold the meaning of its operand.
fn carries(opcode: u8) -> bool {
    match bytecode::opcode::operand(opcode) {
        Operand::Const => true,
        Operand::Name | Operand::Local => STATE.mode.rewrites(),
        _ => false,
    }
}

/// Records an instruction individually.
#[inline]
fn instruction(frame: Frame, opcode: u8, oparg: c_int, next: *const u8) {
    let width = if opcode >= HAVE_ARGUMENT { 3 } else { 1 };
    let mut offset = frame.offset(next).wrapping_sub(width) as u32;
    if offset != frame.lasti() as u32 {
        // EXTENDED_ARG takes two bytes with whatever follows, operand or not.
        offset = (frame.offset(next) as u32).wrapping_sub(3);
    }
    if !carries(opcode)
        && let Some(word) = ring::instruction(opcode, offset, oparg)
        && shared().push_short(word)
    {
        return;
    }
    slowly(|recorder| recorder.instruction(&frame.code(), opcode, offset, oparg));
}

/// Another thread has the GIL, or the traced one again.
///
/// # Safety
///
/// `thread` must be the calling thread's state.
#[unsafe(no_mangle)]
unsafe extern "C" fn traced_switch_thread(thread: *mut PyThreadState) {
    let all = STATE.settings.borrow().as_ref().is_some_and(|settings| settings.threads);
    if thread == STATE.thread.get() {
        shared().come_back();
        if STATE.mode.bits() != 0 {
            recheck();
        }
    } else if all {
        let page = shared().page();
        let lasti = page.lasti.load(Relaxed).max(NOWHERE);
        slowly(|recorder| recorder.switch(thread as usize, lasti));
        if !STATE.thread.get().is_null() {
            set_thread(thread);
        }
    } else {
        shared().leave_thread();
        if STATE.mode.bits() != 0 && !STATE.thread.get().is_null() {
            recheck();
        }
    }
}

/// A thread is no more.
#[unsafe(no_mangle)]
extern "C" fn traced_thread_gone(thread: *mut PyThreadState) {
    STATE.stacks.borrow_mut().gone(thread as usize);
    keeping_position(|recorder| recorder.gone(thread as usize));
}

/// An extension module is about to be loaded.
///
/// # Safety
///
/// `pathname` must be a C string.
#[unsafe(no_mangle)]
unsafe extern "C" fn traced_load_extension(pathname: *const c_char) {
    // SAFETY: a C string by the contract of this function.
    let path = unsafe { CStr::from_ptr(pathname) }.to_bytes();
    if !verify::is_shipped(path) && STATE.mode.verify() {
        start_verifying();
    }
}

/// Foreign code is about to run for the first time, or has been loaded before the trace begins.
fn start_verifying() {
    if STATE.mode.guards() {
        // The guard stops before each instruction anyway, and then no check comes in between.
        return single_step();
    }
    keeping_position(|recorder| {
        recorder.tables_may_change();
        verify::begin(recorder);
    });
    set_thread(STATE.thread.get());
}

/// The thread goes on in another stack of frames: with `frame` in one that was there before, or
/// with none in a new one.
///
/// # Safety
///
/// Both are null or frames that are alive.
#[unsafe(no_mangle)]
unsafe extern "C" fn traced_switch_stack(last: *const PyFrameObject, frame: *const PyFrameObject) {
    // SAFETY: null or live frames, by the contract of this function.
    let frames = [last, frame].map(|f| (!f.is_null()).then(|| unsafe { Frame::new(f) }));
    let [last, frame] = frames;
    let chain = |frame: Option<Frame<'static>>| {
        std::iter::successors(frame, |frame| frame.back()).collect::<Vec<_>>()
    };
    let root = |frames: &[Frame]| frames.last().map(Frame::address);
    let (left, came) = (chain(last), chain(frame));
    let thread = STATE.thread.get() as usize;
    let (stack, is_known) = STATE.stacks.borrow_mut().switch(thread, root(&left), root(&came));
    slowly(|recorder| {
        recorder.switch_stack(stack, last.map_or(NOWHERE, Frame::lasti));
        if !is_known {
            for frame in came.iter().rev() {
                recorder.found(&frame.code(), frame.lasti());
            }
        }
    });
}

/// A file was opened. Through `/proc/self/mem` the kernel writes to memory, at any call that writes
/// to a file: from then on each instruction is recorded.
#[unsafe(no_mangle)]
extern "C" fn traced_file_opened(descriptor: c_int) {
    keeping_errno(|| {
        let knows = STATE.mode.single_steps() && STATE.mode.rewrites();
        if !knows && memory::writes_memory(descriptor) {
            single_step();
        }
    });
}

/// Each instruction is recorded from here on: code may be rewritten where nothing sees it.
fn single_step() {
    let was_single_stepping = STATE.mode.single_steps();
    STATE.mode.rewrites_unseen();
    keeping_position(Recorder::tables_may_change);
    if was_single_stepping {
        return;
    }
    let lasti = shared().progress();
    slowly(|recorder| recorder.single_step(lasti));
    shared().set_single_step();
    set_thread(STATE.thread.get());
}

/// Whether the running frame's code object is as it was recorded.
///
/// # Safety
///
/// The evaluation loop calls this with the frame that it runs, before it reads the instruction at
/// an offset.
#[unsafe(no_mangle)]
unsafe extern "C" fn traced_verify(frame: *const PyFrameObject, offset: c_int) {
    // SAFETY: as in `traced_enter_frame`.
    let frame = unsafe { Frame::new(frame) };
    let first = shared().page().first_code_id.load(Relaxed);
    let code = frame.code_id().number().wrapping_sub(first) as usize;
    match verify::is_same(code) {
        Some(true) => {}
        Some(false) => {
            let id = slowly(|recorder| recorder.rewritten(&frame.code(), offset as u32));
            watch_if(id.is_some_and(CodeId::is_watched));
        }
        None => {
            keeping_position(|recorder| {
                if let Some(reach) = recorder.reach(code) {
                    let saved = Saved::of(&frame.code(), reach, recorder.has_meanings());
                    verify::keep(code, saved);
                }
            });
        }
    }
}

/// Whether an address is in a module that leaves code objects alone.
#[unsafe(no_mangle)]
extern "C" fn traced_is_own(address: *const c_void) -> c_int {
    catch_unwind(|| verify::is_own(address)).unwrap_or(false).into()
}

/// When a code object dies that has an id.
#[unsafe(no_mangle)]
extern "C" fn traced_code_dealloc(code: *const PyCodeObject) {
    refuse::forget(code);
    if STATE.mode.verifies() {
        let first = shared().page().first_code_id.load(Relaxed);
        verify::forget(py::code_id_of(code).number().wrapping_sub(first) as usize);
    }
    keeping_position(|recorder| recorder.forget(py::code_id_of(code)));
}

/// Pushes what the recorder makes of it.
#[cold]
fn slowly<T>(body: impl FnOnce(&mut Recorder) -> T) -> Option<T> {
    record(body, false)
}

/// The same for what does not move the thread.
#[cold]
fn keeping_position<T>(body: impl FnOnce(&mut Recorder) -> T) -> Option<T> {
    record(body, true)
}

fn record<T>(body: impl FnOnce(&mut Recorder) -> T, keeps_position: bool) -> Option<T> {
    let mut result = None;
    guarded(|| {
        keeping_errno(|| {
            // Held already: called again from inside ourselves, which nothing does.
            let Ok(mut held) = STATE.recorder.try_borrow_mut() else { return Ok(()) };
            let Some(recorder) = held.as_mut() else { return Ok(()) };
            let shared = shared();
            let before = shared.branch_bits();
            recorder.begin(before, shared.async_begin());
            result = Some(body(recorder));
            if !recorder.out.is_empty() {
                shared.push(&recorder.out, keeps_position)?;
                shared.go_on(recorder.rest());
            } else {
                if recorder.rest() != before {
                    shared.leave_frame();
                }
                shared.reserve(0)?;
            }
            shared.set_async_begin(recorder.async_begin());
            if STATE.mode.verifies() {
                verify::make_room(recorder.count());
            }
            Ok(())
        })
    });
    result
}

/// A code object is watched from now on: frames of it are single-stepped.
fn watch_if(wanted: bool) {
    if !wanted {
        return;
    }
    if STATE.mode.watch() {
        set_thread(STATE.thread.get());
    } else {
        recheck();
    }
}

/// Makes the evaluation loop check the running frame before it goes on.
fn recheck() {
    // SAFETY: writes variables of the evaluation loop, which waits for this call.
    unsafe { py::_PyTraced_Recheck() };
}

fn set_thread(thread: *mut PyThreadState) {
    STATE.thread.set(thread);
    let bits = if thread.is_null() { 0 } else { STATE.mode.bits() };
    // SAFETY: a live thread's state, or null; the GIL is held.
    unsafe { py::_PyTraced_SetMode(thread, bits) };
}

fn stop() {
    STATE.mode.stop();
    set_thread(ptr::null_mut());
}

const FAULT: &str = "the trace hook has a fault; please report it";

/// Nothing more is recorded. The numbers that code objects have stay in them, and mean nothing to a
/// child that is forked later.
fn drop_recorder() {
    if let Ok(mut held) = STATE.recorder.try_borrow_mut()
        && let Some(recorder) = held.take()
    {
        STATE.code_ids.set(recorder.last_code_ids());
    }
}

/// No panic gets past this, and no error: the first of them ends the tracing.
fn guarded(body: impl FnOnce() -> Result<(), Lost>) {
    let lost = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => return,
        Ok(Err(lost)) => lost,
        Err(_) => Lost::Fault,
    };
    stop();
    drop_recorder();
    let message = match lost {
        Lost::Write(errno) => {
            let error = io::Error::from_raw_os_error(errno);
            format!("cannot write the trace: {}", plain(&error))
        }
        Lost::Writer => "the process that writes the trace was ended".to_owned(),
        Lost::Fault => life::fault(),
        Lost::Limit => {
            // Asked for: no message.
            let _ = shared().close();
            shared().leave();
            return;
        }
    };
    shared().page().closed.store(1, Release);
    shared().leave();
    say(&format!("{message}; tracing ends here, the program goes on"));
}

fn say(message: &str) {
    // There is nowhere to report that standard error is closed.
    let _ = writeln!(io::stderr(), "python27-traced: {}", shown(message));
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
