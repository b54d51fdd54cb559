//! Verifying: whether code objects are still what was recorded.
//!
//! Foreign code, that of extension modules which the interpreter does not ship and of ctypes, may
//! rewrite a code object where it lies. The evaluation loop counts up `_PyTraced_Epoch` wherever
//! such code may have run, and asks before the next instruction of a frame whose code object was
//! verified in an earlier epoch. What is found rewritten is watched from then on.

use std::cell::RefCell;
use std::ffi::CStr;

use crate::py::{self, Gil, GilCell, Saved};
use crate::recorder::Recorder;

/// What the code objects were when they were recorded, by number less the first.
struct Table {
    saved: Vec<Option<Box<Saved>>>,
    /// In which epoch each was last found so; the evaluation loop reads it.
    epochs: Vec<u64>,
}

static TABLE: GilCell<RefCell<Table>> =
    GilCell::new(RefCell::new(Table { saved: Vec::new(), epochs: Vec::new() }));

/// From here on: what is alive is what was recorded of it.
pub fn begin(gil: Gil, recorder: &Recorder) {
    let mut table = TABLE.get(gil).borrow_mut();
    *table = Table { saved: Vec::new(), epochs: Vec::new() };
    table.make_room(recorder.count());
    for (code, address, reach) in recorder.alive() {
        // SAFETY: the recorder forgets code objects as they die, and the GIL is held.
        let subject = unsafe { py::code_at(address) };
        let saved = Saved::of(&subject, reach, recorder.has_meanings());
        table.saved[code] = Some(Box::new(saved));
    }
}

/// Makes room for as many code objects.
pub fn make_room(gil: Gil, count: usize) {
    TABLE.get(gil).borrow_mut().make_room(count);
}

/// A code object died.
pub fn forget(gil: Gil, code: usize) {
    let mut table = TABLE.get(gil).borrow_mut();
    if let Some(saved) = table.saved.get_mut(code) {
        *saved = None;
    }
}

/// Whether a code object is as it was recorded; one that has just been recorded is.
pub fn is_same(gil: Gil, code: usize) -> Option<bool> {
    let mut table = TABLE.get(gil).borrow_mut();
    let saved = table.saved.get(code)?.as_ref()?;
    // SAFETY: it is running, hence alive, and the GIL is held.
    let is_same = unsafe { saved.is_same() };
    if is_same {
        table.epochs[code] = epoch();
    }
    Some(is_same)
}

/// Keeps what a code object is, which has just been recorded.
pub fn keep(gil: Gil, code: usize, saved: Saved) {
    let mut table = TABLE.get(gil).borrow_mut();
    table.saved[code] = Some(Box::new(saved));
    table.epochs[code] = epoch();
}

impl Table {
    fn make_room(&mut self, count: usize) {
        if count > self.epochs.len() {
            let count = count.next_power_of_two().max(1024);
            self.epochs.resize(count, 0);
            self.saved.resize_with(count, || None);
            // SAFETY: the GIL is held; the vector is replaced only where this is set again.
            unsafe { py::_PyTraced_Verified = self.epochs.as_mut_ptr() };
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
