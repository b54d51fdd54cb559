//! Foreign code: what may rewrite code objects, and what is done about it.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::panic::catch_unwind;
use std::sync::atomic::Ordering::Relaxed;

use super::{STATE, apply_mode, keeping_errno, keeping_position, shared, slowly, watch_if};
use crate::memory;
use crate::py::{self, Frame, Gil, PyFrameObject, Saved};
use crate::recorder::{CodeId, Recorder};
use crate::verify;

/// An extension module is about to be loaded.
///
/// # Safety
///
/// `pathname` must be a C string.
#[unsafe(no_mangle)]
unsafe extern "C" fn traced_load_extension(pathname: *const c_char) {
    // SAFETY: called with the GIL held (traced.h).
    let gil = unsafe { Gil::assume() };
    // SAFETY: a C string by the contract of this function.
    let path = unsafe { CStr::from_ptr(pathname) }.to_bytes();
    if !verify::is_shipped(path) && STATE.get(gil).mode.verify() {
        start_verifying(gil);
    }
}

/// Foreign code is about to run for the first time, or has been loaded before the trace begins.
pub(super) fn start_verifying(gil: Gil) {
    if STATE.get(gil).mode.guards() {
        // The guard stops before each instruction anyway, and then no check comes in between.
        return single_step(gil);
    }
    keeping_position(gil, |recorder| {
        recorder.tables_may_change();
        verify::begin(gil, recorder);
    });
    apply_mode(gil);
}

/// A file was opened. Through `/proc/self/mem` the kernel writes to memory, at any call that writes
/// to a file: from then on each instruction is recorded.
#[unsafe(no_mangle)]
extern "C" fn traced_file_opened(descriptor: c_int) {
    // SAFETY: called with the GIL held (traced.h).
    let gil = unsafe { Gil::assume() };
    keeping_errno(|| {
        let mode = &STATE.get(gil).mode;
        let knows = mode.single_steps() && mode.rewrites();
        if !knows && memory::writes_memory(descriptor) {
            single_step(gil);
        }
    });
}

/// Each instruction is recorded from here on: code may be rewritten where nothing sees it.
fn single_step(gil: Gil) {
    let mode = &STATE.get(gil).mode;
    let was_single_stepping = mode.single_steps();
    mode.rewrites_unseen();
    keeping_position(gil, Recorder::tables_may_change);
    if was_single_stepping {
        return;
    }
    let lasti = shared().progress();
    slowly(gil, |recorder| recorder.single_step(lasti));
    shared().set_single_step();
    apply_mode(gil);
}

/// What the evaluation loop has found when it compared the running frame's code object with what
/// was recorded.
///
/// # Safety
///
/// The evaluation loop calls this with the frame that it runs, before it reads the instruction at
/// an offset.
#[unsafe(no_mangle)]
unsafe extern "C" fn traced_verify(frame: *const PyFrameObject, offset: c_int, found: c_int) {
    // SAFETY: as in `traced_enter_frame`.
    let frame = unsafe { Frame::new(frame) };
    let gil = frame.gil();
    let first = shared().page().first_code_id.load(Relaxed);
    let number = frame.code_id().number().wrapping_sub(first) as usize;
    match found as u32 {
        py::_PyTraced_NEW => {
            keeping_position(gil, |recorder| {
                if let Some(reach) = recorder.reach(number) {
                    let saved = Saved::of(&frame.code(), reach, recorder.has_meanings());
                    verify::keep(gil, number, saved);
                }
            });
        }
        py::_PyTraced_DIVIDE => {
            keeping_position(gil, |recorder| verify::divide(gil, number, &frame.code(), recorder));
        }
        _ => {
            let id = slowly(gil, |recorder| recorder.rewritten(&frame.code(), offset as u32));
            watch_if(gil, id.is_some_and(CodeId::is_watched));
        }
    }
}

/// Whether an address is in a module that leaves code objects alone.
#[unsafe(no_mangle)]
extern "C" fn traced_is_own(address: *const c_void) -> c_int {
    catch_unwind(|| verify::is_own(address)).unwrap_or(false).into()
}
