//! The body of a code info in a recording: the marshalled code object. Those of nested code objects
//! are parts of it, so a code object whose outer one was recorded before need not be written again.

use std::ops::Range;

use super::{CodeInfo, Marshalled, form};
use crate::fields::{Fields, write_bytes, write_number};
use crate::packet::Fault;

/// A part of another code object's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The other code object.
    pub code: u32,
    /// The part's first byte.
    pub start: usize,
    /// How many bytes it has.
    pub length: usize,
}

impl Part {
    pub(super) fn read(fields: &mut Fields) -> Result<Part, Fault> {
        let code = fields.small()?;
        let (start, length) = (fields.small()? as usize, fields.small()? as usize);
        Ok(Part { code, start, length })
    }

    fn write(self, out: &mut Vec<u8>) {
        for number in [u64::from(self.code), self.start as u64, self.length as u64] {
            write_number(out, number);
        }
    }
}

/// Where the body of a recorded code info is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// Here, all of it
    Whole(&'a [u8]),
    /// In another one
    Part(Part),
}

/// A code info as it is recorded, in pieces.
#[derive(Clone, Copy, Debug)]
pub struct Recorded<'a> {
    /// As in [`CodeInfo`].
    pub is_watched: bool,
    /// As in [`CodeInfo`].
    pub module: Option<&'a [u8]>,
    /// How many bytes of the body are constants.
    pub constants: usize,
    /// The body.
    pub body: Body<'a>,
    /// By index, ascending: `str()` of the constants that are not whole in the body.
    pub texts: &'a [(u32, Vec<u8>)],
    /// The addresses of the code objects among the constants, in their order.
    pub addresses: &'a [u64],
}

impl Recorded<'_> {
    /// Appends it, as [`CodeInfo::write`] does.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(self.is_watched.into());
        out.push(match self.body {
            Body::Whole(_) => form::MARSHALLED,
            Body::Part(_) => form::PART,
        });
        out.push(self.module.is_some().into());
        if let Some(module) = self.module {
            write_bytes(out, module);
        }
        write_number(out, self.constants as u64);
        match self.body {
            Body::Whole(body) => write_bytes(out, body),
            Body::Part(part) => part.write(out),
        }
        write_number(out, self.texts.len() as u64);
        for (index, text) in self.texts {
            write_number(out, (*index).into());
            write_bytes(out, text);
        }
        write_number(out, self.addresses.len() as u64);
        self.addresses.iter().for_each(|&address| write_number(out, address));
    }
}

/// Appends the start of a body, up to the constants.
pub fn open_body(numbers: [u32; 4], code: &[u8], out: &mut Vec<u8>) {
    out.push(b'c');
    numbers.iter().for_each(|number| out.extend_from_slice(&number.to_le_bytes()));
    string(b's', code, out);
}

/// Appends one of the four tables of names that follow the constants.
pub fn write_names<'a>(names: impl ExactSizeIterator<Item = &'a [u8]>, out: &mut Vec<u8>) {
    out.push(b'(');
    out.extend_from_slice(&(names.len() as u32).to_le_bytes());
    // PyCode_New interns them.
    names.for_each(|name| string(b't', name, out));
}

/// Appends the end of a body: `co_filename`, `co_name`, `co_firstlineno`, `co_lnotab`.
pub fn close_body(file: &[u8], name: &[u8], first_line: u32, lines: &[u8], out: &mut Vec<u8>) {
    string(b's', file, out);
    string(b't', name, out);
    out.extend_from_slice(&first_line.to_le_bytes());
    string(b's', lines, out);
}

/// The body of a code info with these constants.
pub(super) fn of(info: &CodeInfo, constants: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    open_body(info.numbers, &info.code, &mut body);
    body.extend_from_slice(constants);
    for table in [&info.names, &info.locals, &info.free, &info.cells] {
        write_names(table.iter().map(Vec::as_slice), &mut body);
    }
    close_body(&info.file, &info.name, info.first_line, &info.lines, &mut body);
    body
}

fn string(kind: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(kind);
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(bytes);
}

/// Reads a body, `length` bytes of which are constants, whose tables have at most `left` entries, and what follows it in `fields`.
pub(super) fn read(
    fields: &mut Fields,
    length: u64,
    body: &[u8],
    mut left: u64,
) -> Result<CodeInfo, Fault> {
    let mut body = Fields { bytes: body, at: 0 };
    if body.byte()? != b'c' {
        return Err(Fault::Number);
    }
    let mut number = || body.fixed();
    let numbers = [number()?, number()?, number()?, number()?];
    let code = read_string(&mut body)?;
    let length = usize::try_from(length).map_err(|_| Fault::Number)?;
    let constants = body.bytes(length)?;
    let (names, locals) = (read_names(&mut body, &mut left)?, read_names(&mut body, &mut left)?);
    let (free, cells) = (read_names(&mut body, &mut left)?, read_names(&mut body, &mut left)?);
    let (file, name) = (read_string(&mut body)?, read_string(&mut body)?);
    let (first_line, lines) = (body.fixed()?, read_string(&mut body)?);
    if body.at != body.bytes.len() {
        return Err(Fault::Number);
    }
    let marshalled = Some(Marshalled::read(constants, fields, &mut left)?);
    Ok(CodeInfo {
        name,
        file,
        first_line,
        numbers,
        code,
        lines,
        marshalled,
        names,
        locals,
        free,
        cells,
        ..CodeInfo::default()
    })
}

fn read_string(body: &mut Fields) -> Result<Vec<u8>, Fault> {
    if !matches!(body.byte()?, b's' | b't') {
        return Err(Fault::Number);
    }
    let length = body.fixed()? as usize;
    body.bytes(length).map(<[u8]>::to_vec)
}

fn read_names(body: &mut Fields, left: &mut u64) -> Result<Vec<Vec<u8>>, Fault> {
    if body.byte()? != b'(' {
        return Err(Fault::Number);
    }
    let count = body.fixed()?;
    *left = left.checked_sub(count.into()).ok_or(Fault::Number)?;
    // Grows with the bytes that are there, not with what the count says.
    let mut names = Vec::new();
    for _ in 0..count {
        names.push(read_string(body)?);
    }
    Ok(names)
}

/// Where the body is in the bytes of a code info that has one.
pub fn body_of(bytes: &[u8]) -> Option<Range<usize>> {
    let mut fields = Fields { bytes, at: 1 };
    if fields.byte().ok()? != form::MARSHALLED {
        return None;
    }
    if fields.byte().ok()? != 0 {
        fields.text().ok()?;
    }
    fields.number().ok()?;
    let body = fields.text().ok()?;
    Some(fields.at - body.len()..fields.at)
}

/// The bytes of a code info whose body, as [`body_of`] found it, is a part of another one.
pub fn part_of(bytes: &[u8], body: &Range<usize>, part: Part) -> Vec<u8> {
    // Before the body comes its length.
    let mut length = Vec::new();
    write_number(&mut length, body.len() as u64);
    let mut out = bytes[..body.start - length.len()].to_vec();
    out[1] = form::PART;
    part.write(&mut out);
    out.extend_from_slice(&bytes[body.end..]);
    out
}

/// The bytes of a code info whose body is a part of another one, with the body that `find` finds in
/// its place; `None` for another code info.
///
/// # Errors
///
/// A part that is not found, and bytes that are no code info.
pub fn whole_of<'a>(
    bytes: &[u8],
    find: impl FnOnce(Part) -> Option<&'a [u8]>,
) -> Result<Option<Vec<u8>>, Fault> {
    let mut fields = Fields { bytes, at: 1 };
    if fields.byte()? != form::PART {
        return Ok(None);
    }
    if fields.byte()? != 0 {
        fields.text()?;
    }
    fields.number()?;
    let start = fields.at;
    let body = find(Part::read(&mut fields)?).ok_or(Fault::Number)?;
    let mut out = Vec::with_capacity(bytes.len() + body.len());
    out.extend_from_slice(&bytes[..start]);
    out[1] = form::MARSHALLED;
    write_bytes(&mut out, body);
    out.extend_from_slice(&bytes[fields.at..]);
    Ok(Some(out))
}
