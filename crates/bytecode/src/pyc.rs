//! `.pyc` files of Python 2.7, read and written: the code objects in them, by the rules of
//! `Python/marshal.c`.
//!
//! The reader trusts nothing: no allocation that a length field dictates, nesting bounded as
//! marshal bounds it, a stack of its own. How a constant reads is in [`Value`]; what the
//! instructions are is left to `disassemble`.

use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

mod objects;
mod value;

pub use objects::{Item, Objects};
pub use value::Value;

use crate::marshal::{self, Budget, DEEPEST, TooLarge};

/// What a `.pyc` of 2.7 begins with; four bytes of time stamp follow.
pub const MAGIC: [u8; 4] = [0x03, 0xf3, 0x0d, 0x0a];
/// A code object.
#[derive(Clone, Debug, Default)]
pub struct Code {
    /// `co_argcount`, `co_nlocals`, `co_stacksize`, `co_flags`
    pub numbers: [i32; 4],
    /// `co_code`
    pub code: Rc<[u8]>,
    /// `co_consts`
    pub constants: Vec<Value>,
    /// `co_names`
    pub names: Vec<Value>,
    /// `co_varnames`
    pub locals: Vec<Value>,
    /// `co_freevars`
    pub free: Vec<Value>,
    /// `co_cellvars`
    pub cells: Vec<Value>,
    /// `co_filename`
    pub file: Rc<[u8]>,
    /// `co_name`
    pub name: Rc<[u8]>,
    /// `co_firstlineno`
    pub first_line: i32,
    /// `co_lnotab`
    pub line_table: Rc<[u8]>,
}

/// The code objects of a file.
#[derive(Clone, Debug, Default)]
pub struct Pyc {
    /// All of them; a [`Value::Code`] is an index into this. What a code object holds comes
    /// before it, so the program's own is the last.
    pub codes: Vec<Code>,
}

/// Why the bytes are no `.pyc`, and where.
#[derive(Debug)]
pub struct Error {
    at: usize,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Magic,
    End,
    Type(u8),
    Depth,
    Length(i32),
    Reference(i32),
    Field(&'static str),
    NoCode,
    Number,
    Null,
    Trailing,
    TooMany,
}

impl Error {
    /// The offset of the byte that is wrong.
    pub fn at(&self) -> usize {
        self.at
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "byte {}: ", self.at)?;
        match self.kind {
            Kind::Magic => write!(f, "not a `.pyc` of Python 2.7, which begins with 03 f3 0d 0a"),
            Kind::End => write!(f, "the file ends in the middle of an object"),
            Kind::Type(byte) => write!(f, "marshal has no type `{}`", byte.escape_ascii()),
            Kind::Depth => write!(f, "objects nest deeper than {DEEPEST}"),
            Kind::Length(length) => write!(f, "{length} is no length"),
            Kind::Reference(index) => write!(f, "there is no interned string {index}"),
            Kind::Field(field) => write!(f, "`{field}` of a code object has the wrong type"),
            Kind::NoCode => write!(f, "the file holds something else than a code object"),
            Kind::Number => write!(f, "a number that is not one"),
            Kind::Null => write!(f, "no object where one must be"),
            Kind::Trailing => write!(f, "something follows the constants"),
            Kind::TooMany => write!(f, "there are too many objects"),
        }
    }
}

impl std::error::Error for Error {}

impl Pyc {
    /// Reads a `.pyc`. What stands behind the code object is not looked at, as in the interpreter.
    pub fn read(bytes: &[u8]) -> Result<Pyc, Error> {
        if bytes.get(..4) != Some(&MAGIC) {
            return Err(Error { at: 0, kind: Kind::Magic });
        }
        let mut reader = Reader::new(bytes, 8);
        match reader.object()? {
            Value::Code(_) => Ok(Pyc { codes: reader.codes }),
            _ => Err(Error { at: 8, kind: Kind::NoCode }),
        }
    }

    /// Reads the constants of a code object that is no [`Code`]: a marshalled tuple and nothing after
    /// it. In it [`Value::Unknown`] may be where marshal has no type for an object.
    ///
    /// # Errors
    ///
    /// Other bytes, and more than `most` objects.
    pub fn read_constants(bytes: &[u8], most: usize) -> Result<(Vec<Value>, Vec<Code>), Error> {
        let mut reader = Reader { objects: most, knows_unknown: true, ..Reader::new(bytes, 0) };
        // It is inside a code object.
        match reader.object_inside(1)? {
            Value::Tuple(_) if reader.at != bytes.len() => {
                Err(Error { at: reader.at, kind: Kind::Trailing })
            }
            Value::Tuple(constants) => Ok((constants, reader.codes)),
            _ => Err(Error { at: 0, kind: Kind::Field("co_consts") }),
        }
    }

    /// Where each constant is in the bytes that [`Pyc::read_constants`] reads.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn constant_places(bytes: &[u8], most: usize) -> Result<Vec<Place>, Error> {
        let objects = most.saturating_sub(1);
        let mut reader = Reader { objects, knows_unknown: true, ..Reader::new(bytes, 0) };
        let Part::Open(Shape::Tuple, count) = reader.part()? else {
            return Err(Error { at: 0, kind: Kind::Field("co_consts") });
        };
        let (mut places, mut codes) = (Vec::new(), 0);
        for _ in 0..count {
            let start = reader.at;
            let mut direct = Vec::new();
            reader.object_inside(2)?.codes(&mut direct);
            reader.codes.clear();
            places.push(Place { start, end: reader.at, codes });
            codes += direct.len();
        }
        match reader.at == bytes.len() {
            true => Ok(places),
            false => Err(Error { at: reader.at, kind: Kind::Trailing }),
        }
    }

    /// Reads one of them, and the code objects in it.
    ///
    /// # Errors
    ///
    /// Other bytes than those that the place is of.
    pub fn read_constant(bytes: &[u8], place: &Place) -> Result<(Value, Vec<Code>), Error> {
        let bytes = bytes.get(..place.end).unwrap_or_default();
        let mut reader = Reader { knows_unknown: true, ..Reader::new(bytes, place.start) };
        reader.object_inside(2).map(|value| (value, reader.codes))
    }

    /// Writes the program's code object, the last of them, with zeros as time stamp.
    ///
    /// # Errors
    ///
    /// Constants that no `.pyc` can hold; more bytes than marshal can count.
    pub fn write(&self) -> Result<Vec<u8>, Unwritable> {
        let unknown = self.unknown();
        if !unknown.is_empty() {
            return Err(Unwritable::Constants(unknown));
        }
        let objects = Objects::new(&self.codes, HashMap::new());
        let program = objects.last().ok_or(Unwritable::Nothing)?;
        let mut out = [MAGIC, [0; 4]].concat();
        let mut budget = Budget { bytes: i32::MAX as usize, objects: usize::MAX };
        let written = marshal::write_once(&objects, program, &mut budget, &mut out);
        match written.map_err(|TooLarge| Unwritable::TooLarge)?.is_whole {
            true => Ok(out),
            false => Err(Unwritable::TooDeep),
        }
    }

    /// Where there is an object that marshal has no type for: the code object's index, and that
    /// of the constant.
    pub fn unknown(&self) -> Vec<(usize, usize)> {
        let codes = self.codes.iter().enumerate();
        let constants = codes.flat_map(|(code, of)| {
            of.constants.iter().enumerate().map(move |(index, value)| (code, index, value))
        });
        let unknown = constants.filter(|(.., value)| value.holds_unknown());
        unknown.map(|(code, index, _)| (code, index)).collect()
    }

    /// The code objects of that `co_name`, in the order in which the source has them.
    pub fn named<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a Code> {
        self.codes.iter().filter(move |code| *code.name == *name)
    }
}

/// Where a constant is in the bytes of all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its first byte.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
    /// How many code objects the constants before it hold, those inside code objects not counted.
    pub codes: usize,
}

/// Why code objects are no `.pyc`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unwritable {
    /// Constants that marshal has no type for, as [`Pyc::unknown`] names them.
    Constants(Vec<(usize, usize)>),
    /// Objects nest deeper than marshal allows.
    TooDeep,
    /// It would be 2 GiB or larger.
    TooLarge,
    /// There is no code object.
    Nothing,
}

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Unwritable::Constants(all) => {
                write!(f, "{} of its constants cannot be in a `.pyc`", all.len())
            }
            Unwritable::TooDeep => write!(f, "its constants nest deeper than {DEEPEST}"),
            Unwritable::TooLarge => write!(f, "it is larger than a `.pyc` can be"),
            Unwritable::Nothing => write!(f, "there is no code object"),
        }
    }
}

impl std::error::Error for Unwritable {}

impl Code {
    /// The line of the instruction at `offset`, by the rule of `PyCode_Addr2Line`: the table's
    /// bytes are unsigned.
    pub fn line(&self, offset: usize) -> i64 {
        let mut line = i64::from(self.first_line);
        let mut at = 0;
        for pair in self.line_table.chunks_exact(2) {
            at += usize::from(pair[0]);
            if at > offset {
                break;
            }
            line += i64::from(pair[1]);
        }
        line
    }
}

/// An object of which some items are read.
struct Open {
    at: usize,
    kind: Shape,
    /// Items still to come; a dict ends at a null instead.
    left: usize,
    items: Vec<Value>,
}

enum Shape {
    Tuple,
    List,
    Set,
    FrozenSet,
    Dict,
    Code([i32; 4]),
    /// The rest of a code object, from `co_firstlineno`.
    CodeEnd([i32; 4], i32),
}

/// The objects of a code object before `co_firstlineno`, in the order of `w_object`.
const FIELDS: usize = 8;

enum Part {
    Whole(Value),
    Open(Shape, usize),
    Null,
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    interned: Vec<Rc<[u8]>>,
    codes: Vec<Code>,
    /// Objects that may still come.
    objects: usize,
    /// Whether [`marshal::UNKNOWN`] is an object.
    knows_unknown: bool,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8], at: usize) -> Reader<'a> {
        let (interned, codes) = (Vec::new(), Vec::new());
        Reader { bytes, at, interned, codes, objects: usize::MAX, knows_unknown: false }
    }

    fn object(&mut self) -> Result<Value, Error> {
        self.object_inside(0)
    }

    /// An object that is inside `depth` others.
    fn object_inside(&mut self, depth: usize) -> Result<Value, Error> {
        let mut open: Vec<Open> = Vec::new();
        loop {
            let at = self.at;
            // What nests too deeply to be written is unknown there.
            let is_unknown = self.knows_unknown && self.bytes.get(at) == Some(&marshal::UNKNOWN);
            if open.len() + depth >= DEEPEST && !is_unknown {
                return Err(Error { at, kind: Kind::Depth });
            }
            let left = self.objects.checked_sub(1);
            self.objects = left.ok_or(Error { at, kind: Kind::TooMany })?;
            let mut whole = match self.part()? {
                Part::Whole(value) => Some(value),
                Part::Open(kind, left) => {
                    open.push(Open { at, kind, left, items: Vec::new() });
                    None
                }
                Part::Null => match open.last_mut() {
                    Some(Open { kind: Shape::Dict, left, items, .. }) if items.len() % 2 == 0 => {
                        *left = 0;
                        None
                    }
                    _ => return Err(Error { at, kind: Kind::Null }),
                },
            };
            // What is whole goes into what is open, which may make that whole.
            loop {
                if let Some(value) = whole.take() {
                    let Some(parent) = open.last_mut() else { return Ok(value) };
                    parent.items.push(value);
                    if !matches!(parent.kind, Shape::Dict) {
                        parent.left -= 1;
                    }
                }
                let Some(last) = open.last_mut() else { break };
                if last.left > 0 {
                    break;
                }
                if let Shape::Code(numbers) = last.kind {
                    last.left = 1;
                    last.kind = Shape::CodeEnd(numbers, self.long()?);
                    break;
                }
                whole = match open.pop() {
                    Some(done) => Some(self.close(done)?),
                    None => None,
                };
            }
        }
    }

    /// One object without those inside it.
    fn part(&mut self) -> Result<Part, Error> {
        let at = self.at;
        let value = match self.byte()? {
            b'0' => return Ok(Part::Null),
            b'N' => Value::None,
            b'F' => Value::Bool(false),
            b'T' => Value::Bool(true),
            b'S' => Value::StopIteration,
            b'.' => Value::Ellipsis,
            b'i' => Value::Int(self.long()?.into()),
            b'I' => Value::Int(i64::from_le_bytes(self.array()?)),
            b'f' => Value::Float(self.short_float()?),
            b'g' => Value::Float(f64::from_le_bytes(self.array()?)),
            b'x' => Value::Complex(self.short_float()?, self.short_float()?),
            b'y' => {
                Value::Complex(f64::from_le_bytes(self.array()?), f64::from_le_bytes(self.array()?))
            }
            b'l' => self.big()?,
            b's' => Value::Str(self.string()?),
            b't' => {
                let string = self.string()?;
                self.interned.push(Rc::clone(&string));
                Value::Interned(string)
            }
            b'R' => {
                let index = self.long()?;
                let found = usize::try_from(index).ok().and_then(|index| self.interned.get(index));
                let missing = Error { at, kind: Kind::Reference(index) };
                Value::Interned(Rc::clone(found.ok_or(missing)?))
            }
            b'u' => Value::Unicode(self.string()?),
            b'(' => return Ok(Part::Open(Shape::Tuple, self.length()?)),
            b'[' => return Ok(Part::Open(Shape::List, self.length()?)),
            b'<' => return Ok(Part::Open(Shape::Set, self.length()?)),
            b'>' => return Ok(Part::Open(Shape::FrozenSet, self.length()?)),
            b'{' => return Ok(Part::Open(Shape::Dict, usize::MAX)),
            b'c' => {
                let numbers = [self.long()?, self.long()?, self.long()?, self.long()?];
                return Ok(Part::Open(Shape::Code(numbers), FIELDS));
            }
            marshal::UNKNOWN if self.knows_unknown => Value::Unknown,
            byte => return Err(Error { at, kind: Kind::Type(byte) }),
        };
        Ok(Part::Whole(value))
    }

    fn close(&mut self, done: Open) -> Result<Value, Error> {
        let Open { at, kind, items, .. } = done;
        Ok(match kind {
            Shape::Tuple => Value::Tuple(items),
            Shape::List => Value::List(items),
            Shape::Set => Value::Set(items),
            Shape::FrozenSet => Value::FrozenSet(items),
            Shape::Dict => Value::Dict(items),
            Shape::Code(_) => return Err(Error { at, kind: Kind::NoCode }),
            Shape::CodeEnd(numbers, first_line) => {
                let mut items = items.into_iter();
                let mut next = || items.next().unwrap_or(Value::None);
                let bytes = |value, field| match value {
                    Value::Str(bytes) | Value::Interned(bytes) => Ok(bytes),
                    _ => Err(Error { at, kind: Kind::Field(field) }),
                };
                let tuple = |value, field| match value {
                    Value::Tuple(items) => Ok(items),
                    _ => Err(Error { at, kind: Kind::Field(field) }),
                };
                let code = Code {
                    numbers,
                    code: bytes(next(), "co_code")?,
                    constants: tuple(next(), "co_consts")?,
                    names: tuple(next(), "co_names")?,
                    locals: tuple(next(), "co_varnames")?,
                    free: tuple(next(), "co_freevars")?,
                    cells: tuple(next(), "co_cellvars")?,
                    file: bytes(next(), "co_filename")?,
                    name: bytes(next(), "co_name")?,
                    first_line,
                    line_table: bytes(next(), "co_lnotab")?,
                };
                self.codes.push(code);
                Value::Code(self.codes.len() - 1)
            }
        })
    }

    fn take(&mut self, count: usize) -> Result<&[u8], Error> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        match rest.get(..count) {
            Some(bytes) => {
                self.at += count;
                Ok(bytes)
            }
            None => Err(Error { at: self.bytes.len(), kind: Kind::End }),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn byte(&mut self) -> Result<u8, Error> {
        self.array::<1>().map(|array| array[0])
    }

    fn long(&mut self) -> Result<i32, Error> {
        self.array().map(i32::from_le_bytes)
    }

    fn length(&mut self) -> Result<usize, Error> {
        let (at, length) = (self.at, self.long()?);
        usize::try_from(length).map_err(|_| Error { at, kind: Kind::Length(length) })
    }

    fn string(&mut self) -> Result<Rc<[u8]>, Error> {
        let length = self.length()?;
        self.take(length).map(Rc::from)
    }

    /// The text of a float, its length in one byte before it.
    fn short_float(&mut self) -> Result<f64, Error> {
        let length = usize::from(self.byte()?);
        let at = self.at;
        let text = std::str::from_utf8(self.take(length)?).ok();
        let number = text.and_then(|text| text.trim().parse().ok());
        number.ok_or(Error { at, kind: Kind::Number })
    }

    /// A `long`: digits of 15 bits, the lowest first; the sign is that of their number.
    fn big(&mut self) -> Result<Value, Error> {
        let at = self.at;
        let count = self.long()?;
        let size = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
        let bytes = self.take(size.saturating_mul(2))?;
        let digits: Rc<[u16]> =
            bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        if digits.iter().any(|&digit| digit >> 15 != 0) {
            return Err(Error { at, kind: Kind::Number });
        }
        Ok(Value::Long { negative: count < 0, digits })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `def f(n): return n * 300` and `x = (1, u'é', 2.5, -7L)`, by hand.
    fn sample() -> Vec<u8> {
        let string = |kind: u8, bytes: &[u8]| {
            let mut out = vec![kind];
            out.extend((bytes.len() as i32).to_le_bytes());
            out.extend(bytes);
            out
        };
        let tuple = |items: &[Vec<u8>]| {
            let mut out = vec![b'('];
            out.extend((items.len() as i32).to_le_bytes());
            out.extend(items.concat());
            out
        };
        let int = |value: i32| [&[b'i'][..], &value.to_le_bytes()].concat();
        let code = |name: &[u8], code: &[u8], constants: &[Vec<u8>], lines: &[u8]| {
            let mut out = vec![b'c'];
            out.extend([0; 16]);
            out.extend(string(b's', code));
            out.extend(tuple(constants));
            for _ in 0..4 {
                out.extend(tuple(&[string(b't', b"x")]));
            }
            out.extend(string(b's', b"p.py"));
            out.extend(string(b't', name));
            out.extend(5i32.to_le_bytes());
            out.extend(string(b's', lines));
            out
        };
        let mut float = vec![b'g'];
        float.extend(2.5f64.to_le_bytes());
        let mut long = vec![b'l'];
        long.extend((-1i32).to_le_bytes());
        long.extend(7u16.to_le_bytes());
        let inner = code(b"f", &[100, 0, 0, 83], &[int(300)], &[]);
        let items = tuple(&[int(1), string(b'u', "é".as_bytes()), float, long]);
        let mut reference = vec![b'R'];
        reference.extend(0i32.to_le_bytes());
        let outer = code(b"<module>", b"\x64\x00\x00\x53", &[items, inner, reference], &[6, 200]);
        [&MAGIC[..], &[0; 4], &outer].concat()
    }

    #[test]
    fn code_objects_are_read() {
        let pyc = Pyc::read(&sample()).unwrap();
        let names: Vec<&[u8]> = pyc.codes.iter().map(|code| &*code.name).collect();
        assert_eq!(names, [&b"f"[..], b"<module>"]);
        let module = &pyc.codes[1];
        let shown: Vec<String> =
            module.constants.iter().map(|value| value.show(&pyc.codes)).collect();
        assert_eq!(shown, ["(1, u'\\xe9', 2.5, -7L)", "<code object f, line 5>", "'x'"]);
        assert_eq!((module.line(0), module.line(5), module.line(6)), (5, 5, 205));
        assert_eq!(pyc.named(b"f").count(), 1);
    }

    #[test]
    fn what_is_read_is_written_again() {
        let wanted = sample();
        let written = Pyc::read(&wanted).unwrap().write().unwrap();
        let again = Pyc::read(&written).unwrap();
        assert_eq!(again.write().unwrap(), written);
        let names: Vec<&[u8]> = again.codes.iter().map(|code| &*code.name).collect();
        assert_eq!(names, [&b"f"[..], b"<module>"]);
        assert_eq!(written.len(), wanted.len() - 7, "seven references, each a byte shorter");
    }

    #[test]
    fn unknown_constants_are_named_and_not_written() {
        let (constants, codes) = Pyc::read_constants(b"(\x02\0\0\0N(\x01\0\0\0?", 10).unwrap();
        assert!(codes.is_empty());
        let pyc = Pyc { codes: vec![Code { constants, ..Code::default() }] };
        assert_eq!(pyc.unknown(), [(0, 1)]);
        assert_eq!(pyc.write(), Err(Unwritable::Constants(vec![(0, 1)])));
        assert_eq!(Pyc { codes: vec![] }.write(), Err(Unwritable::Nothing));
        for bad in [&b"N"[..], b"(\0\0\0\0N", b"(\x01\0\0\0", b"(\x02\0\0\0NN"] {
            assert!(Pyc::read_constants(bad, 2).is_err());
            assert!(Pyc::constant_places(bad, 2).is_err());
        }
    }

    #[test]
    fn a_file_cut_anywhere_is_refused_with_its_position() {
        let sample = sample();
        for end in 0..sample.len() {
            let error = Pyc::read(&sample[..end]).unwrap_err();
            assert!(error.at() <= end, "{end}: {error}");
        }
    }

    #[test]
    fn lengths_dictate_nothing() {
        for (object, said) in [
            (&b"s\xff\xff\xff\x7f"[..], "byte 13: the file ends"),
            (b"(\xff\xff\xff\x7f", "byte 13: the file ends"),
            (b"l\xff\xff\xff\x7f", "byte 13: the file ends"),
            (b"l\x00\x00\x00\x80", "byte 13: the file ends"),
            (b"s\xff\xff\xff\xff", "byte 9: -1 is no length"),
            (b"R\0\0\0\0", "byte 8: there is no interned string 0"),
            (b"{N0", "byte 10: no object"),
            (b"l\x01\0\0\0\0\x80", "byte 9: a number that is not one"),
            (b"?", "byte 8: marshal has no type `?`"),
            (b"N", "byte 8: the file holds something else"),
            (b"{0", "byte 8: the file holds something else"),
        ] {
            let error = Pyc::read(&[&MAGIC[..], &[0; 4], object].concat()).unwrap_err();
            assert!(error.to_string().starts_with(said), "{object:?}: {error}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        // Miri is a thousand times slower.
        let depth = if cfg!(miri) { 3_000 } else { 1_000_000 };
        let mut bytes = [&MAGIC[..], &[0; 4]].concat();
        bytes.extend(b"(\x01\0\0\0".repeat(depth));
        let error = Pyc::read(&bytes).unwrap_err();
        assert_eq!(error.to_string(), "byte 10008: objects nest deeper than 2000");
    }
}
