//! The body of a code info in a recording: the marshalled code object. Those of nested code objects
//! are parts of it, so a code object whose outer one was recorded before need not be written again.

use std::ops::Range;

use super::{CodeInfo, Marshalled, form};
use crate::packet::{Fault, Fields, write_bytes, write_number};

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
}

/// Appends the length of the constants and the body, as `w_object` writes a code object.
pub(super) fn write(info: &CodeInfo, constants: &[u8], out: &mut Vec<u8>) {
    let mut body = vec![b'c'];
    info.numbers.iter().for_each(|number| body.extend_from_slice(&number.to_le_bytes()));
    string(b's', &info.code, &mut body);
    body.extend_from_slice(constants);
    for table in [&info.names, &info.locals, &info.free, &info.cells] {
        body.push(b'(');
        body.extend_from_slice(&(table.len() as u32).to_le_bytes());
        // PyCode_New interns them.
        table.iter().for_each(|name| string(b't', name, &mut body));
    }
    string(b's', &info.file, &mut body);
    string(b't', &info.name, &mut body);
    body.extend_from_slice(&info.first_line.to_le_bytes());
    string(b's', &info.lines, &mut body);
    write_number(out, constants.len() as u64);
    write_bytes(out, &body);
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
    for number in [u64::from(part.code), part.start as u64, part.length as u64] {
        write_number(&mut out, number);
    }
    out.extend_from_slice(&bytes[body.end..]);
    out
}
