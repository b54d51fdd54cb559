//! Safe views of the interpreter's objects. The only raw pointers of the hook are here.
//!
//! Nothing here takes a reference, calls a Python function, allocates a Python object or
//! writes to one: objects are read where they lie. A view lives no longer than the hook's call
//! that made it, during which the GIL is held and the frame alive.

mod object;
mod raw;

use std::marker::PhantomData;

use trace::text::Tables;

use crate::recorder::{Step, Subject};
use crate::render::{self, Heap};
pub use object::Object;
pub use raw::{
    _PyTraced_SetThread, PyCodeObject, PyFrameObject, PyThreadState, traced_errno, traced_set_errno,
};

/// A frame that is about to run an instruction.
#[derive(Clone, Copy)]
pub struct Frame<'a> {
    pointer: *const PyFrameObject,
    life: PhantomData<&'a PyFrameObject>,
}

impl<'a> Frame<'a> {
    /// # Safety
    ///
    /// `pointer` must be a frame that stays alive for `'a`, with the GIL held.
    pub unsafe fn new(pointer: *const PyFrameObject) -> Frame<'a> {
        Frame { pointer, life: PhantomData }
    }

    /// The instruction that ends before `next`.
    #[inline]
    pub fn step(self, opcode: i32, oparg: i32, next: *const u8) -> Step {
        // SAFETY: a live frame, by the promise made to `new`.
        let (code, lasti) = unsafe { ((*self.pointer).f_code, (*self.pointer).f_lasti) };
        Step {
            code: code as usize,
            next: next as usize,
            lasti,
            opcode: opcode as u8,
            operand: oparg,
        }
    }

    /// Its code object.
    pub fn code(self) -> Code<'a> {
        // SAFETY: a live frame owns its code object, by the promise made to `new`.
        let pointer = unsafe { (*self.pointer).f_code };
        Code { pointer, is_final: std::cell::Cell::new(true), life: PhantomData }
    }
}

/// The code object of a live frame, and what was rendered of it.
pub struct Code<'a> {
    pointer: *const PyCodeObject,
    is_final: std::cell::Cell<bool>,
    life: PhantomData<&'a PyCodeObject>,
}

impl Code<'_> {
    /// The object at `index` of a tuple of this code object.
    fn item(&self, tuple: *mut raw::PyObject, index: i32) -> Option<Object<'_>> {
        // SAFETY: a live code object owns its tuples (PyCode_New checks that they are).
        let tuple = unsafe { Object::new(tuple) }?;
        tuple.tuple_item(usize::try_from(index).ok()?)
    }

    fn text(&self, object: Option<Object>, out: &mut Vec<u8>) -> bool {
        let Some(object) = object else { return false };
        let is_final = render::str(&ObjectHeap(PhantomData), object, out);
        self.is_final.set(self.is_final.get() && is_final);
        true
    }

    fn fields(&self) -> &PyCodeObject {
        // SAFETY: the frame that this came from owns the code object.
        unsafe { &*self.pointer }
    }
}

impl Tables for Code<'_> {
    fn constant(&self, index: i32, out: &mut Vec<u8>) -> bool {
        self.text(self.item(self.fields().co_consts, index), out)
    }

    fn name(&self, index: i32, out: &mut Vec<u8>) -> bool {
        self.text(self.item(self.fields().co_names, index), out)
    }

    fn local(&self, index: i32, out: &mut Vec<u8>) -> bool {
        self.text(self.item(self.fields().co_varnames, index), out)
    }
}

impl Subject for Code<'_> {
    fn co_name(&self) -> &[u8] {
        // SAFETY: a live code object owns its name, a string (PyCode_New checks it).
        unsafe { Object::new(self.fields().co_name) }.map_or(b"", Object::bytes)
    }

    fn bytes(&self) -> (usize, usize) {
        // SAFETY: a live code object owns its code; the evaluation loop has already read it
        // as a string (PyEval_EvalFrameEx).
        let bytes = unsafe { Object::new(self.fields().co_code) }.map_or(&b""[..], Object::bytes);
        (bytes.as_ptr() as usize, bytes.len())
    }

    fn is_final(&self) -> bool {
        self.is_final.get()
    }
}

/// The objects that can be reached from a live one.
struct ObjectHeap<'a>(PhantomData<Object<'a>>);

impl<'a> Heap for ObjectHeap<'a> {
    type Ref = Object<'a>;

    fn look(&self, object: Object<'a>) -> render::Value<'_, Object<'a>> {
        object.value()
    }
}
