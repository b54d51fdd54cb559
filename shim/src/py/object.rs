//! A borrowed object, and what it is as far as its text goes.

use std::ffi::CStr;
use std::marker::PhantomData;
use std::ptr;
use std::slice;

use bytecode::heap::{CodeView, Items, Long, View};

use super::raw;

/// An object that stays alive for `'a`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct Object<'a> {
    pointer: *mut raw::PyObject,
    life: PhantomData<&'a ()>,
}

impl<'a> Object<'a> {
    /// `None` for a null pointer.
    ///
    /// # Safety
    ///
    /// A pointer that is not null must be an object that stays alive and unchanged for `'a`,
    /// with the GIL held.
    pub unsafe fn new(pointer: *mut raw::PyObject) -> Option<Object<'a>> {
        (!pointer.is_null()).then_some(Object { pointer, life: PhantomData })
    }

    /// What it is, by its exact type: an instance of a subclass may have its own `__str__`.
    pub fn view(self) -> View<'a, Object<'a>> {
        // The addresses of the interpreter's own objects; nothing is read.
        let types = Types::get();
        let this = self.type_of();
        if let Some((bytes, is_interned)) = self.string() {
            if is_interned { View::Interned(bytes) } else { View::Str(bytes) }
        } else if ptr::eq(self.pointer, types.none) {
            View::None
        } else if ptr::eq(self.pointer, types.ellipsis) {
            View::Ellipsis
        } else if this == types.bool {
            View::Bool(self.fields::<raw::PyIntObject>().ob_ival != 0)
        } else if this == types.int {
            View::Int(self.fields::<raw::PyIntObject>().ob_ival)
        } else if this == types.long {
            View::Long(self.long())
        } else if this == types.float {
            View::Float(self.fields::<raw::PyFloatObject>().ob_fval)
        } else if this == types.complex {
            let value = self.fields::<raw::PyComplexObject>().cval;
            View::Complex(value.real, value.imag)
        } else if this == types.unicode {
            View::Unicode(self.points())
        } else if this == types.tuple {
            View::Tuple(Items::Lent(self.tuple_items()))
        } else if this == types.list {
            View::List(self.list_items())
        } else if this == types.dict {
            View::Dict(self.dict_items())
        } else if this == types.set {
            View::Set(self.set_items())
        } else if this == types.frozenset {
            View::FrozenSet(self.set_items())
        } else if this == types.code {
            View::Code(Box::new(self.code()))
        } else if ptr::eq(self.pointer, types.stop_iteration) {
            View::StopIteration
        } else if ptr::eq(self.pointer, types.not_implemented) {
            View::NotImplemented
        } else if this == types.bytearray {
            View::ByteArray(self.bytearray())
        } else if this == types.slice {
            let slice = self.fields::<raw::PySliceObject>();
            // SAFETY: a slice owns its three fields, none of which is null (PySlice_New).
            let part = |pointer| unsafe { Object::new(pointer) }.unwrap_or(self);
            View::Slice([part(slice.start), part(slice.stop), part(slice.step)])
        } else if this == types.xrange {
            let range = self.fields::<raw::traced_xrange>();
            View::XRange(range.start, range.step, range.length)
        } else if this == types.builtin && self.fields::<raw::PyCFunctionObject>().m_self.is_null()
        {
            let function = self.fields::<raw::PyCFunctionObject>();
            // SAFETY: a function of C code points to its definition, which is never freed.
            View::BuiltinFunction(c_string(unsafe { (*function.m_ml).ml_name }))
        } else if this == types.type_ {
            let is_class = self.fields::<raw::PyTypeObject>().tp_flags & HEAP_TYPE != 0;
            View::Type { name: type_name(self.pointer.cast()), is_class }
        } else if this == types.old_class {
            let class = self.fields::<raw::PyClassObject>();
            // SAFETY: a class owns its name, a string, and its dict (PyClass_New).
            let (name, dict) = unsafe { (Object::new(class.cl_name), Object::new(class.cl_dict)) };
            let name = name.map_or(&b""[..], Object::bytes);
            View::OldClass { name: qualified(dict, name), address: self.pointer as usize }
        } else {
            View::Other { type_name: type_name(this), address: self.pointer as usize }
        }
    }

    /// The bytes of a `str`, and whether it is interned; `None` for another object.
    #[inline]
    pub fn string(self) -> Option<(&'a [u8], bool)> {
        let is_str = ptr::eq(self.type_of(), &raw const raw::PyString_Type);
        // PyString_CHECK_INTERNED
        is_str.then(|| (self.bytes(), self.fields::<raw::PyStringObject>().ob_sstate != 0))
    }

    /// The bytes of a string, or of an instance of a subclass; the caller knows that it is one.
    pub fn bytes(self) -> &'a [u8] {
        let string = self.fields::<raw::PyStringObject>();
        let length = usize::try_from(string.ob_size).unwrap_or(0);
        // SAFETY: a string holds `ob_size` bytes from `ob_sval` on (PyString_FromStringAndSize).
        unsafe { slice::from_raw_parts(ptr::from_ref(&string.ob_sval).cast(), length) }
    }

    /// An item of a tuple, `None` behind its end; the caller knows that it is one.
    pub fn tuple_item(self, index: usize) -> Option<Object<'a>> {
        let tuple = self.fields::<raw::PyTupleObject>();
        if index >= usize::try_from(tuple.ob_size).unwrap_or(0) {
            return None;
        }
        // SAFETY: a tuple holds `ob_size` pointers from `ob_item` on, and owns what they are.
        unsafe { Object::new(*tuple.ob_item.as_ptr().add(index)) }
    }

    /// The items of a tuple, up to one that was never set; the caller knows that it is one.
    fn tuple_items(self) -> &'a [Object<'a>] {
        let tuple = self.fields::<raw::PyTupleObject>();
        let length = usize::try_from(tuple.ob_size).unwrap_or(0);
        // SAFETY: a tuple holds `ob_size` pointers from `ob_item` on (PyTuple_New).
        let items = unsafe { slice::from_raw_parts(tuple.ob_item.as_ptr(), length) };
        let set = items.iter().position(|item| item.is_null()).unwrap_or(length);
        // SAFETY: as above, none of them null; an object is a pointer, and the tuple owns them all.
        unsafe { slice::from_raw_parts(items.as_ptr().cast(), set) }
    }

    /// The length of a tuple; the caller knows that it is one.
    pub fn length(self) -> usize {
        usize::try_from(self.fields::<raw::PyTupleObject>().ob_size).unwrap_or(0)
    }

    /// The value of a key of an exact dict, if that is a `str` too; `None` for another object.
    ///
    /// A look-up of the interpreter's could run a key's `__eq__`.
    pub fn str_item(self, wanted: &[u8]) -> Option<&'a [u8]> {
        let types = Types::get();
        if self.type_of() != types.dict {
            return None;
        }
        let dict = self.fields::<raw::PyDictObject>();
        let mask = usize::try_from(dict.ma_mask).ok()?;
        let hash = string_hash(wanted);
        // The order of lookdict_string.
        let (mut slot, mut perturb) = (hash as usize, hash as usize);
        for _ in 0..=mask {
            // SAFETY: the table of a dict has `ma_mask + 1` entries (dictobject.h).
            let entry = unsafe { &*dict.ma_table.add(slot & mask) };
            // SAFETY: a dict owns its keys and values; a key that was deleted is a string.
            let (key, value) = unsafe { (Object::new(entry.me_key)?, Object::new(entry.me_value)) };
            let is_str = |object: &Object| object.type_of() == types.str;
            if entry.me_hash as i64 == hash && is_str(&key) && key.bytes() == wanted {
                return value.filter(is_str).map(Object::bytes);
            }
            slot = slot.wrapping_mul(5).wrapping_add(perturb).wrapping_add(1);
            perturb >>= 5;
        }
        None
    }

    fn code(self) -> CodeView<'a, Object<'a>> {
        let code = self.fields::<raw::PyCodeObject>();
        // SAFETY: a code object owns what it points to (PyCode_New).
        let object = |pointer| unsafe { Object::new(pointer) };
        // PyCode_New checks the types.
        let bytes = |pointer| object(pointer).map_or(&b""[..], Object::bytes);
        let tables = [code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars];
        CodeView {
            address: self.pointer as usize,
            numbers: [code.co_argcount, code.co_nlocals, code.co_stacksize, code.co_flags],
            code: bytes(code.co_code),
            constants: object(code.co_consts),
            names: tables.map(object),
            file: bytes(code.co_filename),
            name: bytes(code.co_name),
            first_line: code.co_firstlineno,
            lines: bytes(code.co_lnotab),
        }
    }

    fn list_items(self) -> Vec<Object<'a>> {
        let list = self.fields::<raw::PyListObject>();
        let length = usize::try_from(list.ob_size).unwrap_or(0);
        (0..length)
            // SAFETY: `ob_item` has room for `ob_size` pointers, and the list owns what they
            // are; no code runs that could change it meanwhile.
            .filter_map(|index| unsafe { Object::new(*list.ob_item.add(index)) })
            .collect()
    }

    fn dict_items(self) -> Vec<(Object<'a>, Object<'a>)> {
        let mut items = Vec::new();
        let (mut position, mut key, mut value) = (0, ptr::null_mut(), ptr::null_mut());
        // SAFETY: this is a dict; PyDict_Next walks its table, lends what it finds, and
        // runs no code.
        while unsafe { raw::PyDict_Next(self.pointer, &mut position, &mut key, &mut value) } != 0 {
            // SAFETY: the dict owns both.
            items.extend(unsafe { Object::new(key).zip(Object::new(value)) });
        }
        items
    }

    fn set_items(self) -> Vec<Object<'a>> {
        let mut items = Vec::new();
        let (mut position, mut key, mut hash) = (0, ptr::null_mut(), 0);
        // SAFETY: this is a set; _PySet_NextEntry walks its table, lends what it finds, and
        // runs no code.
        while unsafe { raw::_PySet_NextEntry(self.pointer, &mut position, &mut key, &mut hash) }
            != 0
        {
            // SAFETY: the set owns it.
            items.extend(unsafe { Object::new(key) });
        }
        items
    }

    fn long(self) -> Long {
        let long = self.fields::<raw::PyLongObject>();
        let length = long.ob_size.unsigned_abs();
        // SAFETY: a long holds |ob_size| digits from `ob_digit` on (longintrepr.h).
        let digits = unsafe { slice::from_raw_parts(long.ob_digit.as_ptr(), length) };
        #[allow(clippy::useless_conversion, reason = "a digit is 16 bits on 32-bit machines")]
        let digits = digits.iter().map(|&digit| u32::from(digit));
        Long::new(long.ob_size < 0, raw::PyLong_SHIFT, digits)
    }

    fn points(self) -> Vec<u32> {
        let unicode = self.fields::<raw::PyUnicodeObject>();
        let length = usize::try_from(unicode.length).unwrap_or(0);
        if unicode.str_.is_null() {
            return Vec::new();
        }
        // SAFETY: a unicode object holds `length` units at `str` (unicodeobject.h).
        let units = unsafe { slice::from_raw_parts(unicode.str_, length) };
        #[allow(clippy::useless_conversion, reason = "Py_UNICODE is 16 bits on a UCS2 build")]
        let units = units.iter().map(|&unit| u32::from(unit));
        if size_of::<raw::Py_UNICODE>() == 2 { joined(units) } else { units.collect() }
    }

    pub(super) fn type_of(self) -> *const raw::PyTypeObject {
        self.fields::<raw::PyObject>().ob_type
    }

    fn bytearray(self) -> &'a [u8] {
        let array = self.fields::<raw::PyByteArrayObject>();
        let length = usize::try_from(array.ob_size).unwrap_or(0);
        if array.ob_bytes.is_null() {
            return b"";
        }
        // SAFETY: a bytearray holds `ob_size` bytes at `ob_bytes` (bytearrayobject.h).
        unsafe { slice::from_raw_parts(array.ob_bytes.cast(), length) }
    }

    /// The structure that the object's type says it is; the caller has checked the type.
    pub(super) fn fields<T>(self) -> &'a T {
        // SAFETY: alive for `'a` by the promise made to `new`, and of this layout by its type.
        unsafe { &*self.pointer.cast::<T>() }
    }
}

/// The code points of UTF-16.
fn joined(units: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut points: Vec<u32> = Vec::new();
    for unit in units {
        match points.last_mut() {
            Some(high) if (0xd800..0xdc00).contains(high) && (0xdc00..0xe000).contains(&unit) => {
                *high = 0x1_0000 + ((*high & 0x3ff) << 10 | unit & 0x3ff);
            }
            _ => points.push(unit),
        }
    }
    points
}

/// string_hash: what a `str` of these bytes, at least one, hashes to in this process.
fn string_hash(bytes: &[u8]) -> i64 {
    // SAFETY: set once, before the program starts (_PyRandom_Init).
    let secret = unsafe { raw::_Py_HashSecret };
    let (prefix, suffix) = (secret.prefix, secret.suffix);
    let first = bytes.first().map_or(0, |&byte| i64::from(byte) << 7);
    let hash = bytes
        .iter()
        .fold(prefix ^ first, |hash, &byte| hash.wrapping_mul(1_000_003) ^ i64::from(byte));
    match hash ^ bytes.len() as i64 ^ suffix {
        -1 => -2,
        hash => hash,
    }
}

/// Py_TPFLAGS_HEAPTYPE, a macro with a cast.
const HEAP_TYPE: std::ffi::c_long = 1 << 9;

/// type_module and type_name: a class statement's type has its module in its dict, a type of C
/// code in its name.
fn type_name(type_: *const raw::PyTypeObject) -> Vec<u8> {
    // SAFETY: the type of a live object, or a live type.
    let (name, flags, dict) = unsafe { ((*type_).tp_name, (*type_).tp_flags, (*type_).tp_dict) };
    if flags & HEAP_TYPE == 0 {
        return c_string(name).to_vec();
    }
    // SAFETY: a type owns its dict.
    qualified(unsafe { Object::new(dict) }, c_string(name))
}

/// `name` with the `__module__` of a class's dict before it.
fn qualified(dict: Option<Object>, name: &[u8]) -> Vec<u8> {
    // A look-up would hash and compare, and with odd keys run Python code.
    let module = dict.into_iter().flat_map(Object::dict_items).find_map(|(key, value)| {
        let is_module =
            matches!(key.view(), View::Str(b"__module__") | View::Interned(b"__module__"));
        match value.view() {
            View::Str(module) | View::Interned(module) if is_module && module != b"__builtin__" => {
                Some(module)
            }
            _ => None,
        }
    });
    module.map_or_else(|| name.to_vec(), |module| [module, b".", name].concat())
}

fn c_string<'a>(text: *const std::ffi::c_char) -> &'a [u8] {
    if text.is_null() {
        return b"?";
    }
    // SAFETY: `tp_name` is a C string that lives as long as its type (PyTypeObject).
    unsafe { CStr::from_ptr(text) }.to_bytes()
}

/// The addresses of the interpreter's singletons and types.
struct Types {
    none: *const raw::PyObject,
    ellipsis: *const raw::PyObject,
    not_implemented: *const raw::PyObject,
    stop_iteration: *const raw::PyObject,
    bool: *const raw::PyTypeObject,
    int: *const raw::PyTypeObject,
    long: *const raw::PyTypeObject,
    float: *const raw::PyTypeObject,
    complex: *const raw::PyTypeObject,
    str: *const raw::PyTypeObject,
    unicode: *const raw::PyTypeObject,
    tuple: *const raw::PyTypeObject,
    list: *const raw::PyTypeObject,
    dict: *const raw::PyTypeObject,
    set: *const raw::PyTypeObject,
    frozenset: *const raw::PyTypeObject,
    code: *const raw::PyTypeObject,
    bytearray: *const raw::PyTypeObject,
    slice: *const raw::PyTypeObject,
    xrange: *const raw::PyTypeObject,
    builtin: *const raw::PyTypeObject,
    old_class: *const raw::PyTypeObject,
    type_: *const raw::PyTypeObject,
}

impl Types {
    fn get() -> Types {
        Types {
            none: &raw const raw::_Py_NoneStruct,
            ellipsis: &raw const raw::_Py_EllipsisObject,
            not_implemented: &raw const raw::_Py_NotImplementedStruct,
            // SAFETY: set once, before the program starts (_PyExc_Init).
            stop_iteration: unsafe { raw::PyExc_StopIteration },
            bool: &raw const raw::PyBool_Type,
            int: &raw const raw::PyInt_Type,
            long: &raw const raw::PyLong_Type,
            float: &raw const raw::PyFloat_Type,
            complex: &raw const raw::PyComplex_Type,
            str: &raw const raw::PyString_Type,
            unicode: &raw const raw::PyUnicode_Type,
            tuple: &raw const raw::PyTuple_Type,
            list: &raw const raw::PyList_Type,
            dict: &raw const raw::PyDict_Type,
            set: &raw const raw::PySet_Type,
            frozenset: &raw const raw::PyFrozenSet_Type,
            code: &raw const raw::PyCode_Type,
            bytearray: &raw const raw::PyByteArray_Type,
            slice: &raw const raw::PySlice_Type,
            xrange: &raw const raw::PyRange_Type,
            builtin: &raw const raw::PyCFunction_Type,
            old_class: &raw const raw::PyClass_Type,
            type_: &raw const raw::PyType_Type,
        }
    }
}
