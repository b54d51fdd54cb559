//! Code info: what the hook records of a code object. It is all that text needs, all that names the
//! code object to people, and in recordings enough to write its `.pyc` again.

mod body;
mod constants;

use std::borrow::Cow;

use bytecode::opcode::{self, Operand};
use bytecode::text::Tables;

pub use body::{
    Body, Part, Recorded, body_of, close_body, open_body, part_of, whole_of, write_names,
};
pub use constants::Marshalled;

use super::fields::{Fields, write_bytes, write_number};
use super::packet::Fault;

/// Bytes of `co_name` at most. A longer line of text has no reader.
pub const LONGEST_NAME: usize = 16 << 20;

/// Bytes of `co_code` at most. Longer code is left out, and each of its instructions is recorded
/// individually.
pub const LONGEST_CODE: usize = 64 << 20;

/// Bytes of all texts of one code object at most, `co_code` aside.
pub const MOST_TEXT: usize = 64 << 20;

/// Bytes of the last bodies that parts of later ones are found in.
pub const KEPT_BODIES: usize = 16 << 20;

/// Entries of all tables of one code object at most, together: constants, names, locals, cell and
/// free names.
pub const MOST_ENTRIES: u64 = 1 << 22;

/// Bytes of one marshalled constant at most. A larger one is recorded as its text alone.
pub const LARGEST_CONSTANT: usize = 16 << 20;

/// Bytes of all marshalled constants of a code object at most, those of nested code objects
/// included. What is beyond is recorded as text alone.
pub const LARGEST_CONSTANTS: usize = 64 << 20;

/// Objects in all marshalled constants of a code object at most, those of nested code objects
/// included; also what is beyond this is recorded as text alone.
pub const MOST_OBJECTS: usize = 1 << 22;

/// How the rest is written after the first fields.
mod form {
    /// Numbers, texts, tables
    pub const TEXT: u8 = 0;
    /// The marshalled code object
    pub const MARSHALLED: u8 = 1;
    /// A part of another one
    pub const PART: u8 = 2;
}

/// A code object as it was when it first ran.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodeInfo {
    /// `__name__` of the globals with which it first ran, if that was a `str`.
    pub module: Option<Vec<u8>>,
    /// `co_name`
    pub name: Vec<u8>,
    /// `co_filename`
    pub file: Vec<u8>,
    /// `co_firstlineno`
    pub first_line: u32,
    /// `co_argcount`, `co_nlocals`, `co_stacksize`, `co_flags`
    pub numbers: [u32; 4],
    /// `co_code`
    pub code: Vec<u8>,
    /// `co_lnotab`
    pub lines: Vec<u8>,
    /// `str()` of each of `co_consts`; empty where nobody asks for it, and where they are marshalled.
    pub constants: Vec<Vec<u8>>,
    /// `co_consts`, in recordings.
    pub marshalled: Option<Marshalled>,
    /// `co_names`
    pub names: Vec<Vec<u8>>,
    /// `co_varnames`
    pub locals: Vec<Vec<u8>>,
    /// `co_freevars`
    pub free: Vec<Vec<u8>>,
    /// `co_cellvars`
    pub cells: Vec<Vec<u8>>,
    /// Whether each of its instructions is recorded individually, as nothing else would be true.
    pub is_watched: bool,
}

impl CodeInfo {
    /// The line of the instruction at an offset, as `PyCode_Addr2Line` finds it.
    pub fn line(&self, offset: u32) -> u32 {
        let (mut line, mut at) = (self.first_line, 0u32);
        for pair in self.lines.chunks_exact(2) {
            at += u32::from(pair[0]);
            if at > offset {
                break;
            }
            line = line.wrapping_add(pair[1].into());
        }
        line
    }

    /// Appends it.
    pub fn write(&self, out: &mut Vec<u8>) {
        if let Some(marshalled) = &self.marshalled {
            let body = body::of(self, marshalled.bytes());
            return marshalled.recorded(self, Body::Whole(&body)).write(out);
        }
        out.push(self.is_watched.into());
        out.push(form::TEXT);
        out.push(self.module.is_some().into());
        if let Some(module) = &self.module {
            write_bytes(out, module);
        }
        for number in self.numbers.into_iter().chain([self.first_line]) {
            write_number(out, number.into());
        }
        for text in [&self.name, &self.file, &self.code, &self.lines] {
            write_bytes(out, text);
        }
        for table in self.tables() {
            write_number(out, table.len() as u64);
            for text in table {
                write_bytes(out, text);
            }
        }
    }

    /// Reads what [`CodeInfo::write`] wrote, to its last byte.
    ///
    /// # Errors
    ///
    /// Bytes that are no code info, or one that is beyond the limits above.
    pub fn read(bytes: &[u8]) -> Result<CodeInfo, Fault> {
        CodeInfo::read_up_to(bytes, MOST_ENTRIES, |_| None)
    }

    /// The same where the body may be a part of another one, which `find` finds.
    ///
    /// # Errors
    ///
    /// As there, and a part that is not found.
    pub fn read_part<'a>(
        bytes: &'a [u8],
        find: impl FnOnce(Part) -> Option<&'a [u8]>,
    ) -> Result<CodeInfo, Fault> {
        CodeInfo::read_up_to(bytes, MOST_ENTRIES, find)
    }

    /// The same without limits, for what comes from the interpreter and not from a file.
    ///
    /// # Errors
    ///
    /// Bytes that are no code info.
    pub fn read_whole(bytes: &[u8]) -> Result<CodeInfo, Fault> {
        CodeInfo::read_up_to(bytes, u64::MAX, |_| None)
    }

    fn read_up_to<'a>(
        bytes: &'a [u8],
        entries: u64,
        find: impl FnOnce(Part) -> Option<&'a [u8]>,
    ) -> Result<CodeInfo, Fault> {
        let mut fields = Fields { bytes, at: 0 };
        let is_watched = fields.byte()? != 0;
        let form = fields.byte()?;
        let module = match fields.byte()? {
            0 => None,
            _ => Some(fields.text()?.to_vec()),
        };
        let mut info = match form {
            form::TEXT => CodeInfo::read_text(&mut fields, entries)?,
            form::MARSHALLED => {
                let (constants, body) = (fields.number()?, fields.text()?);
                body::read(&mut fields, constants, body, entries)?
            }
            form::PART => {
                let constants = fields.number()?;
                let part = Part::read(&mut fields)?;
                let body = find(part).ok_or(Fault::Number)?;
                body::read(&mut fields, constants, body, entries)?
            }
            _ => return Err(Fault::Number),
        };
        let is_long = entries == MOST_ENTRIES && info.name.len() > LONGEST_NAME;
        if fields.at != bytes.len() || is_long {
            return Err(Fault::Number);
        }
        (info.is_watched, info.module) = (is_watched, module);
        Ok(info)
    }

    /// The form with text.
    fn read_text(fields: &mut Fields, mut entries: u64) -> Result<CodeInfo, Fault> {
        let mut numbers = [0; 4];
        for number in &mut numbers {
            *number = fields.small()?;
        }
        let first_line = fields.small()?;
        let mut text = || fields.text().map(<[u8]>::to_vec);
        let (name, file, code, lines) = (text()?, text()?, text()?, text()?);
        let mut table = || read_table(fields, &mut entries);
        let (constants, names, locals) = (table()?, table()?, table()?);
        let (free, cells) = (table()?, table()?);
        Ok(CodeInfo {
            name,
            file,
            first_line,
            numbers,
            code,
            lines,
            constants,
            names,
            locals,
            free,
            cells,
            ..CodeInfo::default()
        })
    }

    fn tables(&self) -> [&Vec<Vec<u8>>; 5] {
        [&self.constants, &self.names, &self.locals, &self.free, &self.cells]
    }

    /// What a recording takes of it where that is not all: the limits above. Constants go first, and
    /// are then there as text alone.
    pub fn cut(&self) -> Option<CodeInfo> {
        let count = self.constant_count();
        let tables = [&self.names, &self.locals, &self.free, &self.cells];
        let entries = tables.iter().map(|table| table.len()).sum::<usize>() + count;
        let texts = [&self.name, &self.file, &self.lines].into_iter();
        let all = texts.chain(tables.into_iter().flatten()).chain(&self.constants);
        let text = all.map(Vec::len).sum::<usize>()
            + self.marshalled.as_ref().map_or(0, |marshalled| marshalled.text_size());
        let constants = self.marshalled.as_ref().map_or(0, |marshalled| marshalled.bytes().len());
        let fits = entries as u64 <= MOST_ENTRIES
            && text <= MOST_TEXT
            && constants <= LARGEST_CONSTANTS
            && self.name.len() <= LONGEST_NAME
            && self.code.len() <= LONGEST_CODE;
        if fits {
            return None;
        }
        let (mut room, mut left) = (MOST_TEXT, MOST_ENTRIES as usize);
        let mut text = |text: &[u8], most: usize| {
            let text = &text[..text.len().min(room).min(most)];
            room -= text.len();
            text.to_vec()
        };
        let name = text(&self.name, LONGEST_NAME);
        let [file, lines] = [&self.file, &self.lines].map(|part| text(part, LONGEST_NAME));
        let mut table = |table: &[Vec<u8>]| -> Vec<Vec<u8>> {
            let table = &table[..table.len().min(left)];
            left -= table.len();
            table.iter().map(|entry| text(entry, usize::MAX)).collect()
        };
        let (names, locals) = (table(&self.names), table(&self.locals));
        let (free, cells) = (table(&self.free), table(&self.cells));
        let constants = (0..count.min(left) as i32)
            .map(|index| text(&self.constant_text(index).unwrap_or_default(), usize::MAX))
            .collect();
        let code = if self.code.len() > LONGEST_CODE { Vec::new() } else { self.code.clone() };
        Some(CodeInfo {
            module: self.module.clone(),
            name,
            file,
            first_line: self.first_line,
            numbers: self.numbers,
            code,
            lines,
            constants,
            marshalled: None,
            names,
            locals,
            free,
            cells,
            is_watched: self.is_watched,
        })
    }

    /// About how many bytes of memory it takes.
    pub fn size(&self) -> usize {
        let texts = [&self.name, &self.file, &self.code, &self.lines];
        let entries =
            self.tables().into_iter().flatten().map(|text| text.len() + size_of::<Vec<u8>>());
        size_of::<CodeInfo>()
            + texts.into_iter().map(|text| text.len()).sum::<usize>()
            + entries.sum::<usize>()
            + self.module.as_ref().map_or(0, Vec::len)
            + self.marshalled.as_ref().map_or(0, Marshalled::size)
    }

    /// What the tables hold for an operand, if it is an index into one of them.
    pub fn operand(&self, opcode: u8, operand: i32) -> Option<Cow<'_, [u8]>> {
        let table = match opcode::operand(opcode) {
            Operand::Const => return self.constant_text(operand),
            Operand::Name => &self.names,
            Operand::Local => &self.locals,
            _ => return None,
        };
        entry(table, operand).map(Cow::Borrowed)
    }

    /// How many constants there are.
    pub fn constant_count(&self) -> usize {
        self.marshalled.as_ref().map_or(self.constants.len(), Marshalled::count)
    }

    /// `str()` of a constant.
    fn constant_text(&self, index: i32) -> Option<Cow<'_, [u8]>> {
        match &self.marshalled {
            Some(marshalled) => marshalled.text(usize::try_from(index).ok()?),
            None => entry(&self.constants, index).map(Cow::Borrowed),
        }
    }
}

/// Reads a table of texts, which takes its entries from those that are left.
fn read_table(fields: &mut Fields, left: &mut u64) -> Result<Vec<Vec<u8>>, Fault> {
    let count = take_entries(fields, left)?;
    // Grows with the bytes that are there, not with what the count says.
    let mut table = Vec::new();
    for _ in 0..count {
        table.push(fields.text()?.to_vec());
    }
    Ok(table)
}

/// Reads how many entries follow.
fn take_entries(fields: &mut Fields, left: &mut u64) -> Result<u64, Fault> {
    let count = fields.number()?;
    *left = left.checked_sub(count).ok_or(Fault::Number)?;
    Ok(count)
}

impl Tables for CodeInfo {
    fn constant(&self, index: i32, out: &mut Vec<u8>) -> bool {
        self.constant_text(index).map(|text| out.extend_from_slice(&text)).is_some()
    }

    fn name(&self, index: i32, out: &mut Vec<u8>) -> bool {
        append(&self.names, index, out)
    }

    fn local(&self, index: i32, out: &mut Vec<u8>) -> bool {
        append(&self.locals, index, out)
    }
}

fn entry(table: &[Vec<u8>], index: i32) -> Option<&[u8]> {
    table.get(usize::try_from(index).ok()?).map(Vec::as_slice)
}

fn append(table: &[Vec<u8>], index: i32, out: &mut Vec<u8>) -> bool {
    entry(table, index).map(|text| out.extend_from_slice(text)).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_the_limits_is_cut() {
        let text = |length| vec![b'x'; length];
        let whole = CodeInfo {
            name: text(LONGEST_NAME),
            constants: vec![Vec::new(); MOST_ENTRIES as usize],
            ..CodeInfo::default()
        };
        assert_eq!(whole.cut(), None);
        for larger in [
            CodeInfo { name: text(LONGEST_NAME + 1), ..whole.clone() },
            CodeInfo { names: vec![text(1)], ..whole.clone() },
            CodeInfo { code: text(LONGEST_CODE + 1), ..whole.clone() },
            CodeInfo { file: text(MOST_TEXT), ..whole.clone() },
            CodeInfo { constants: vec![text(MOST_TEXT + 1), text(1)], ..whole.clone() },
        ] {
            let cut = larger.cut().unwrap();
            assert_eq!(cut.cut(), None);
            assert_eq!(cut.names, larger.names);
            assert!(larger.name.starts_with(&cut.name) && larger.file.starts_with(&cut.file));
            let mut bytes = Vec::new();
            cut.write(&mut bytes);
            assert!(CodeInfo::read(&bytes) == Ok(cut));
            bytes.clear();
            larger.write(&mut bytes);
            assert!(CodeInfo::read_whole(&bytes) == Ok(larger));
        }
    }

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let code = CodeInfo {
            module: Some(b"__main__".to_vec()),
            name: b"f".to_vec(),
            file: b"a\nb.py".to_vec(),
            first_line: 70_000,
            numbers: [1, 2, 3, 67],
            code: b"d\x00\x00S".to_vec(),
            lines: vec![0, 1],
            constants: vec![b"None".to_vec(), Vec::new()],
            marshalled: None,
            names: vec![b"range".to_vec()],
            locals: vec![b"".to_vec(), b"x".to_vec()],
            free: vec![b"y".to_vec()],
            cells: vec![b"z".to_vec(), b"zz".to_vec()],
            is_watched: true,
        };
        let marshalled = Marshalled::new(b"(\0\0\0\0".to_vec(), vec![(0, b"t".to_vec())], vec![7]);
        let recorded =
            CodeInfo { constants: Vec::new(), marshalled: Some(marshalled), ..code.clone() };
        for code in [code, recorded] {
            let mut bytes = Vec::new();
            code.write(&mut bytes);
            assert_eq!(CodeInfo::read(&bytes), Ok(code));
            for cut in 0..bytes.len() {
                assert!(CodeInfo::read(&bytes[..cut]).is_err());
            }
            bytes.push(0);
            assert_eq!(CodeInfo::read(&bytes), Err(Fault::Number));
        }
    }
}
