//! Safe views of the interpreter's objects. The only raw pointers of the hook are here.
//!
//! Nothing here takes a reference, calls a Python function, allocates a Python object or
//! writes to one: objects are read where they lie. A view lives no longer than the hook's call
//! that made it, during which the GIL is held and the frame alive.

mod gil;
mod guarded;
mod object;
mod raw;
mod saved;

use std::marker::PhantomData;
use std::ptr;

use bytecode::heap::{Heap, View};
use bytecode::opcode::Operand;
use bytecode::render;
use wire::code::CodeInfo;

use crate::capture::code::{self, Captured, Constants};
use crate::recorder::{CodeId, Subject};
pub use gil::{Gil, GilCell};
pub use guarded::{Guarded, facts};
pub use object::Object;
pub use raw::{
    _PyTraced_Control, _PyTraced_DIVIDE, _PyTraced_Epoch, _PyTraced_NEW, _PyTraced_Recheck,
    _PyTraced_SetMode, PyCodeObject, PyFrameObject, PyObject, PyThreadState, traced_errno,
    traced_set_errno,
};
pub use saved::Saved;

/// A frame that is run.
#[derive(Clone, Copy)]
pub struct Frame<'a> {
    pointer: *const PyFrameObject,
    life: PhantomData<&'a PyFrameObject>,
}

// What the evaluation loop records itself it records as the hook does.
const _: () = {
    use wire::{control, ring};
    assert!(raw::_PyTraced_RING_SIZE as usize == control::RING);
    assert!(raw::_PyTraced_PACKET_SIZE as usize == ring::SIZE);
    assert!(raw::_PyTraced_NOWHERE == control::NOWHERE);
    assert!(raw::_PyTraced_NOT_PARKED == control::NOT_PARKED);
    assert!(raw::_PyTraced_VALUES_KIND as u8 == wire::packet::kind::VALUES);
};

impl<'a> Frame<'a> {
    /// # Safety
    ///
    /// `pointer` must be a frame that stays alive for `'a`, with the GIL held.
    #[inline]
    pub unsafe fn new(pointer: *const PyFrameObject) -> Frame<'a> {
        Frame { pointer, life: PhantomData }
    }

    /// Without the GIL no frame is alive for long.
    #[inline]
    pub fn gil(self) -> Gil<'a> {
        // SAFETY: held for `'a`, by the promise made to `new`.
        unsafe { Gil::assume() }
    }

    #[inline]
    fn fields(self) -> &'a PyFrameObject {
        // SAFETY: a live frame, by the promise made to `new`.
        unsafe { &*self.pointer }
    }

    /// `f_lasti`
    #[inline]
    pub fn lasti(self) -> i32 {
        self.fields().f_lasti
    }

    /// Where it is.
    pub fn address(&self) -> usize {
        self.pointer as usize
    }

    /// The frame below it.
    #[inline]
    pub fn back(self) -> Option<Frame<'a>> {
        let pointer = self.fields().f_back;
        (!pointer.is_null()).then_some(Frame { pointer, life: PhantomData })
    }

    /// The id in its code object.
    #[inline]
    pub fn code_id(self) -> CodeId {
        // SAFETY: a live frame owns its code object.
        CodeId(unsafe { (*self.fields().f_code).co_traced })
    }

    /// The byte of `co_code` at `f_lasti`, which the evaluation loop has executed.
    #[inline]
    pub fn opcode(self) -> Option<u8> {
        let lasti = usize::try_from(self.lasti()).ok()?;
        Some(self.first().wrapping_add(lasti)).map(|at| {
            // SAFETY: an instruction that has begun, so its first byte was read.
            unsafe { *at }
        })
    }

    /// How far behind the start of `co_code` an address is.
    #[inline]
    pub fn offset(self, address: *const u8) -> usize {
        (address as usize).wrapping_sub(self.first() as usize)
    }

    #[inline]
    fn first(self) -> *const u8 {
        // SAFETY: a live frame owns its code object, and that its code, which the evaluation loop
        // has read as a string.
        unsafe {
            (&raw const (*(*self.fields().f_code).co_code.cast::<raw::PyStringObject>()).ob_sval)
                .cast()
        }
    }

    /// Its code object.
    pub fn code(self) -> Code<'a> {
        Code { pointer: self.fields().f_code, globals: self.fields().f_globals, life: PhantomData }
    }
}

/// The frame that runs in the calling thread.
pub fn current_frame(_gil: Gil<'_>) -> Option<Frame<'_>> {
    // SAFETY: the GIL is held; nothing of the thread's frames ends while it is.
    let pointer = unsafe { raw::traced_frame() };
    (!pointer.is_null()).then_some(Frame { pointer, life: PhantomData })
}

/// What is stored in a code object.
///
/// # Safety
///
/// Its fields must be there: it is alive, or dies right now.
pub unsafe fn code_id_of(code: *const PyCodeObject) -> CodeId {
    // SAFETY: by the contract of this function.
    CodeId(unsafe { (*code).co_traced })
}

/// The name of a code object.
///
/// # Safety
///
/// It must stay alive for `'a`.
pub unsafe fn name_of<'a>(code: *mut PyCodeObject) -> &'a [u8] {
    // SAFETY: a live code object owns its name, a string (PyCode_New checks it).
    unsafe { Object::new((*code).co_name) }.map_or(b"", Object::bytes)
}

/// From here on values are recorded of each thread that is traced: as much of each as these say.
pub fn record_values(_gil: Gil, size: i32, depth: i32, items: i32) {
    // SAFETY: variables of the evaluation loop, which waits for this call.
    unsafe {
        raw::_PyTraced_ValueSize = size;
        raw::_PyTraced_ValueDepth = depth;
        raw::_PyTraced_ValueItems = items;
        raw::_PyTraced_Values = 1;
    }
}

/// Those who read on know nothing of what was recorded of objects.
pub fn forget_values(_gil: Gil) {
    // SAFETY: sets a variable of the evaluation loop, which waits for this call.
    unsafe { raw::_PyTraced_ForgetValues() };
}

/// Sets SystemError with this text.
pub fn system_error(_gil: Gil, text: &std::ffi::CStr) {
    // SAFETY: the GIL is held; the text is copied.
    unsafe { raw::PyErr_SetString(raw::PyExc_SystemError, text.as_ptr()) };
}

/// Where the evaluation loop finds in which epochs code objects were verified, and what they were.
///
/// # Safety
///
/// The GIL is held, and both arrays have an entry for each code object that has a number, as long as
/// no others take their place.
pub unsafe fn show_saved(epochs: *mut u64, saved: *mut *mut Saved) {
    // SAFETY: variables of the evaluation loop, which waits for this call. What is kept begins with what
    // the loop reads.
    unsafe {
        raw::_PyTraced_Verified = epochs;
        raw::_PyTraced_Saved = saved.cast();
    }
}

/// The code object at an address.
///
/// # Safety
///
/// It must stay alive for `'a`, with the GIL held.
pub unsafe fn code_at<'a>(address: usize) -> Code<'a> {
    Code { pointer: address as *mut PyCodeObject, globals: ptr::null_mut(), life: PhantomData }
}

/// A live code object.
pub struct Code<'a> {
    pointer: *mut PyCodeObject,
    /// Those of the frame.
    globals: *mut PyObject,
    life: PhantomData<&'a PyCodeObject>,
}

impl Code<'_> {
    fn fields(&self) -> &PyCodeObject {
        // SAFETY: alive: a live frame owns it, or `code_at` was promised so.
        unsafe { &*self.pointer }
    }

    /// An object that the code object owns.
    fn object(&self, pointer: *mut raw::PyObject) -> Option<Object<'_>> {
        // SAFETY: a live code object owns what it points to (PyCode_New).
        unsafe { Object::new(pointer) }
    }
}

impl Subject for Code<'_> {
    fn code_id(&self) -> CodeId {
        CodeId(self.fields().co_traced)
    }

    fn set_code_id(&self, id: CodeId) {
        // SAFETY: the field is the hook's own (traced.h), and the GIL is held.
        unsafe { (*self.pointer).co_traced = id.0 };
    }

    fn address(&self) -> usize {
        self.pointer as usize
    }

    fn bytes(&self) -> &[u8] {
        self.object(self.fields().co_code).map_or(b"", Object::bytes)
    }

    fn info(&self, constants: Constants) -> (CodeInfo, bool) {
        let Some(View::Code(view)) = self.object(self.pointer.cast()).map(Object::view) else {
            return (CodeInfo::default(), false);
        };
        code::info(&ObjectHeap(PhantomData), &view, self.module(), constants)
    }

    fn module(&self) -> Option<&[u8]> {
        // The frame owns its globals.
        self.object(self.globals)?.str_item(b"__name__")
    }

    fn body(&self, out: &mut Vec<u8>) -> Captured {
        match self.object(self.pointer.cast()).map(Object::view) {
            Some(View::Code(view)) => code::body(&ObjectHeap(PhantomData), &view, out),
            _ => Captured::default(),
        }
    }

    fn set_nested_code_id(&self, address: usize, id: &mut dyn FnMut(CodeId) -> Option<CodeId>) {
        // SAFETY: the code object owns what `body` found in it, and no code has run since.
        let nested = unsafe { code_at(address) };
        if let Some(id) = id(nested.code_id()) {
            nested.set_code_id(id);
        }
    }

    fn meaning(&self, kind: Operand, index: i32, out: &mut Vec<u8>) -> bool {
        let code = self.fields();
        let table = match kind {
            Operand::Const => code.co_consts,
            Operand::Name => code.co_names,
            Operand::Local => code.co_varnames,
            _ => return false,
        };
        let item =
            usize::try_from(index).ok().and_then(|index| self.object(table)?.tuple_item(index));
        item.is_some_and(|item| {
            render::str(&ObjectHeap(PhantomData), item, out);
            true
        })
    }
}

/// The objects that can be reached from a live one.
struct ObjectHeap<'a>(PhantomData<Object<'a>>);

impl<'a> Heap for ObjectHeap<'a> {
    type Ref = Object<'a>;

    fn look(&self, object: Object<'a>) -> View<'_, Object<'a>> {
        object.view()
    }

    #[inline]
    fn string(&self, object: Object<'a>) -> Option<(&[u8], bool)> {
        object.string()
    }
}
