//! What a constant is, without the interpreter: what `render` and `marshal` work on.
//!
//! The hook describes live objects so, and readers describe what a recording or a `.pyc` holds.

use std::ops::Deref;

/// One object. `R` is a reference to another object.
#[derive(Clone, Debug, PartialEq)]
pub enum View<'a, R> {
    /// `None`
    None,
    /// `True`, `False`
    Bool(bool),
    /// An `int`
    Int(i64),
    /// A `long`
    Long(Long),
    /// A `float`
    Float(f64),
    /// A `complex`: real and imaginary part
    Complex(f64, f64),
    /// A `str`
    Str(&'a [u8]),
    /// A `str` that is interned
    Interned(&'a [u8]),
    /// A `unicode`: code points. Surrogates that a UCS4 build keeps apart are apart here.
    Unicode(Vec<u32>),
    /// A `tuple`
    Tuple(Items<'a, R>),
    /// A `list`
    List(Vec<R>),
    /// A `dict`, in the order of its table
    Dict(Vec<(R, R)>),
    /// A `set`, in the order of its table
    Set(Vec<R>),
    /// A `frozenset`, in the order of its table
    FrozenSet(Vec<R>),
    /// `Ellipsis`
    Ellipsis,
    /// `StopIteration`, the one class that marshal can write
    StopIteration,
    /// A code object
    Code(Box<CodeView<'a, R>>),
    /// `NotImplemented`
    NotImplemented,
    /// A `bytearray`
    ByteArray(&'a [u8]),
    /// A `slice`: start, stop, step
    Slice([R; 3]),
    /// An `xrange`: start, step, length
    XRange(i64, i64, i64),
    /// A function of C code that is bound to nothing, by its name
    BuiltinFunction(&'a [u8]),
    /// A type whose own type is `type`
    Type {
        /// Its name, the module's before it
        name: Vec<u8>,
        /// Whether a class statement made it
        is_class: bool,
    },
    /// A class of the old style
    OldClass {
        /// Its name, the module's before it
        name: Vec<u8>,
        /// Its address in memory
        address: usize,
    },
    /// Any other object. Its own `__str__` may be Python code and is not asked: it is written as
    /// `object.__repr__` does.
    Other {
        /// The name of its type, the module's before it
        type_name: Vec<u8>,
        /// Its address in memory
        address: usize,
    },
}

/// The items of a tuple, lent where they lie as references already.
#[derive(Clone, Debug)]
pub enum Items<'a, R> {
    /// Somebody else's
    Lent(&'a [R]),
    /// Made for this
    Owned(Vec<R>),
}

impl<R> Deref for Items<'_, R> {
    type Target = [R];

    fn deref(&self) -> &[R] {
        match self {
            Items::Lent(items) => items,
            Items::Owned(items) => items,
        }
    }
}

impl<R> Default for Items<'_, R> {
    fn default() -> Self {
        Items::Lent(&[])
    }
}

impl<R> From<Vec<R>> for Items<'_, R> {
    fn from(items: Vec<R>) -> Self {
        Items::Owned(items)
    }
}

impl<R: PartialEq> PartialEq for Items<'_, R> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

/// A code object.
#[derive(Clone, Debug, PartialEq)]
pub struct CodeView<'a, R> {
    /// Its address in memory
    pub address: usize,
    /// `co_argcount`, `co_nlocals`, `co_stacksize`, `co_flags`
    pub numbers: [i32; 4],
    /// `co_code`
    pub code: &'a [u8],
    /// `co_consts`, a tuple; `None` for a null pointer, as below
    pub constants: Option<R>,
    /// `co_names`, `co_varnames`, `co_freevars`, `co_cellvars`: tuples
    pub names: [Option<R>; 4],
    /// `co_filename`
    pub file: &'a [u8],
    /// `co_name`
    pub name: &'a [u8],
    /// `co_firstlineno`
    pub first_line: i32,
    /// `co_lnotab`
    pub lines: &'a [u8],
}

/// Describes objects. Two references are equal if they are to the same object, so that a cycle is
/// seen.
pub trait Heap {
    /// A reference to an object.
    type Ref: Copy + Eq + std::hash::Hash;

    /// Describes one object; those inside it stay references.
    fn look(&self, object: Self::Ref) -> View<'_, Self::Ref>;

    /// The bytes of a `str` and whether it is interned, where that is quicker than to look: most of
    /// what code objects hold are strings. `None` says nothing.
    #[inline]
    fn string(&self, _object: Self::Ref) -> Option<(&[u8], bool)> {
        None
    }
}

/// A `long`, as marshal writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Long {
    /// Whether it is below zero
    pub negative: bool,
    /// The digits of its absolute value, of 15 bits each, the lowest first; the last is not 0
    pub digits: Vec<u16>,
}

impl Long {
    /// From the digits of a `PyLongObject`, the lowest first, each of `shift` bits (15 or 30).
    pub fn new(negative: bool, shift: u32, digits: impl Iterator<Item = u32>) -> Long {
        let parts = digits.flat_map(|digit| (0..shift / 15).map(move |part| digit >> (15 * part)));
        let mut digits: Vec<u16> = parts.map(|part| (part & 0x7fff) as u16).collect();
        while digits.last() == Some(&0) {
            digits.pop();
        }
        Long { negative, digits }
    }
}
