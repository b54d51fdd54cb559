//! Values: what the payload of a packet of kind [`super::packet::kind::VALUES`] holds, item by item.
//!
//! The evaluation loop writes them (`Python/ceval_values.h`). Numbers and `None` are in the item.
//! Any other object is in full the first time, and in two bytes after that: it has one of
//! [`SLOTS`] slots until another object takes it. A container holds items again. What an
//! instruction's items are is the reader's business, in `recording`.

use super::fields::Fields;
use super::packet::Fault;
use bytecode::heap::Long;

/// Objects that a reader remembers.
pub const SLOTS: usize = 8192;

/// Objects inside each other in one item at most; a writer keeps to far fewer.
const MOST_NESTED: u32 = 64;

/// The first byte of an item.
mod tag {
    pub const NOTHING: u8 = 0;
    pub const NONE: u8 = 1;
    pub const FALSE: u8 = 2;
    pub const TRUE: u8 = 3;
    pub const ELLIPSIS: u8 = 4;
    pub const NOT_IMPLEMENTED: u8 = 5;
    pub const INT: u8 = 6;
    pub const FLOAT: u8 = 7;
    pub const OBJECT: u8 = 8;
    pub const LEFT_OUT: u8 = 9;
    pub const EXHAUSTED: u8 = 10;
    pub const OTHER: u8 = 11;
    pub const CHANGED: u8 = 12;
    pub const RAISED: u8 = 13;
    pub const LOCALS: u8 = 14;
    pub const UNBOUND: u8 = 15;
    pub const FRAME: u8 = 16;
    pub const CELL: u8 = 17;
    pub const STATE: u8 = 18;
    pub const APPENDED: u8 = 19;
    /// The first of those that hold the upper bits of a slot, 32 of them.
    pub const REFERENCE: u8 = 0x40;
    pub const REFERENCE_LAST: u8 = 0x5f;
    /// The first of those that hold the upper bits of an `int`.
    pub const SMALL: u8 = 0x80;
}

/// The first byte of [`Item::Raised`].
pub const RAISED: u8 = tag::RAISED;

/// The first byte of [`Item::State`].
pub const STATE: u8 = tag::STATE;

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Known by its type and its address
    Other,
    /// A `str`
    Str,
    /// A `unicode`
    Unicode,
    /// A `long`
    Long,
    /// A `complex`
    Complex,
    /// A `tuple`
    Tuple,
    /// A `list`
    List,
    /// A `set`
    Set,
    /// A `frozenset`
    FrozenSet,
    /// A `dict`
    Dict,
    /// A `bytearray`
    ByteArray,
    /// A `slice`
    Slice,
    /// An `xrange`
    XRange,
    /// A function or a method of C code
    Builtin,
    /// A type whose own type is `type`
    Type,
    /// A class of the old style
    OldClass,
    /// An instance of such a class
    Instance,
    /// A function
    Function,
    /// A method, bound or not
    Method,
    /// A module
    Module,
    /// A generator
    Generator,
    /// A file
    File,
    /// A code object
    Code,
    /// An exception whose `repr()` is that of `BaseException`
    Exception,
    /// A descriptor of C code
    Descriptor,
    /// A slot of C code that is bound to an object
    Wrapper,
    /// A type whose own type is another than `type`
    Meta,
}

/// By number.
const KINDS: [Kind; 27] = [
    Kind::Other,
    Kind::Str,
    Kind::Unicode,
    Kind::Long,
    Kind::Complex,
    Kind::Tuple,
    Kind::List,
    Kind::Set,
    Kind::FrozenSet,
    Kind::Dict,
    Kind::ByteArray,
    Kind::Slice,
    Kind::XRange,
    Kind::Builtin,
    Kind::Type,
    Kind::OldClass,
    Kind::Instance,
    Kind::Function,
    Kind::Method,
    Kind::Module,
    Kind::Generator,
    Kind::File,
    Kind::Code,
    Kind::Exception,
    Kind::Descriptor,
    Kind::Wrapper,
    Kind::Meta,
];

/// One item.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// No value: a local or a cell that is not bound.
    Nothing,
    /// `None`
    None,
    /// `True`, `False`
    Bool(bool),
    /// `Ellipsis`
    Ellipsis,
    /// `NotImplemented`
    NotImplemented,
    /// An `int`
    Int(i64),
    /// A `float`
    Float(f64),
    /// The object of a slot.
    Reference(u16),
    /// An object, as it is now. Its slot is its own from the start of the item on.
    Object(Box<Object<Item>>),
    /// An object inside another whose content is not here.
    LeftOut {
        /// What it is.
        kind: Kind,
        /// Its address.
        address: u64,
    },
    /// `FOR_ITER` found no other item.
    Exhausted,
    /// The object that an instruction may have changed has no content that is shown.
    Other,
    /// The next item is an object that a call has changed.
    Changed,
    /// An exception has reached a handler: its traceback, value and type are the next items.
    Raised,
    /// All locals of the running frame follow, then its cells.
    Locals,
    /// The variable that the next instruction stores was unbound, so that a `str` could grow in place.
    Unbound,
    /// The address of the running frame, which is a generator's.
    Frame(u64),
    /// The address of a cell; its content is the next item.
    Cell(u64),
    /// A call has appended to a list: the next items are the list and its new member.
    Appended,
    /// All that is in the running frame follows: how many values are on the stack, and these; how many
    /// blocks there are, and the opcode, handler and level of each; then as after [`Item::Locals`].
    State,
}

/// An object. `R` is what stands for the objects inside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Object<R> {
    /// Its slot.
    pub slot: u16,
    /// Its address.
    pub address: u64,
    /// What it is and holds.
    pub content: Content<R>,
}

/// A text of which only the start may be there.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Part<T> {
    /// Its length.
    pub length: u64,
    /// Its start.
    pub start: Vec<T>,
}

/// What an object is and holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Content<R> {
    /// An object of this type
    Other(R),
    /// A `str`
    Str(Part<u8>),
    /// A `unicode`, in units
    Unicode(Part<u32>),
    /// A `long`, and how many bits it has; without digits if there are too many
    Long(Long, u64),
    /// A `complex`
    Complex(f64, f64),
    /// A `tuple`
    Tuple(Part<R>),
    /// A `list`
    List(Part<R>),
    /// A `set`
    Set(Part<R>),
    /// A `frozenset`
    FrozenSet(Part<R>),
    /// A `dict`
    Dict(Part<(R, R)>),
    /// A `bytearray`
    ByteArray(Part<u8>),
    /// A `slice`
    Slice([R; 3]),
    /// An `xrange`: start, step, length
    XRange([i64; 3]),
    /// A function of C code: its name; of a method the address of `self`, and the name of its type
    Builtin(Vec<u8>, Option<(u64, Vec<u8>)>),
    /// A type: whether a class statement made it, and its name, the module's before it
    Type(bool, Vec<u8>),
    /// A class of the old style: its name, the module's before it
    OldClass(Vec<u8>),
    /// An instance of this class of the old style
    Instance(R),
    /// A function of this name
    Function(Vec<u8>),
    /// A method: its function, its class, and `self` if it is bound
    Method([R; 3]),
    /// A module: its name, and its file
    Module(Vec<u8>, Option<Vec<u8>>),
    /// A generator of a function of this name
    Generator(Vec<u8>),
    /// A file
    File {
        /// Whether it is closed.
        is_closed: bool,
        /// Its name, mostly a `str`.
        name: R,
        /// Its mode.
        mode: Vec<u8>,
    },
    /// A code object: its name, its file and its first line
    Code(Vec<u8>, Vec<u8>, u32),
    /// An exception: its type, and its `args`
    Exception(R, R),
    /// A descriptor of C code: which of the four sorts, its name, and that of the type
    Descriptor(u8, Vec<u8>, Vec<u8>),
    /// A bound slot: its name, the address of `self`, and the name of its type
    Wrapper(Vec<u8>, u64, Vec<u8>),
    /// A type: its name, the module's before it, and its own type
    Meta(Vec<u8>, R),
}

impl<R> Content<R> {
    /// The same with something else for the objects inside.
    pub fn map<S>(self, mut f: impl FnMut(R) -> S) -> Content<S> {
        fn part<R, S>(part: Part<R>, f: impl FnMut(R) -> S) -> Part<S> {
            Part { length: part.length, start: part.start.into_iter().map(f).collect() }
        }
        match self {
            Content::Other(of) => Content::Other(f(of)),
            Content::Str(text) => Content::Str(text),
            Content::Unicode(text) => Content::Unicode(text),
            Content::Long(value, bits) => Content::Long(value, bits),
            Content::Complex(real, imaginary) => Content::Complex(real, imaginary),
            Content::Tuple(items) => Content::Tuple(part(items, f)),
            Content::List(items) => Content::List(part(items, f)),
            Content::Set(items) => Content::Set(part(items, f)),
            Content::FrozenSet(items) => Content::FrozenSet(part(items, f)),
            Content::Dict(items) => Content::Dict(part(items, |(key, value)| (f(key), f(value)))),
            Content::ByteArray(text) => Content::ByteArray(text),
            Content::Slice(parts) => Content::Slice(parts.map(f)),
            Content::XRange(parts) => Content::XRange(parts),
            Content::Builtin(name, of) => Content::Builtin(name, of),
            Content::Type(is_class, name) => Content::Type(is_class, name),
            Content::OldClass(name) => Content::OldClass(name),
            Content::Instance(of) => Content::Instance(f(of)),
            Content::Function(name) => Content::Function(name),
            Content::Method(parts) => Content::Method(parts.map(f)),
            Content::Module(name, file) => Content::Module(name, file),
            Content::Generator(name) => Content::Generator(name),
            Content::File { is_closed, name, mode } => {
                Content::File { is_closed, name: f(name), mode }
            }
            Content::Code(name, file, line) => Content::Code(name, file, line),
            Content::Exception(of, arguments) => {
                let of = f(of);
                Content::Exception(of, f(arguments))
            }
            Content::Descriptor(sort, name, of) => Content::Descriptor(sort, name, of),
            Content::Wrapper(name, address, of) => Content::Wrapper(name, address, of),
            Content::Meta(name, of) => Content::Meta(name, f(of)),
        }
    }
}

/// Reads an item.
///
/// # Errors
///
/// [`Fault::Short`] where the bytes end inside it, and bytes that are no item.
pub fn read(fields: &mut Fields) -> Result<Item, Fault> {
    read_nested(fields, MOST_NESTED)
}

fn read_nested(fields: &mut Fields, depth: u32) -> Result<Item, Fault> {
    Ok(match fields.byte()? {
        tag::NOTHING => Item::Nothing,
        tag::NONE => Item::None,
        tag::FALSE => Item::Bool(false),
        tag::TRUE => Item::Bool(true),
        tag::ELLIPSIS => Item::Ellipsis,
        tag::NOT_IMPLEMENTED => Item::NotImplemented,
        tag::INT => Item::Int(fields.word()? as i64),
        tag::FLOAT => Item::Float(f64::from_bits(fields.word()?)),
        tag::OBJECT => {
            let depth = depth.checked_sub(1).ok_or(Fault::Payload)?;
            let slot = u16::from_le_bytes([fields.byte()?, fields.byte()?]);
            if slot as usize >= SLOTS {
                return Err(Fault::Number);
            }
            let kind = kind(fields)?;
            let address = fields.word()?;
            let content = content(fields, kind, depth)?;
            Item::Object(Box::new(Object { slot, address, content }))
        }
        tag::LEFT_OUT => Item::LeftOut { kind: kind(fields)?, address: fields.word()? },
        tag::EXHAUSTED => Item::Exhausted,
        tag::OTHER => Item::Other,
        tag::CHANGED => Item::Changed,
        tag::RAISED => Item::Raised,
        tag::LOCALS => Item::Locals,
        tag::UNBOUND => Item::Unbound,
        tag::FRAME => Item::Frame(fields.word()?),
        tag::CELL => Item::Cell(fields.word()?),
        tag::STATE => Item::State,
        tag::APPENDED => Item::Appended,
        high @ tag::REFERENCE..=tag::REFERENCE_LAST => {
            Item::Reference(u16::from(high - tag::REFERENCE) << 8 | u16::from(fields.byte()?))
        }
        high @ tag::SMALL.. => {
            let bits = i64::from(high & 0x7f) << 8 | i64::from(fields.byte()?);
            // 15 bits, the highest of them the sign.
            Item::Int(bits << 49 >> 49)
        }
        tag => return Err(Fault::Kind(tag)),
    })
}

fn kind(fields: &mut Fields) -> Result<Kind, Fault> {
    let number = fields.byte()?;
    KINDS.get(number as usize).copied().ok_or(Fault::Kind(number))
}

fn text(fields: &mut Fields) -> Result<Vec<u8>, Fault> {
    let length = usize::try_from(fields.number()?).map_err(|_| Fault::Number)?;
    fields.take(length).map(<[u8]>::to_vec)
}

/// A length, how much of it is there, and that. Each element takes a byte at least, so that no
/// length asks for more memory than there are bytes.
fn part<T>(
    fields: &mut Fields,
    mut one: impl FnMut(&mut Fields) -> Result<T, Fault>,
) -> Result<Part<T>, Fault> {
    let (length, shown) = (fields.number()?, fields.number()?);
    if shown > length {
        return Err(Fault::Number);
    }
    let mut start = Vec::new();
    for _ in 0..shown {
        start.push(one(fields)?);
    }
    Ok(Part { length, start })
}

fn bytes(fields: &mut Fields) -> Result<Part<u8>, Fault> {
    let (length, shown) = (fields.number()?, fields.number()?);
    if shown > length {
        return Err(Fault::Number);
    }
    let shown = usize::try_from(shown).map_err(|_| Fault::Number)?;
    Ok(Part { length, start: fields.take(shown)?.to_vec() })
}

fn long(fields: &mut Fields) -> Result<Content<Item>, Fault> {
    let (negative, shift) = (fields.byte()? != 0, fields.byte()?);
    let (bits, count) = (fields.number()?, fields.number()?);
    let mut digits = Vec::new();
    for _ in 0..count {
        digits.push(fields.small()?);
    }
    let shift = if shift == 30 { 30 } else { 15 };
    Ok(Content::Long(Long::new(negative, shift, digits.into_iter()), bits))
}

fn content(fields: &mut Fields, kind: Kind, depth: u32) -> Result<Content<Item>, Fault> {
    let item = |fields: &mut Fields| read_nested(fields, depth);
    Ok(match kind {
        Kind::Other => Content::Other(item(fields)?),
        Kind::Str => Content::Str(bytes(fields)?),
        Kind::Unicode => Content::Unicode(part(fields, |fields| fields.small())?),
        Kind::Long => long(fields)?,
        Kind::Complex => {
            let mut part = || fields.word().map(f64::from_bits);
            Content::Complex(part()?, part()?)
        }
        Kind::Tuple => Content::Tuple(part(fields, item)?),
        Kind::List => Content::List(part(fields, item)?),
        Kind::Set => Content::Set(part(fields, item)?),
        Kind::FrozenSet => Content::FrozenSet(part(fields, item)?),
        Kind::Dict => Content::Dict(part(fields, |fields| Ok((item(fields)?, item(fields)?)))?),
        Kind::ByteArray => Content::ByteArray(bytes(fields)?),
        Kind::Slice => Content::Slice([item(fields)?, item(fields)?, item(fields)?]),
        Kind::XRange => {
            let mut part = || fields.word().map(|word| word as i64);
            Content::XRange([part()?, part()?, part()?])
        }
        Kind::Builtin => {
            let name = text(fields)?;
            let of = match fields.byte()? {
                0 => None,
                _ => Some((fields.word()?, text(fields)?)),
            };
            Content::Builtin(name, of)
        }
        Kind::Type => Content::Type(fields.byte()? != 0, text(fields)?),
        Kind::OldClass => Content::OldClass(text(fields)?),
        Kind::Instance => Content::Instance(item(fields)?),
        Kind::Function => Content::Function(text(fields)?),
        Kind::Method => Content::Method([item(fields)?, item(fields)?, item(fields)?]),
        Kind::Module => {
            let name = text(fields)?;
            let file = match fields.byte()? {
                0 => None,
                _ => Some(text(fields)?),
            };
            Content::Module(name, file)
        }
        Kind::Generator => Content::Generator(text(fields)?),
        Kind::File => Content::File {
            is_closed: fields.byte()? != 0,
            name: item(fields)?,
            mode: text(fields)?,
        },
        Kind::Code => Content::Code(text(fields)?, text(fields)?, fields.small()?),
        Kind::Exception => Content::Exception(item(fields)?, item(fields)?),
        Kind::Descriptor => Content::Descriptor(fields.byte()?, text(fields)?, text(fields)?),
        Kind::Wrapper => Content::Wrapper(text(fields)?, fields.word()?, text(fields)?),
        Kind::Meta => Content::Meta(text(fields)?, item(fields)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(bytes: &[u8]) -> Result<Item, Fault> {
        let mut fields = Fields { bytes, at: 0 };
        let item = read(&mut fields)?;
        assert_eq!(fields.at, bytes.len());
        Ok(item)
    }

    #[test]
    fn numbers_are_in_the_item() {
        for (bytes, value) in
            [([0x80, 0], 0), ([0xbf, 0xff], 0x3fff), ([0xff, 0xff], -1), ([0xc0, 0], -0x4000)]
        {
            assert_eq!(one(&bytes), Ok(Item::Int(value)));
        }
        let large = [&[tag::INT][..], &i64::MIN.to_le_bytes()].concat();
        assert_eq!(one(&large), Ok(Item::Int(i64::MIN)));
        assert_eq!(one(&[0x41, 2]), Ok(Item::Reference(0x102)));
    }

    /// A list in slot 3 that holds itself and a `str`.
    #[test]
    fn an_object_holds_items() {
        let mut bytes = vec![tag::OBJECT, 3, 0, 6];
        bytes.extend_from_slice(&7u64.to_le_bytes());
        bytes.extend_from_slice(&[5, 2, 0x40, 3, tag::OBJECT, 4, 0, 1]);
        bytes.extend_from_slice(&8u64.to_le_bytes());
        bytes.extend_from_slice(&[300u32 as u8 | 0x80, 2, 2, b'a', b'b']);
        let text = Part { length: 300, start: b"ab".to_vec() };
        let inner = Object { slot: 4, address: 8, content: Content::Str(text) };
        let start = vec![Item::Reference(3), Item::Object(Box::new(inner))];
        let list = Content::List(Part { length: 5, start });
        let wanted = Item::Object(Box::new(Object { slot: 3, address: 7, content: list }));
        assert_eq!(one(&bytes), Ok(wanted));
        for length in 0..bytes.len() {
            let mut fields = Fields { bytes: &bytes[..length], at: 0 };
            assert_eq!(read(&mut fields), Err(Fault::Short), "{length}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert_eq!(one(&[0x3f]), Err(Fault::Kind(0x3f)));
        assert_eq!(one(&[tag::OBJECT, 0, 0x20, 1]), Err(Fault::Number));
        let object =
            |kind: u8, rest: &[u8]| [&[tag::OBJECT, 0, 0, kind][..], &[0; 8], rest].concat();
        assert_eq!(one(&object(99, &[])), Err(Fault::Kind(99)));
        // More there than it has; lengths that no memory has.
        assert_eq!(one(&object(1, &[1, 2])), Err(Fault::Number));
        let endless = [&[0xff; 9][..], &[1], &[0xff; 9], &[1]].concat();
        assert_eq!(one(&object(6, &endless)), Err(Fault::Short));
        assert_eq!(one(&object(1, &endless)), Err(Fault::Short));
        // Nested deeper than any writer nests.
        let nested = object(6, &[1, 1]).repeat(100_000);
        assert_eq!(one(&nested), Err(Fault::Payload));
    }
}
