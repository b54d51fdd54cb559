//! What was read from a `.pyc` or a recording, as objects that have text and marshalled bytes.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::ptr;

use super::{Code, Value};
use crate::heap::{CodeView, Heap, Items, Long, View};

/// Code objects and what they hold.
#[derive(Debug)]
pub struct Objects<'a> {
    codes: &'a [Code],
    /// The addresses of code objects in memory, by their index.
    addresses: HashMap<usize, usize>,
}

/// A reference to one of the objects.
#[derive(Clone, Copy, Debug)]
pub enum Item<'a> {
    /// A value
    Value(&'a Value),
    /// A tuple that a code object has
    Table(&'a [Value]),
    /// A code object, by its index
    Code(usize),
}

impl Item<'_> {
    /// Tells objects apart.
    fn identity(&self) -> (bool, usize) {
        match *self {
            Item::Value(Value::Code(index)) => (true, *index),
            Item::Code(index) => (true, index),
            Item::Value(value) => (false, ptr::from_ref(value) as usize),
            Item::Table(items) => (false, items.as_ptr() as usize),
        }
    }
}

impl PartialEq for Item<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for Item<'_> {}

impl Hash for Item<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl<'a> Objects<'a> {
    /// Code objects, some of which were at an address that their text names.
    pub fn new(codes: &'a [Code], addresses: HashMap<usize, usize>) -> Objects<'a> {
        Objects { codes, addresses }
    }

    /// The last code object.
    pub fn last(&self) -> Option<Item<'a>> {
        self.codes.len().checked_sub(1).map(Item::Code)
    }

    fn code(&self, index: usize) -> View<'a, Item<'a>> {
        let Some(code) = self.codes.get(index) else {
            return View::Other { type_name: b"code".to_vec(), address: 0 };
        };
        let names = [&code.names, &code.locals, &code.free, &code.cells];
        View::Code(Box::new(CodeView {
            address: self.addresses.get(&index).copied().unwrap_or(0),
            numbers: code.numbers,
            code: &code.code,
            constants: Some(Item::Table(&code.constants)),
            names: names.map(|names| Some(Item::Table(names))),
            file: &code.file,
            name: &code.name,
            first_line: code.first_line,
            lines: &code.line_table,
        }))
    }
}

impl<'a> Heap for Objects<'a> {
    type Ref = Item<'a>;

    fn look(&self, object: Item<'a>) -> View<'a, Item<'a>> {
        let all = |items: &'a [Value]| items.iter().map(Item::Value).collect();
        let value = match object {
            Item::Value(value) => value,
            Item::Table(items) => return View::Tuple(Items::Owned(all(items))),
            Item::Code(index) => return self.code(index),
        };
        match value {
            Value::None => View::None,
            Value::Bool(value) => View::Bool(*value),
            Value::StopIteration => View::StopIteration,
            Value::Ellipsis => View::Ellipsis,
            Value::Int(value) => View::Int(*value),
            Value::Long { negative, digits } => {
                View::Long(Long { negative: *negative, digits: digits.to_vec() })
            }
            Value::Float(value) => View::Float(*value),
            Value::Complex(real, imaginary) => View::Complex(*real, *imaginary),
            Value::Str(bytes) => View::Str(bytes),
            Value::Interned(bytes) => View::Interned(bytes),
            Value::Unicode(bytes) => View::Unicode(points(bytes)),
            Value::Tuple(items) => View::Tuple(Items::Owned(all(items))),
            Value::List(items) => View::List(all(items)),
            Value::Set(items) => View::Set(all(items)),
            Value::FrozenSet(items) => View::FrozenSet(all(items)),
            Value::Dict(items) => {
                let pairs = items.chunks_exact(2);
                View::Dict(
                    pairs.map(|pair| (Item::Value(&pair[0]), Item::Value(&pair[1]))).collect(),
                )
            }
            Value::Code(index) => self.code(*index),
            Value::Unknown => View::Other { type_name: b"unknown".to_vec(), address: 0 },
        }
    }
}

/// PyUnicode_DecodeUTF8 on a UCS4 build, which takes surrogates. Where the interpreter would find
/// an error the byte is skipped, and U+FFFD takes its place.
fn points(bytes: &[u8]) -> Vec<u32> {
    let mut points = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&first, after)) = rest.split_first() {
        let (count, bits, least) = match first {
            0..0x80 => (0, u32::from(first), 0),
            0xc2..0xe0 => (1, u32::from(first & 0x1f), 0x80),
            0xe0..0xf0 => (2, u32::from(first & 0xf), 0x800),
            0xf0..0xf5 => (3, u32::from(first & 7), 0x1_0000),
            _ => (0, 0xfffd, 0),
        };
        let tail = after.get(..count).filter(|tail| tail.iter().all(|byte| byte & 0xc0 == 0x80));
        let point = tail
            .map(|tail| tail.iter().fold(bits, |point, byte| point << 6 | u32::from(byte & 0x3f)));
        match point.filter(|point| (least..0x11_0000).contains(point)) {
            Some(point) => {
                points.push(point);
                rest = &after[count..];
            }
            None => {
                points.push(0xfffd);
                rest = after;
            }
        }
    }
    points
}
