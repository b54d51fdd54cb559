//! The functions that the interpreter calls. No panic passes them.
//!
//! Those about start and end are in `life`, about ends of the process in `ending`, about code that
//! may rewrite code objects in `foreign`. Here is the one recorder of the process. What happens often
//! is recorded right here, in few instructions, or by the evaluation loop itself (traced.h); the rest
//! goes through the recorder. The first failure, a full disk or a fault of our own, is reported once on
//! standard error and ends the tracing, never the program.

mod ending;
mod foreign;
mod life;

use std::cell::{Cell, RefCell};
use std::ffi::{CString, c_int};
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::atomic::Ordering::Relaxed;

use bytecode::opcode::numbers::{RETURN_VALUE, YIELD_VALUE};
use bytecode::opcode::{HAVE_ARGUMENT, Operand};
use wire::control::{NOWHERE, closed};
use wire::ring;

use crate::mode::Mode;
use crate::output::shown;
use crate::py::{self, Frame, Gil, GilCell, PyCodeObject, PyFrameObject, PyObject, PyThreadState};
use crate::recorder::{CodeId, CodeIds, Recorder};
use crate::refuse;
use crate::settings::Settings;
use crate::shared::{Lost, Position, Shared};
use crate::stacks::Stacks;
use crate::verify;

/// What is only touched with the GIL held.
struct State {
    settings: RefCell<Option<Settings>>,
    recorder: RefCell<Option<Recorder>>,
    thread: Cell<*mut PyThreadState>,
    /// Whether another thread has had the GIL since that one had it last.
    away: Cell<bool>,
    mode: Mode,
    stacks: RefCell<Stacks>,
    /// The last ids that a recorder which is no more gave to code objects.
    code_ids: Cell<CodeIds>,
}

static STATE: GilCell<State> = GilCell::new(State {
    settings: RefCell::new(None),
    recorder: RefCell::new(None),
    thread: Cell::new(ptr::null_mut()),
    away: Cell::new(false),
    mode: Mode::new(),
    stacks: RefCell::new(Stacks::new()),
    code_ids: Cell::new(CodeIds::NONE),
});

#[inline]
fn shared() -> Shared {
    // SAFETY: the static of hook.c, of the size and alignment that traced.h gives it.
    unsafe { Shared::at((&raw mut py::_PyTraced_Control).cast()) }
}

/// When the register of branch bits is full.
#[unsafe(no_mangle)]
extern "C" fn traced_flush_branch_bits() {
    // SAFETY: called with the GIL held (traced.h).
    let gil = unsafe { Gil::assume() };
    if !shared().push_short(ring::BRANCH_BITS) {
        slowly(gil, Recorder::flush);
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
    let id = slowly(frame.gil(), |recorder| recorder.enter(&frame.code(), lasti, start));
    watch_if(frame.gil(), id.is_some_and(CodeId::is_watched));
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
        slowly(frame.gil(), |recorder| match says_so {
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
    let id = slowly(frame.gil(), |recorder| {
        recorder.unwind(&frame.code(), frame.lasti(), target, exception)
    });
    watch_if(frame.gil(), id.is_some_and(CodeId::is_watched));
}

/// Whether the paths from an offset of the frame's code object are known.
#[inline]
fn is_reached(frame: Frame, offset: u32) -> bool {
    let held = STATE.get(frame.gil()).recorder.try_borrow().ok();
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
    let id = slowly(frame.gil(), |recorder| recorder.async_end(&frame.code(), offset as u32));
    watch_if(frame.gil(), id.is_some_and(CodeId::is_watched));
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
    let is_guarded = STATE.get(frame.gil()).mode.guards();
    // SAFETY: the evaluation loop passes its own stack pointer.
    let asked = || unsafe { refuse::instruction(frame, opcode as u8, oparg, next, stack) };
    if is_guarded && refused(frame.gil(), asked) {
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
    // SAFETY: as in `traced_enter_frame`.
    let frame = unsafe { Frame::new(frame) };
    let gil = frame.gil();
    if !STATE.get(gil).mode.guards() {
        return 0;
    }
    -c_int::from(refused(gil, || refuse::fetch(frame, offset)))
}

/// Whether the innermost handler may be entered with an exception.
///
/// # Safety
///
/// The evaluation loop calls this with the frame that it runs, which is in a block.
#[unsafe(no_mangle)]
unsafe extern "C" fn traced_handler(frame: *const PyFrameObject, depth: c_int) -> c_int {
    // SAFETY: as in `traced_enter_frame`.
    let frame = unsafe { Frame::new(frame) };
    let gil = frame.gil();
    if !STATE.get(gil).mode.guards() {
        return 0;
    }
    -c_int::from(refused(gil, || refuse::handler(frame, depth as usize)))
}

/// Whether a code object may be called.
///
/// # Safety
///
/// `code` must be a code object that stays alive for the call.
#[unsafe(no_mangle)]
unsafe extern "C" fn traced_call(code: *mut PyCodeObject, cells: isize) -> c_int {
    // SAFETY: called with the GIL held (traced.h).
    let gil = unsafe { Gil::assume() };
    if !STATE.get(gil).mode.guards() {
        return 0;
    }
    // SAFETY: a live code object by the contract of this function.
    -c_int::from(refused(gil, || unsafe { refuse::call(gil, code, usize::try_from(cells).ok()) }))
}

/// Raises what the guard says, if it says anything.
fn refused(gil: Gil, asked: impl FnOnce() -> Option<CString>) -> bool {
    match catch_unwind(AssertUnwindSafe(asked)) {
        Ok(None) => false,
        Ok(Some(reason)) => {
            py::system_error(gil, &reason);
            true
        }
        Err(_) => {
            py::system_error(gil, c"the guard has a fault; please report it");
            true
        }
    }
}

/// Whether an instruction's record may hold the meaning of its operand.
fn carries(gil: Gil, opcode: u8) -> bool {
    match bytecode::opcode::operand(opcode) {
        Operand::Const => true,
        Operand::Name | Operand::Local => STATE.get(gil).mode.rewrites(),
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
    if !carries(frame.gil(), opcode)
        && let Some(word) = ring::instruction(opcode, offset, oparg)
        && shared().push_short(word)
    {
        return;
    }
    slowly(frame.gil(), |recorder| recorder.instruction(&frame.code(), opcode, offset, oparg));
}

/// There is no room for values, or not for this many bytes of them.
#[unsafe(no_mangle)]
extern "C" fn traced_values_full(need: usize) {
    if shared().page().values.load(Relaxed).is_null() {
        return;
    }
    // SAFETY: called with the GIL held (traced.h).
    let gil = unsafe { Gil::assume() };
    guarded(gil, || keeping_errno(|| shared().make_room(need)));
}

/// Another thread has the GIL, or the traced one again.
///
/// # Safety
///
/// `thread` must be the calling thread's state.
#[unsafe(no_mangle)]
unsafe extern "C" fn traced_switch_thread(thread: *mut PyThreadState) {
    // SAFETY: called with the GIL held (traced.h).
    let gil = unsafe { Gil::assume() };
    let state = STATE.get(gil);
    let all = state.settings.borrow().as_ref().is_some_and(|settings| settings.threads);
    if thread == state.thread.get() {
        shared().come_back();
        // A thread that released the GIL and took it again has met nobody.
        if state.away.replace(false) && state.mode.bits() != 0 {
            recheck(gil);
        }
    } else if all {
        // The page keeps how far the other thread has come until the record says it.
        shared().leave_thread();
        let lasti = shared().progress();
        let switch = |recorder: &mut Recorder| recorder.switch(thread as usize, lasti);
        record(gil, switch, Position::OfAnother);
        py::forget_values(gil);
        if !state.thread.get().is_null() {
            set_thread(gil, thread);
        }
    } else {
        shared().leave_thread();
        state.away.set(true);
        if state.mode.bits() != 0 && !state.thread.get().is_null() {
            recheck(gil);
        }
    }
}

/// A thread is no more.
#[unsafe(no_mangle)]
extern "C" fn traced_thread_gone(thread: *mut PyThreadState) {
    // SAFETY: called with the GIL held (traced.h).
    let gil = unsafe { Gil::assume() };
    STATE.get(gil).stacks.borrow_mut().gone(thread as usize);
    keeping_position(gil, |recorder| recorder.gone(thread as usize));
}

/// The thread goes on in another stack of frames: with `frame` in one that was there before, or
/// with none in a new one.
///
/// # Safety
///
/// Both are null or frames that are alive.
#[unsafe(no_mangle)]
unsafe extern "C" fn traced_switch_stack(last: *const PyFrameObject, frame: *const PyFrameObject) {
    // SAFETY: called with the GIL held (traced.h).
    let gil = unsafe { Gil::assume() };
    // SAFETY: null or live frames, by the contract of this function.
    let frames = [last, frame].map(|f| (!f.is_null()).then(|| unsafe { Frame::new(f) }));
    let [last, frame] = frames;
    let chain = |frame: Option<Frame<'static>>| {
        std::iter::successors(frame, |frame| frame.back()).collect::<Vec<_>>()
    };
    let root = |frames: &[Frame]| frames.last().map(Frame::address);
    let (left, came) = (chain(last), chain(frame));
    let state = STATE.get(gil);
    let thread = state.thread.get() as usize;
    let (stack, is_known) = state.stacks.borrow_mut().switch(thread, root(&left), root(&came));
    slowly(gil, |recorder| {
        recorder.switch_stack(stack, last.map_or(NOWHERE, Frame::lasti));
        if !is_known {
            for frame in came.iter().rev() {
                recorder.found(&frame.code(), frame.lasti());
            }
        }
    });
}

/// When a code object dies that has an id.
///
/// # Safety
///
/// The fields of `code` are still there (traced.h).
#[unsafe(no_mangle)]
unsafe extern "C" fn traced_code_dealloc(code: *const PyCodeObject) {
    // SAFETY: called with the GIL held (traced.h).
    let gil = unsafe { Gil::assume() };
    // SAFETY: by the contract of this function.
    let id = unsafe { py::code_id_of(code) };
    refuse::forget(gil, code);
    if STATE.get(gil).mode.verifies() {
        let first = shared().page().first_code_id.load(Relaxed);
        verify::forget(gil, id.number().wrapping_sub(first) as usize);
    }
    keeping_position(gil, |recorder| recorder.forget(id));
}

/// Pushes what the recorder makes of it.
#[cold]
fn slowly<T>(gil: Gil, body: impl FnOnce(&mut Recorder) -> T) -> Option<T> {
    record(gil, body, Position::Recorded)
}

/// The same for what does not move the thread.
#[cold]
fn keeping_position<T>(gil: Gil, body: impl FnOnce(&mut Recorder) -> T) -> Option<T> {
    record(gil, body, Position::Kept)
}

fn record<T>(gil: Gil, body: impl FnOnce(&mut Recorder) -> T, position: Position) -> Option<T> {
    let state = STATE.get(gil);
    let mut result = None;
    guarded(gil, || {
        keeping_errno(|| {
            // Held already: called again from inside ourselves, which nothing does.
            let Ok(mut held) = state.recorder.try_borrow_mut() else { return Ok(()) };
            let Some(recorder) = held.as_mut() else { return Ok(()) };
            let shared = shared();
            let before = shared.branch_bits();
            recorder.begin(before, shared.async_begin());
            result = Some(body(recorder));
            if !recorder.out.is_empty() {
                shared.push(&recorder.out, position)?;
                shared.go_on(recorder.rest());
            } else {
                if recorder.rest() != before {
                    shared.leave_frame();
                }
                shared.reserve(0)?;
                if position == Position::OfAnother {
                    shared.come_back();
                }
            }
            shared.set_async_begin(recorder.async_begin());
            if state.mode.verifies() {
                verify::make_room(gil, recorder.count());
            }
            Ok(())
        })
    });
    result
}

/// A code object is watched from now on: frames of it are single-stepped.
fn watch_if(gil: Gil, wanted: bool) {
    if !wanted {
        return;
    }
    if STATE.get(gil).mode.watch() {
        apply_mode(gil);
    } else {
        recheck(gil);
    }
}

/// Makes the evaluation loop check the running frame before it goes on.
fn recheck(_gil: Gil) {
    // SAFETY: writes variables of the evaluation loop, which waits for this call.
    unsafe { py::_PyTraced_Recheck() };
}

/// The evaluation loop is to know what is out of the usual.
fn apply_mode(gil: Gil) {
    set_thread(gil, STATE.get(gil).thread.get());
}

fn set_thread(gil: Gil, thread: *mut PyThreadState) {
    let state = STATE.get(gil);
    state.thread.set(thread);
    let bits = if thread.is_null() { 0 } else { state.mode.bits() };
    // SAFETY: a live thread's state, or null; the GIL is held.
    unsafe { py::_PyTraced_SetMode(thread, bits) };
}

fn stop(gil: Gil) {
    STATE.get(gil).mode.stop();
    set_thread(gil, ptr::null_mut());
}

const FAULT: &str = "the trace hook has a fault; please report it";

/// Nothing more is recorded. The numbers that code objects have stay in them, and mean nothing to a
/// child that is forked later.
fn drop_recorder(gil: Gil) {
    let state = STATE.get(gil);
    if let Ok(mut held) = state.recorder.try_borrow_mut()
        && let Some(recorder) = held.take()
    {
        state.code_ids.set(recorder.last_code_ids());
    }
}

/// No panic gets past this, and no error: the first of them ends the tracing.
fn guarded(gil: Gil, body: impl FnOnce() -> Result<(), Lost>) {
    let lost = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => return,
        Ok(Err(lost)) => lost,
        Err(_) => Lost::Fault,
    };
    stop(gil);
    drop_recorder(gil);
    let reason = match lost {
        Lost::Write(errno) => {
            let error = io::Error::from_raw_os_error(errno);
            Some(format!("cannot write the trace: {}", plain(&error)))
        }
        Lost::Writer => Some("the process that writes the trace was ended".to_owned()),
        Lost::Fault => Some(life::fault(gil)),
        // Asked for: no message.
        Lost::Limit => None,
        Lost::Dying => {
            // The page keeps where this thread was: untraced, it goes on writing `lasti`. The thread
            // that ends the process waits on the page.
            shared().leave_thread();
            return;
        }
    };
    if shared().publish_end(closed::ENDED) {
        if reason.is_none() {
            let _ = shared().wait_for_end();
        }
        shared().leave();
    }
    if let Some(reason) = reason {
        say(&format!("{reason}; tracing ends here, the program goes on"));
    }
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
