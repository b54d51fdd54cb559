//! Writes objects as `marshal.dumps(object, 2)` does (`w_object` in `Python/marshal.c`).
//!
//! In a recording interned strings are never written as references, so the bytes of a nested object
//! are those of the object alone. An object that marshal cannot write becomes [`UNKNOWN`], which no interpreter loads: a
//! reader can say what is missing, and where.

mod nested;

use std::collections::HashMap;
use std::ops::Range;

use crate::heap::{CodeView, Heap, Items, View};
use crate::render::push_utf8;

pub use nested::nested_codes;

/// Deepest nesting, as in `Python/marshal.c` (MAX_MARSHAL_STACK_DEPTH).
pub const DEEPEST: usize = 2000;

/// TYPE_UNKNOWN: an object that marshal has no type for.
pub const UNKNOWN: u8 = b'?';

/// What may still be written. Tuples that share their items describe more than there is memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Bytes
    pub bytes: usize,
    /// Objects
    pub objects: usize,
}

/// An object that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Whether nothing in it can change. What nested code objects hold does not count, here and
    /// below.
    pub is_final: bool,
    /// Whether nothing in it is [`UNKNOWN`].
    pub is_whole: bool,
    /// The addresses of the code objects in it, in their order.
    pub codes: Vec<usize>,
    /// All code objects in it, those inside others too, each after those inside it.
    pub nested: Vec<Nested>,
}

/// A code object that was written as a part of another object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nested {
    /// Its address.
    pub address: usize,
    /// Where its bytes are among those that were written.
    pub place: Range<usize>,
    /// How many of them its constants take.
    pub constants: usize,
    /// As in [`Written`], of its constants.
    pub is_final: bool,
    /// As in [`Written`], of its constants.
    pub is_whole: bool,
    /// The addresses of the code objects among its constants, in their order.
    pub codes: Vec<usize>,
}

/// More than the budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

/// Appends an object that is inside `depth` others. `out` may hold a part of it after an error.
///
/// # Errors
///
/// More than the budget, which what was written is taken from in any case.
pub fn write<H: Heap>(
    heap: &H,
    object: H::Ref,
    depth: usize,
    budget: &mut Budget,
    out: &mut Vec<u8>,
) -> Result<Written, TooLarge> {
    write_with(heap, object, depth, None, budget, out)
}

/// The same for an object that is inside no other, each interned string once.
///
/// # Errors
///
/// More than the budget.
pub fn write_once<H: Heap>(
    heap: &H,
    object: H::Ref,
    budget: &mut Budget,
    out: &mut Vec<u8>,
) -> Result<Written, TooLarge> {
    write_with(heap, object, 0, Some(HashMap::new()), budget, out)
}

/// By their bytes, the places of interned strings among those that were written.
type Strings = HashMap<Vec<u8>, u32>;

fn write_with<H: Heap>(
    heap: &H,
    object: H::Ref,
    depth: usize,
    strings: Option<Strings>,
    budget: &mut Budget,
    out: &mut Vec<u8>,
) -> Result<Written, TooLarge> {
    let mut writer = Writer {
        heap,
        strings,
        budget,
        out,
        written: Written { is_final: true, is_whole: true, codes: Vec::new(), nested: Vec::new() },
        codes: Vec::new(),
    };
    if let Some(open) = writer.object(object, depth + 1)? {
        writer.all(open)?;
    }
    Ok(writer.written)
}

/// What writes, with a stack of its own: constants may nest deeper than the C stack would bear.
struct Writer<'a, H> {
    heap: &'a H,
    strings: Option<Strings>,
    budget: &'a mut Budget,
    out: &'a mut Vec<u8>,
    written: Written,
    /// The code objects that are not at their end, the innermost last.
    codes: Vec<Nested>,
}

/// An object that is not at its end.
enum Open<'a, R> {
    Items { items: Items<'a, R>, next: usize, depth: usize, end: &'static [u8] },
    Code { code: Box<CodeView<'a, R>>, field: Field, depth: usize },
}

/// What comes next of a code object.
#[derive(Clone, Copy)]
enum Field {
    Constants,
    /// One of the four tables of names
    Names(usize),
    Rest,
}

impl<'a, H: Heap> Writer<'a, H> {
    /// Writes an open object to its end, and what is in it.
    fn all(&mut self, open: Open<'a, H::Ref>) -> Result<(), TooLarge> {
        let (mut outer, mut current) = (Vec::new(), open);
        loop {
            match self.next(&mut current)? {
                Some(inner) => outer.push(std::mem::replace(&mut current, inner)),
                None => match outer.pop() {
                    Some(open) => current = open,
                    None => return Ok(()),
                },
            }
        }
    }

    /// Writes what comes next of an open object, up to another one that is to be written first;
    /// `None` at its end.
    fn next(&mut self, open: &mut Open<'a, H::Ref>) -> Result<Option<Open<'a, H::Ref>>, TooLarge> {
        let (code, field, depth) = match open {
            Open::Items { items, next, depth, end } => {
                while let Some(&item) = items.get(*next) {
                    *next += 1;
                    if let Some(inner) = self.object(item, *depth)? {
                        return Ok(Some(inner));
                    }
                }
                if !end.is_empty() {
                    self.raw(end)?;
                }
                return Ok(None);
            }
            Open::Code { code, field, depth } => (code, field, *depth),
        };
        loop {
            let object = match *field {
                Field::Constants => {
                    *field = Field::Names(0);
                    code.constants
                }
                Field::Names(at) => {
                    if at == 0
                        && let Some(innermost) = self.codes.last_mut()
                    {
                        innermost.constants = self.out.len() - innermost.constants;
                    }
                    *field =
                        if at + 1 < code.names.len() { Field::Names(at + 1) } else { Field::Rest };
                    code.names[at]
                }
                Field::Rest => return self.close_code(code).map(|()| None),
            };
            match object {
                Some(object) => {
                    if let Some(inner) = self.object(object, depth)? {
                        return Ok(Some(inner));
                    }
                }
                None => self.raw(b"(\0\0\0\0")?,
            }
        }
    }

    /// Writes an object, or the start of one that holds others.
    #[inline]
    fn object(
        &mut self,
        object: H::Ref,
        depth: usize,
    ) -> Result<Option<Open<'a, H::Ref>>, TooLarge> {
        let start = self.out.len();
        if let Some((bytes, is_interned)) = self.heap.string(object)
            && depth <= DEEPEST
        {
            match is_interned {
                true => interned(bytes, self.strings.as_mut(), self.budget.bytes, self.out)?,
                false if bytes.len() > self.budget.bytes => return Err(TooLarge),
                false => string(b's', bytes, self.out),
            }
            spend(self.budget, self.out.len() - start, 1)?;
            return Ok(None);
        }
        self.other(object, depth)
    }

    /// The same for what is no string.
    fn other(
        &mut self,
        object: H::Ref,
        depth: usize,
    ) -> Result<Option<Open<'a, H::Ref>>, TooLarge> {
        let start = self.out.len();
        let view = self.heap.look(object);
        let mut open = None;
        let is_known = match view {
            // r_object counts the null at the end of a dict as an object inside it.
            View::Dict(_) if depth >= DEEPEST => false,
            _ if depth > DEEPEST => false,
            View::Interned(bytes) => {
                interned(bytes, self.strings.as_mut(), self.budget.bytes, self.out)?;
                true
            }
            View::Tuple(items) => {
                open = Some(self.items(b'(', items, depth)?);
                true
            }
            View::FrozenSet(items) => {
                open = Some(self.items(b'>', items.into(), depth)?);
                true
            }
            View::List(items) => {
                self.changes();
                open = Some(self.items(b'[', items.into(), depth)?);
                true
            }
            View::Set(items) => {
                self.changes();
                open = Some(self.items(b'<', items.into(), depth)?);
                true
            }
            View::Dict(pairs) => {
                self.changes();
                if pairs.len() > self.budget.objects / 2 {
                    return Err(TooLarge);
                }
                self.out.push(b'{');
                let items: Vec<_> =
                    pairs.into_iter().flat_map(|(key, value)| [key, value]).collect();
                let items = Items::Owned(items);
                open = Some(Open::Items { items, next: 0, depth: depth + 1, end: b"0" });
                true
            }
            View::Code(code) if code.code.len() > self.budget.bytes => return Err(TooLarge),
            View::Code(code) => {
                open = Some(self.open_code(code, depth));
                true
            }
            leaf => {
                if matches!(leaf, View::ByteArray(_)) {
                    self.changes();
                }
                write_leaf(&leaf, self.budget.bytes, self.out)?
            }
        };
        if !is_known {
            self.out.push(UNKNOWN);
            self.innermost(|written| &mut written.is_whole, |code| &mut code.is_whole);
        }
        spend(self.budget, self.out.len() - start, 1)?;
        Ok(open)
    }

    fn items(
        &mut self,
        kind: u8,
        items: Items<'a, H::Ref>,
        depth: usize,
    ) -> Result<Open<'a, H::Ref>, TooLarge> {
        if items.len() > self.budget.objects {
            return Err(TooLarge);
        }
        start(kind, items.len(), 0, self.out);
        Ok(Open::Items { items, next: 0, depth: depth + 1, end: b"" })
    }

    fn open_code(&mut self, code: Box<CodeView<'a, H::Ref>>, depth: usize) -> Open<'a, H::Ref> {
        let address = code.address;
        match self.codes.last_mut() {
            Some(outer) => outer.codes.push(address),
            None => self.written.codes.push(address),
        }
        let place = self.out.len()..0;
        self.out.push(b'c');
        code.numbers.iter().for_each(|number| self.out.extend_from_slice(&number.to_le_bytes()));
        string(b's', code.code, self.out);
        self.codes.push(Nested {
            address,
            place,
            // Where they start, until they are at their end.
            constants: self.out.len(),
            is_final: true,
            is_whole: true,
            codes: Vec::new(),
        });
        Open::Code { code, field: Field::Constants, depth: depth + 1 }
    }

    fn close_code(&mut self, code: &CodeView<'a, H::Ref>) -> Result<(), TooLarge> {
        self.bytes(code.file)?;
        let start = self.out.len();
        interned(code.name, self.strings.as_mut(), self.budget.bytes, self.out)?;
        spend(self.budget, self.out.len() - start, 1)?;
        spend(self.budget, 4, 0)?;
        self.out.extend_from_slice(&code.first_line.to_le_bytes());
        self.bytes(code.lines)?;
        if let Some(mut code) = self.codes.pop() {
            code.place.end = self.out.len();
            self.written.nested.push(code);
        }
        Ok(())
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), TooLarge> {
        spend(self.budget, bytes.len() + 5, 1)?;
        string(b's', bytes, self.out);
        Ok(())
    }

    fn raw(&mut self, bytes: &[u8]) -> Result<(), TooLarge> {
        spend(self.budget, bytes.len(), 1)?;
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    /// What was written last can change.
    fn changes(&mut self) {
        self.innermost(|written| &mut written.is_final, |code| &mut code.is_final);
    }

    /// Denies something of the innermost code object, or of the whole.
    fn innermost(
        &mut self,
        whole: impl FnOnce(&mut Written) -> &mut bool,
        inside: impl FnOnce(&mut Nested) -> &mut bool,
    ) {
        match self.codes.last_mut() {
            Some(code) => *inside(code) = false,
            None => *whole(&mut self.written) = false,
        }
    }
}

#[inline]
fn spend(budget: &mut Budget, bytes: usize, objects: usize) -> Result<(), TooLarge> {
    let is_enough = bytes <= budget.bytes && objects <= budget.objects;
    budget.bytes = budget.bytes.saturating_sub(bytes);
    budget.objects = budget.objects.saturating_sub(objects);
    if is_enough { Ok(()) } else { Err(TooLarge) }
}

/// Writes an object that holds no others; false if marshal has no type for it.
fn write_leaf<R>(view: &View<R>, most: usize, out: &mut Vec<u8>) -> Result<bool, TooLarge> {
    match view {
        View::None => out.push(b'N'),
        View::Bool(false) => out.push(b'F'),
        View::Bool(true) => out.push(b'T'),
        View::StopIteration => out.push(b'S'),
        View::Ellipsis => out.push(b'.'),
        View::Int(value) => match i32::try_from(*value) {
            Ok(value) => number(b'i', &value.to_le_bytes(), out),
            Err(_) => number(b'I', &value.to_le_bytes(), out),
        },
        View::Long(long) => {
            let count = i32::try_from(long.digits.len()).map_err(|_| TooLarge)?;
            let count = if long.negative { -count } else { count };
            number(b'l', &count.to_le_bytes(), out);
            long.digits.iter().for_each(|digit| out.extend_from_slice(&digit.to_le_bytes()));
        }
        View::Float(value) => number(b'g', &value.to_le_bytes(), out),
        View::Complex(real, imaginary) => {
            number(b'y', &real.to_le_bytes(), out);
            out.extend_from_slice(&imaginary.to_le_bytes());
        }
        View::Str(bytes) if bytes.len() > most => return Err(TooLarge),
        View::Str(bytes) => string(b's', bytes, out),
        View::Unicode(points) if points.len() > most => return Err(TooLarge),
        View::Unicode(points) => {
            let at = out.len() + 1;
            start(b'u', 0, points.len(), out);
            // PyUnicode_EncodeUTF8 would join surrogates: here two of them stay two when a UCS4
            // build loads them.
            points.iter().for_each(|&point| push_utf8(point, out));
            let count = i32::try_from(out.len() - at - 4).map_err(|_| TooLarge)?;
            out[at..at + 4].copy_from_slice(&count.to_le_bytes());
        }
        _ => return Ok(false),
    }
    Ok(true)
}

#[inline]
fn interned(
    bytes: &[u8],
    strings: Option<&mut Strings>,
    most: usize,
    out: &mut Vec<u8>,
) -> Result<(), TooLarge> {
    if bytes.len() > most {
        return Err(TooLarge);
    }
    if let Some(strings) = strings {
        if let Some(&index) = strings.get(bytes) {
            number(b'R', &index.to_le_bytes(), out);
            return Ok(());
        }
        let next = strings.len() as u32;
        strings.insert(bytes.to_vec(), next);
    }
    string(b't', bytes, out);
    Ok(())
}

fn number(kind: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(kind);
    out.extend_from_slice(bytes);
}

/// A kind and a length, before that many bytes. What is longer than the field exceeded the budget before.
fn start(kind: u8, length: usize, bytes: usize, out: &mut Vec<u8>) {
    let [a, b, c, d] = (length as u32).to_le_bytes();
    out.reserve(5 + bytes);
    out.extend_from_slice(&[kind, a, b, c, d]);
}

#[inline]
fn string(kind: u8, bytes: &[u8], out: &mut Vec<u8>) {
    start(kind, bytes.len(), bytes.len(), out);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests;
