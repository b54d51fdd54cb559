//! Blocks of memory and what they were: of the objects that a code object owns.

use std::array;
use std::mem::offset_of;
use std::ptr;

use super::raw;

type Block = [u64; 4];

/// The size of a block.
const WIDTH: usize = size_of::<Block>();

/// So many levels of tuples inside each other are compared.
const DEEPEST: usize = 8;

/// Parts of memory, as the evaluation loop compares them (traced.h): blocks, a block without an
/// address where all before it must be found equal before pointers are followed, and one at the end.
#[derive(Default)]
pub struct Blocks(Vec<raw::_PyTraced_Block>);

type Objects = Vec<*mut raw::PyObject>;

impl Blocks {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// All of them.
    pub fn into_boxed_slice(self) -> Box<[raw::_PyTraced_Block]> {
        self.0.into_boxed_slice()
    }

    /// Behind the last block.
    pub fn end(&mut self) {
        self.mark(0);
    }

    fn mark(&mut self, more: u64) {
        let nothing =
            raw::_PyTraced_Block { value: [more, 0, 0, 0], mask: [0; 4], address: ptr::null() };
        self.0.push(nothing);
    }

    /// What these objects' texts are made of. `depth` is how many levels more are compared.
    pub fn contents(&mut self, mut objects: Objects) {
        for _ in 0..DEEPEST {
            // Each once, and neighbours together.
            objects.sort_unstable();
            objects.dedup();
            let mut inner = Vec::new();
            for object in objects {
                self.content(object, &mut inner);
            }
            if inner.is_empty() {
                return;
            }
            objects = inner;
            self.mark(1);
        }
    }

    /// What an object's text is made of; what else that is goes to `inner`.
    fn content(&mut self, object: *mut raw::PyObject, inner: &mut Objects) {
        let this = type_of(object);
        if this == &raw const raw::PyString_Type {
            self.string(object);
        } else if this == &raw const raw::PyUnicode_Type {
            let unicode = object.cast::<raw::PyUnicodeObject>();
            self.word(field(unicode, offset_of!(raw::PyUnicodeObject, length)));
            self.word(field(unicode, offset_of!(raw::PyUnicodeObject, str_)));
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
            self.word(field(long, offset_of!(raw::PyLongObject, ob_size)));
            let first = field(long, offset_of!(raw::PyLongObject, ob_digit));
            self.cover(first, digits * size_of::<raw::digit>());
        } else if this == &raw const raw::PyTuple_Type {
            inner.extend(self.tuple(object));
        } else if this == &raw const raw::PyCode_Type {
            let code = object.cast::<raw::PyCodeObject>();
            self.word(field(code, offset_of!(raw::PyCodeObject, co_filename)));
            self.word(field(code, offset_of!(raw::PyCodeObject, co_name)));
            // SAFETY: a live code object, which a table of the outer one owns.
            inner.extend(unsafe { [(*code).co_name, (*code).co_filename] });
        }
    }

    /// The pointers of a tuple, which it returns; none of any other object.
    pub fn tuple(&mut self, tuple: *mut raw::PyObject) -> Objects {
        if type_of(tuple) != &raw const raw::PyTuple_Type {
            return Vec::new();
        }
        let tuple = tuple.cast::<raw::PyTupleObject>();
        // SAFETY: a live tuple: the code object owns it.
        let length = usize::try_from(unsafe { (*tuple).ob_size }).unwrap_or(0);
        // SAFETY: as above; only the address is taken.
        let first = unsafe { (&raw const (*tuple).ob_item).cast::<*mut raw::PyObject>() };
        self.word(field(tuple, offset_of!(raw::PyTupleObject, ob_size)));
        self.cover(first.cast(), length * size_of::<usize>());
        // SAFETY: a tuple holds `ob_size` pointers from `ob_item` on.
        (0..length).map(|index| unsafe { *first.wrapping_add(index) }).collect()
    }

    /// The length and the bytes of a string.
    pub fn string(&mut self, string: *mut raw::PyObject) {
        if type_of(string) != &raw const raw::PyString_Type {
            return;
        }
        let string = string.cast::<raw::PyStringObject>();
        // SAFETY: a live string, which the code object owns, directly or in a table.
        let length = usize::try_from(unsafe { (*string).ob_size }).unwrap_or(0);
        self.word(field(string, offset_of!(raw::PyStringObject, ob_size)));
        self.cover(field(string, offset_of!(raw::PyStringObject, ob_sval)), length);
    }

    fn word(&mut self, address: *const u8) {
        self.cover(address, size_of::<usize>());
    }

    /// The blocks that this many bytes are in. A block's address is a multiple of its size: it lies in
    /// one page of memory.
    fn cover(&mut self, start: *const u8, length: usize) {
        if length == 0 {
            return;
        }
        let skew = start.addr() % WIDTH;
        let first = start.wrapping_sub(skew).cast::<Block>();
        for index in 0..(skew + length).div_ceil(WIDTH) {
            let from = skew.saturating_sub(index * WIDTH);
            let to = (skew + length - index * WIDTH).min(WIDTH);
            let mut mask = mask(from, to);
            let address = first.wrapping_add(index);
            if let Some(last) = self.0.pop_if(|last| last.address == address.cast()) {
                mask = array::from_fn(|word| mask[word] | last.mask[word]);
            }
            // SAFETY: a part of it is inside an object that the code object owns, and so the page
            // is mapped that all of it is in.
            let now = unsafe { ptr::read_volatile(address) };
            let value = array::from_fn(|word| now[word] & mask[word]);
            self.0.push(raw::_PyTraced_Block { value, mask, address: address.cast() });
        }
    }
}

/// The bits of some of a block's bytes.
fn mask(from: usize, to: usize) -> Block {
    let mut bytes = [0u8; WIDTH];
    bytes[from..to].fill(0xff);
    let (words, _) = bytes.as_chunks::<8>();
    array::from_fn(|word| u64::from_ne_bytes(words[word]))
}

/// The type of an object that a live code object owns.
pub fn type_of(object: *mut raw::PyObject) -> *const raw::PyTypeObject {
    // SAFETY: the callers pass what a live code object owns; its fields are never null.
    if object.is_null() { ptr::null() } else { unsafe { (*object).ob_type } }
}

fn field<T>(object: *const T, offset: usize) -> *const u8 {
    object.cast::<u8>().wrapping_add(offset)
}
