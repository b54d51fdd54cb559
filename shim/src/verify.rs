//! Verifying: whether code objects are still what was recorded.
//!
//! Foreign code, that of extension modules which the interpreter does not ship and of ctypes, may
//! rewrite a code object where it lies. The evaluation loop counts up `_PyTraced_Epoch` wherever
//! such code may have run, and before the next instruction of a frame whose code object was verified in
//! an earlier epoch it compares it with what is kept here. What is found rewritten is watched from
//! then on.

use std::cell::RefCell;
use std::ffi::CStr;
use std::ptr;

use crate::py::{self, Code, Gil, GilCell, Saved};
use crate::recorder::Recorder;

/// By number less the first, both read by the evaluation loop.
struct Table {
    /// What the code objects were when they were recorded; each is a box of its own, or null.
    saved: Vec<*mut Saved>,
    /// In which epoch each was last found so.
    epochs: Vec<u64>,
}

static TABLE: GilCell<RefCell<Table>> =
    GilCell::new(RefCell::new(Table { saved: Vec::new(), epochs: Vec::new() }));

/// From here on: what is alive is what was recorded of it.
pub fn begin(gil: Gil, recorder: &Recorder) {
    let mut table = TABLE.get(gil).borrow_mut();
    (0..table.saved.len()).for_each(|code| table.put(code, None));
    table.make_room(recorder.count());
    table.epochs.fill(0);
    for (code, address, reach) in recorder.alive() {
        // SAFETY: the recorder forgets code objects as they die, and the GIL is held.
        let subject = unsafe { py::code_at(address) };
        table.put(code, Some(Saved::of(&subject, reach, recorder.has_meanings())));
    }
}

/// Makes room for as many code objects.
pub fn make_room(gil: Gil, count: usize) {
    TABLE.get(gil).borrow_mut().make_room(count);
}

/// A code object died.
pub fn forget(gil: Gil, code: usize) {
    let mut table = TABLE.get(gil).borrow_mut();
    if code < table.saved.len() {
        table.put(code, None);
    }
}

/// Keeps what a code object is, which has just been recorded.
pub fn keep(gil: Gil, code: usize, saved: Box<Saved>) {
    let mut table = TABLE.get(gil).borrow_mut();
    table.put(code, Some(saved));
    table.epochs[code] = epoch();
}

/// Divides what is kept of a code object that was found to be just that.
pub fn divide(gil: Gil, code: usize, subject: &Code, recorder: &Recorder) {
    let table = TABLE.get(gil).borrow();
    if let (Some(&saved), Some(reach)) = (table.saved.get(code), recorder.reach(code))
        && !saved.is_null()
    {
        // SAFETY: a box that `put` has made, and the evaluation loop waits for this call.
        unsafe { &mut *saved }.divide(subject, reach);
    }
}

impl Table {
    fn make_room(&mut self, count: usize) {
        if count > self.epochs.len() {
            let count = count.next_power_of_two().max(1024);
            self.epochs.resize(count, 0);
            self.saved.resize(count, ptr::null_mut());
            // SAFETY: the GIL is held; the vectors are replaced only where these are set again.
            unsafe { py::show_saved(self.epochs.as_mut_ptr(), self.saved.as_mut_ptr()) };
        }
    }

    /// Puts something in place of what is kept of a code object.
    fn put(&mut self, code: usize, saved: Option<Box<Saved>>) {
        let saved = saved.map_or(ptr::null_mut(), Box::into_raw);
        let before = std::mem::replace(&mut self.saved[code], saved);
        if !before.is_null() {
            // SAFETY: a box that this function has made, and that nothing else points to now.
            drop(unsafe { Box::from_raw(before) });
        }
    }
}

fn epoch() -> u64 {
    // SAFETY: a variable of the evaluation loop, which waits for this call.
    unsafe { py::_PyTraced_Epoch }
}

/// Whether an address is in a module that the interpreter ships and that leaves code objects alone.
pub fn is_own(address: *const libc::c_void) -> bool {
    // SAFETY: all zeros is a valid value of a structure of pointers.
    let mut found: libc::Dl_info = unsafe { std::mem::zeroed() };
    // SAFETY: takes any address, and writes to a variable of ours.
    if unsafe { libc::dladdr(address, &raw mut found) } == 0 || found.dli_fname.is_null() {
        return false;
    }
    // SAFETY: the loader's own name of an object that is loaded, a C string.
    is_shipped(unsafe { CStr::from_ptr(found.dli_fname) }.to_bytes())
}

/// Whether a file is a module that the interpreter ships; ctypes is for foreign code.
pub fn is_shipped(path: &[u8]) -> bool {
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    let folder = path.strip_suffix(name).unwrap_or_default();
    folder.ends_with(b"/lib-dynload/") && !name.starts_with(b"_ctypes")
}
