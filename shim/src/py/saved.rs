//! A copy of what a code object is recorded as, to be compared with what it is.
//!
//! Word by word, so that a comparison costs about a nanosecond for each: the bytes of `co_code`
//! and, where operands are shown by their meaning, the tables that they are looked up in. Words
//! that a pointer leads to are compared after the pointer.

use std::mem::offset_of;
use std::ptr;

use bytecode::cfg::Reach;
use bytecode::decode::decode;
use bytecode::opcode::numbers::LOAD_CONST;

use super::{Code, raw};
use crate::recorder::Subject;

/// Constants that are longer are compared only if an instruction loads them.
const LONG: usize = 64;

/// So many levels of tuples inside each other are compared.
const DEEPEST: usize = 8;

/// A word of memory and what it was.
struct Word {
    address: *const usize,
    value: usize,
    mask: usize,
}

/// Bytes of memory and what they were.
struct Bytes {
    address: *const u8,
    value: Box<[u8]>,
}

/// The words of one code object.
pub struct Saved {
    /// `co_code` and the pointers of the tables, compared first.
    bytes: Vec<Bytes>,
    words: Vec<Word>,
    /// Where each level of pointers ends.
    levels: Vec<usize>,
}

impl Saved {
    /// What a code object is now; `reach` has the offsets of its instructions. With `meanings` also
    /// what operands stand for.
    pub fn of(code: &Code, reach: &Reach, meanings: bool) -> Saved {
        let mut saved = Saved { bytes: Vec::new(), words: Vec::new(), levels: Vec::new() };
        let fields = code.fields();
        saved.string(fields.co_code);
        if meanings {
            saved.tables(code, reach);
        }
        saved.levels.push(saved.words.len());
        saved
    }

    fn tables(&mut self, code: &Code, reach: &Reach) {
        let fields = code.fields();
        let used = used_constants(code.bytes(), reach);
        let mut objects = Vec::new();
        for (index, item) in self.items(fields.co_consts).into_iter().enumerate() {
            if used.get(index).is_some_and(|&used| used) || !is_long(item) {
                objects.push(item);
            }
        }
        for table in [fields.co_names, fields.co_varnames] {
            objects.extend(self.items(table));
        }
        for _ in 0..DEEPEST {
            self.levels.push(self.words.len());
            let mut inner = Vec::new();
            for object in std::mem::take(&mut objects) {
                inner.extend(self.content(object));
            }
            if inner.is_empty() {
                break;
            }
            objects = inner;
        }
    }

    /// The pointers of a tuple.
    fn items(&mut self, tuple: *mut raw::PyObject) -> Vec<*mut raw::PyObject> {
        if type_of(tuple) != &raw const raw::PyTuple_Type {
            return Vec::new();
        }
        let tuple = tuple.cast::<raw::PyTupleObject>();
        // SAFETY: a live tuple: the code object owns it.
        let length = usize::try_from(unsafe { (*tuple).ob_size }).unwrap_or(0);
        // SAFETY: as above; only the address is taken.
        let first = unsafe { (&raw const (*tuple).ob_item).cast::<*mut raw::PyObject>() };
        self.cover(field(tuple, offset_of!(raw::PyTupleObject, ob_size)), size_of::<usize>());
        self.copy(first.cast(), length * size_of::<usize>());
        // SAFETY: a tuple holds `ob_size` pointers from `ob_item` on.
        (0..length).map(|index| unsafe { *first.wrapping_add(index) }).collect()
    }

    /// What an object's text is made of; returns what else that is.
    fn content(&mut self, object: *mut raw::PyObject) -> Vec<*mut raw::PyObject> {
        let this = type_of(object);
        if this == &raw const raw::PyString_Type {
            self.string(object);
        } else if this == &raw const raw::PyUnicode_Type {
            let unicode = object.cast::<raw::PyUnicodeObject>();
            self.cover(
                field(unicode, offset_of!(raw::PyUnicodeObject, length)),
                size_of::<usize>(),
            );
            self.cover(field(unicode, offset_of!(raw::PyUnicodeObject, str_)), size_of::<usize>());
            // SAFETY: a live unicode string, which a table of the code object owns.
            let (text, length) = unsafe { ((*unicode).str_, (*unicode).length) };
            let length = usize::try_from(length).unwrap_or(0);
            self.cover(text.cast(), length * size_of::<raw::Py_UNICODE>());
        } else if this == &raw const raw::PyInt_Type || this == &raw const raw::PyBool_Type {
            let at = offset_of!(raw::PyIntObject, ob_ival);
            self.cover(field(object, at), size_of::<std::ffi::c_long>());
        } else if this == &raw const raw::PyFloat_Type {
            self.cover(field(object, offset_of!(raw::PyFloatObject, ob_fval)), 8);
        } else if this == &raw const raw::PyComplex_Type {
            self.cover(field(object, offset_of!(raw::PyComplexObject, cval)), 16);
        } else if this == &raw const raw::PyLong_Type {
            let long = object.cast::<raw::PyLongObject>();
            // SAFETY: a live number, which a table of the code object owns.
            let digits = unsafe { (*long).ob_size }.unsigned_abs();
            self.cover(field(long, offset_of!(raw::PyLongObject, ob_size)), size_of::<usize>());
            let first = field(long, offset_of!(raw::PyLongObject, ob_digit));
            self.cover(first, digits * size_of::<raw::digit>());
        } else if this == &raw const raw::PyTuple_Type {
            return self.items(object);
        } else if this == &raw const raw::PyCode_Type {
            let code = object.cast::<raw::PyCodeObject>();
            // SAFETY: a live code object, which a table of the outer one owns.
            return unsafe { vec![(*code).co_name, (*code).co_filename] };
        }
        Vec::new()
    }

    fn string(&mut self, string: *mut raw::PyObject) {
        if type_of(string) != &raw const raw::PyString_Type {
            return;
        }
        let string = string.cast::<raw::PyStringObject>();
        // SAFETY: a live string, which the code object owns, itself or in a table.
        let length = usize::try_from(unsafe { (*string).ob_size }).unwrap_or(0);
        self.cover(field(string, offset_of!(raw::PyStringObject, ob_size)), size_of::<usize>());
        let start = field(string, offset_of!(raw::PyStringObject, ob_sval));
        if length > 2 * size_of::<usize>() {
            self.copy(start, length);
        } else {
            self.cover(start, length);
        }
    }

    /// This many bytes. Those of the first level are compared before all words, those of a deeper one
    /// are moved to words.
    fn copy(&mut self, start: *const u8, length: usize) {
        if !self.levels.is_empty() || length == 0 {
            return self.cover(start, length);
        }
        // SAFETY: inside an object that the code object owns.
        let value = unsafe { std::slice::from_raw_parts(start, length) };
        self.bytes.push(Bytes { address: start, value: value.into() });
    }

    /// The words that that many bytes are in. They lie in one block of memory, and blocks are whole
    /// words.
    fn cover(&mut self, start: *const u8, length: usize) {
        const WIDTH: usize = size_of::<usize>();
        let skew = start.addr() % WIDTH;
        let first = start.wrapping_sub(skew).cast::<usize>();
        for index in 0..(skew + length).div_ceil(WIDTH) {
            let from = skew.saturating_sub(index * WIDTH);
            let to = (skew + length - index * WIDTH).min(WIDTH);
            let mut bytes = [0u8; WIDTH];
            bytes[from..to].fill(0xff);
            let mask = usize::from_ne_bytes(bytes);
            let address = first.wrapping_add(index);
            // SAFETY: inside a block of the interpreter's memory, by the promise above.
            let value = unsafe { ptr::read_volatile(address) } & mask;
            self.words.push(Word { address, value, mask });
        }
    }

    /// Whether all of it is as it was.
    ///
    /// # Safety
    ///
    /// The code object is alive, and the GIL is held.
    #[inline]
    pub unsafe fn is_same(&self) -> bool {
        for bytes in &self.bytes {
            // SAFETY: the code object is alive and owns what they are in, as it did before.
            let now = unsafe { std::slice::from_raw_parts(bytes.address, bytes.value.len()) };
            if *now != *bytes.value {
                return false;
            }
        }
        let mut start = 0;
        for &end in &self.levels {
            let mut difference = 0;
            for word in &self.words[start..end] {
                // SAFETY: the code object is alive, and all pointers that lead here are as they
                // were: the levels before this one were compared.
                difference |= unsafe { ptr::read(word.address) } & word.mask ^ word.value;
            }
            if difference != 0 {
                return false;
            }
            start = end;
        }
        true
    }
}

fn type_of(object: *mut raw::PyObject) -> *const raw::PyTypeObject {
    // SAFETY: the callers pass what a live code object owns; its fields are never null.
    if object.is_null() { ptr::null() } else { unsafe { (*object).ob_type } }
}

fn field<T>(object: *const T, offset: usize) -> *const u8 {
    object.cast::<u8>().wrapping_add(offset)
}

/// Whether comparing it takes long.
fn is_long(object: *mut raw::PyObject) -> bool {
    let this = type_of(object);
    let length = if this == &raw const raw::PyUnicode_Type {
        // SAFETY: a live unicode string.
        unsafe { (*object.cast::<raw::PyUnicodeObject>()).length }
    } else if this == &raw const raw::PyString_Type || this == &raw const raw::PyLong_Type {
        // SAFETY: both start as every object of variable size does.
        unsafe { (*object.cast::<raw::PyVarObject>()).ob_size }
    } else {
        0
    };
    length.unsigned_abs() > LONG
}

/// Which constants are loaded by the instructions at these offsets.
fn used_constants(code: &[u8], reach: &Reach) -> Vec<bool> {
    let mut used = Vec::new();
    for offset in (0..code.len() as u32).filter(|&offset| reach.has(offset)) {
        let Some(at) = decode(code, offset).filter(|at| at.opcode == LOAD_CONST) else { continue };
        let Ok(index) = usize::try_from(at.operand) else { continue };
        if index < code.len() {
            used.resize(used.len().max(index + 1), false);
            used[index] = true;
        }
    }
    used
}
