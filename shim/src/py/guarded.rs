//! A frame as the guard asks about it, and the facts of a code object.

use std::ptr;

use super::{Frame, Object, PyCodeObject, PyObject, raw};
use crate::guard::{self, Block, Facts, Value};

/// `Py_TPFLAGS_…_SUBCLASS` in `Include/object.h`.
mod flag {
    pub const INT: u64 = 1 << 23;
    pub const TUPLE: u64 = 1 << 26;
    pub const STRING: u64 = 1 << 27;
    pub const UNICODE: u64 = 1 << 28;
    pub const BASE_EXCEPTION: u64 = 1 << 30;
    pub const TYPE: u64 = 1 << 31;
}

/// A frame and the top of its value stack.
#[derive(Clone, Copy)]
pub struct Guarded<'a> {
    frame: Frame<'a>,
    stack: *const *mut PyObject,
}

impl<'a> Guarded<'a> {
    /// # Safety
    ///
    /// `stack` is the evaluation loop's `stack_pointer` in the frame, for `'a`.
    pub unsafe fn new(frame: Frame<'a>, stack: *const *mut PyObject) -> Guarded<'a> {
        Guarded { frame, stack }
    }

    /// How many values are on the value stack.
    pub fn depth(self) -> usize {
        let bytes = (self.stack as usize).wrapping_sub(self.frame.fields().f_valuestack as usize);
        bytes / size_of::<*mut PyObject>()
    }

    fn at(self, below_top: usize) -> *mut PyObject {
        // SAFETY: asked below `depth` only: between the stack's bottom and its top.
        unsafe { *self.stack.sub(below_top + 1) }
    }
}

impl Frame<'_> {
    /// Its block stack, the innermost block last.
    pub fn blocks(self) -> Vec<Block> {
        let frame = self.fields();
        let count = usize::try_from(frame.f_iblock).unwrap_or(0);
        let blocks = frame.f_blockstack.iter().take(count);
        blocks
            .map(|block| Block {
                kind: block.b_type as u8,
                handler: block.b_handler,
                level: usize::try_from(block.b_level).unwrap_or(0),
            })
            .collect()
    }

    /// The facts of its code object, to be asked with [`facts`].
    pub fn code_address(self) -> *mut PyCodeObject {
        self.fields().f_code
    }
}

impl guard::Frame for Guarded<'_> {
    fn value(&self, below_top: usize) -> Value {
        // SAFETY: what is on the value stack is alive or NULL.
        unsafe { value(self.at(below_top)) }
    }

    fn is_iterator(&self, below_top: usize) -> bool {
        // SAFETY: not NULL, as the guard says, and alive; so is its type.
        unsafe { (*(*self.at(below_top)).ob_type).tp_iternext.is_some() }
    }

    fn cell(&self, index: usize) -> Value {
        let frame = self.frame.fields();
        // SAFETY: a live frame owns its code object.
        let locals = unsafe { (*frame.f_code).co_nlocals };
        let slot = usize::try_from(locals).unwrap_or(0) + index;
        // SAFETY: `f_localsplus` has the cells behind the locals (PyFrame_New), and the guard asks
        // within the tables.
        unsafe { value(*frame.f_localsplus.as_ptr().add(slot)) }
    }

    fn truth(&self, below_top: usize) -> Option<bool> {
        let object = self.at(below_top);
        // SAFETY: what is on the value stack is alive or NULL.
        let kind = unsafe { Object::new(object) }?.type_of();
        let plain = [
            &raw const raw::PyBool_Type,
            &raw const raw::PyInt_Type,
            &raw const raw::PyLong_Type,
            &raw const raw::PyFloat_Type,
            &raw const raw::PyString_Type,
            &raw const raw::PyUnicode_Type,
            &raw const raw::PyTuple_Type,
            &raw const raw::PyList_Type,
            &raw const raw::PyDict_Type,
        ];
        let is_none = ptr::eq(object, &raw const raw::_Py_NoneStruct);
        if !is_none && !plain.iter().any(|&plain| ptr::eq(kind, plain)) {
            return None;
        }
        // SAFETY: a live object of a type whose truth C code decides, and the GIL is held.
        Some(unsafe { raw::PyObject_IsTrue(object) } > 0)
    }

    fn has_locals(&self) -> bool {
        !self.frame.fields().f_locals.is_null()
    }
}

/// What ceval would take an object for.
///
/// # Safety
///
/// NULL or a live object.
unsafe fn value(object: *mut PyObject) -> Value {
    // SAFETY: by the contract of this function.
    let Some(known) = (unsafe { Object::new(object) }) else { return Value::Null };
    let kind = known.type_of();
    // SAFETY: the type of a live object.
    let flags = unsafe { (*kind).tp_flags } as u64;
    let is = |flag: u64| flags & flag != 0;
    let of = |type_: *const raw::PyTypeObject| ptr::eq(kind, type_);
    // The addresses of the interpreter's own objects; nothing is read.
    if ptr::eq(object, &raw const raw::_Py_NoneStruct) {
        Value::None
    } else if of(&raw const raw::PyBool_Type) {
        Value::Bool(known.fields::<raw::PyIntObject>().ob_ival != 0)
    } else if is(flag::INT) {
        Value::Int(known.fields::<raw::PyIntObject>().ob_ival)
    } else if is(flag::STRING) {
        Value::Str
    } else if is(flag::UNICODE) {
        Value::Unicode
    } else if is(flag::TUPLE) {
        Value::Tuple(known.length())
    } else if of(&raw const raw::PyDict_Type) {
        Value::Dict
    } else if of(&raw const raw::PyCode_Type) {
        // SAFETY: a live code object owns its tuples.
        Value::Code(unsafe { length(known.fields::<raw::PyCodeObject>().co_freevars) })
    } else if of(&raw const raw::PyCell_Type) {
        Value::Cell
    } else if of(&raw const raw::PyClass_Type) || (is(flag::TYPE) && is_exception(known)) {
        Value::ExceptionClass
    } else {
        Value::Other
    }
}

/// Of a type: whether it is one of exceptions.
fn is_exception(class: Object) -> bool {
    class.fields::<raw::PyTypeObject>().tp_flags as u64 & flag::BASE_EXCEPTION != 0
}

/// The length of a tuple.
///
/// # Safety
///
/// A live tuple, or NULL.
unsafe fn length(tuple: *mut PyObject) -> usize {
    // SAFETY: by the contract of this function.
    unsafe { Object::new(tuple) }.map_or(0, Object::length)
}

/// What the guard wants to know of a code object once.
///
/// # Safety
///
/// A code object that stays alive for `'a`.
pub unsafe fn facts<'a>(code: *mut PyCodeObject) -> Facts<'a> {
    // SAFETY: a live code object, which owns its fields.
    unsafe {
        let code = &*code;
        let bytes = Object::new(code.co_code);
        let bytes = bytes.filter(|bytes| (*bytes.type_of()).tp_flags as u64 & flag::STRING != 0);
        Facts {
            code: bytes.map(Object::bytes),
            consts: length(code.co_consts),
            names: length(code.co_names),
            locals: usize::try_from(code.co_nlocals).unwrap_or(0),
            cellvars: length(code.co_cellvars),
            freevars: length(code.co_freevars),
            stacksize: code.co_stacksize,
            argcount: usize::try_from(code.co_argcount).unwrap_or(0),
            flags: code.co_flags as u32,
            asserts: raw::TRACED_ASSERTS != 0,
        }
    }
}
