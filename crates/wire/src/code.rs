//! What the hook says of a code object: all that text needs, and what tells it to people.

use bytecode::opcode::{self, Operand};
use bytecode::text::Tables;

use super::packet::{Fault, Fields, write_bytes, write_number};

/// The longest `co_name` in a recording.
pub const LONGEST_NAME: usize = 16 << 20;

/// Constants, names and locals of one code object in a recording at most, all together.
pub const MOST_ENTRIES: u64 = 1 << 22;

/// The longest `co_code` in a recording; a longer one is left out, and each of its instructions is
/// recorded individually.
pub const LONGEST_CODE: usize = 64 << 20;

/// Bytes of all other texts of one code object in a recording at most.
pub const MOST_TEXT: usize = 64 << 20;

/// A code object as it was when it first ran.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Definition {
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
    /// `str()` of each of `co_consts`; none at all where nobody will ask for them.
    pub constants: Vec<Vec<u8>>,
    /// `co_names`
    pub names: Vec<Vec<u8>>,
    /// `co_varnames`
    pub locals: Vec<Vec<u8>>,
    /// Whether each of its instructions is told by itself, as nothing else would be true.
    pub is_watched: bool,
}

impl Definition {
    /// Appends it.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(self.is_watched.into());
        for number in self.numbers.into_iter().chain([self.first_line]) {
            write_number(out, number.into());
        }
        for text in [&self.name, &self.file, &self.code, &self.lines] {
            write_bytes(out, text);
        }
        for table in [&self.constants, &self.names, &self.locals] {
            write_number(out, table.len() as u64);
            for text in table {
                write_bytes(out, text);
            }
        }
    }

    /// Reads what [`Definition::write`] wrote, to its last byte.
    ///
    /// # Errors
    ///
    /// Bytes that are no definition, or one that is beyond the limits above.
    pub fn read(bytes: &[u8]) -> Result<Definition, Fault> {
        Definition::read_up_to(bytes, LONGEST_NAME, MOST_ENTRIES)
    }

    /// The same without limits, for what comes from the interpreter and not from a file.
    ///
    /// # Errors
    ///
    /// Bytes that are no definition.
    pub fn read_whole(bytes: &[u8]) -> Result<Definition, Fault> {
        Definition::read_up_to(bytes, usize::MAX, u64::MAX)
    }

    fn read_up_to(bytes: &[u8], longest: usize, most: u64) -> Result<Definition, Fault> {
        let mut fields = Fields { bytes, at: 0 };
        let is_watched = fields.byte()? != 0;
        let mut numbers = [0; 4];
        for number in &mut numbers {
            *number = fields.small()?;
        }
        let first_line = fields.small()?;
        let mut text = || fields.text().map(<[u8]>::to_vec);
        let (name, file, code, lines) = (text()?, text()?, text()?, text()?);
        if name.len() > longest {
            return Err(Fault::Number);
        }
        let mut entries = 0u64;
        let mut table = || {
            let count = fields.number()?;
            entries = entries.saturating_add(count);
            if entries > most {
                return Err(Fault::Number);
            }
            // Grows with the bytes that are there, not with what the count says.
            let mut table = Vec::new();
            for _ in 0..count {
                table.push(fields.text()?.to_vec());
            }
            Ok(table)
        };
        let (constants, names, locals) = (table()?, table()?, table()?);
        if fields.at != bytes.len() {
            return Err(Fault::Number);
        }
        let code = Definition {
            name,
            file,
            first_line,
            numbers,
            code,
            lines,
            constants,
            names,
            locals,
            is_watched,
        };
        Ok(code)
    }

    /// What a recording takes of it where that is not all: the limits above. Constants go first.
    pub fn cut(&self) -> Option<Definition> {
        let tables = [&self.names, &self.locals, &self.constants];
        let entries: usize = tables.iter().map(|table| table.len()).sum();
        let texts = [&self.name, &self.file, &self.lines].into_iter();
        let text: usize = texts.chain(tables.into_iter().flatten()).map(Vec::len).sum();
        let fits = entries as u64 <= MOST_ENTRIES && text <= MOST_TEXT;
        if fits && self.name.len() <= LONGEST_NAME && self.code.len() <= LONGEST_CODE {
            return None;
        }
        let (mut room, mut entries) = (MOST_TEXT, MOST_ENTRIES as usize);
        let mut text = |text: &[u8], most: usize| {
            let text = &text[..text.len().min(room).min(most)];
            room -= text.len();
            text.to_vec()
        };
        let name = text(&self.name, LONGEST_NAME);
        let [file, lines] = [&self.file, &self.lines].map(|part| text(part, LONGEST_NAME));
        let mut table = |table: &[Vec<u8>]| {
            let table = &table[..table.len().min(entries)];
            entries -= table.len();
            table.iter().map(|entry| text(entry, usize::MAX)).collect()
        };
        let (names, locals, constants) =
            (table(&self.names), table(&self.locals), table(&self.constants));
        let code = if self.code.len() > LONGEST_CODE { Vec::new() } else { self.code.clone() };
        let (first_line, numbers, is_watched) = (self.first_line, self.numbers, self.is_watched);
        Some(Definition {
            name,
            file,
            first_line,
            numbers,
            code,
            lines,
            constants,
            names,
            locals,
            is_watched,
        })
    }

    /// About how many bytes of memory it takes.
    pub fn size(&self) -> usize {
        let tables = [&self.constants, &self.names, &self.locals];
        let texts = [&self.name, &self.file, &self.code, &self.lines];
        let entries = tables.into_iter().flatten().map(|text| text.len() + size_of::<Vec<u8>>());
        size_of::<Definition>()
            + texts.into_iter().map(|text| text.len()).sum::<usize>()
            + entries.sum::<usize>()
    }
}

impl Definition {
    /// What the tables hold for an operand, if it is an index into one of them.
    pub fn operand(&self, opcode: u8, operand: i32) -> Option<&[u8]> {
        let table = match opcode::operand(opcode) {
            Operand::Const => &self.constants,
            Operand::Name => &self.names,
            Operand::Local => &self.locals,
            _ => return None,
        };
        entry(table, operand)
    }
}

impl Tables for Definition {
    fn constant(&self, index: i32, out: &mut Vec<u8>) -> bool {
        append(&self.constants, index, out)
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
        let whole = Definition {
            name: text(LONGEST_NAME),
            constants: vec![Vec::new(); MOST_ENTRIES as usize],
            ..Definition::default()
        };
        assert_eq!(whole.cut(), None);
        for larger in [
            Definition { name: text(LONGEST_NAME + 1), ..whole.clone() },
            Definition { names: vec![text(1)], ..whole.clone() },
            Definition { code: text(LONGEST_CODE + 1), ..whole.clone() },
            Definition { file: text(MOST_TEXT), ..whole.clone() },
            Definition { constants: vec![text(MOST_TEXT + 1), text(1)], ..whole.clone() },
        ] {
            let cut = larger.cut().unwrap();
            assert_eq!(cut.cut(), None);
            assert_eq!(cut.names, larger.names);
            assert!(larger.name.starts_with(&cut.name) && larger.file.starts_with(&cut.file));
            let mut bytes = Vec::new();
            cut.write(&mut bytes);
            assert!(Definition::read(&bytes) == Ok(cut));
            bytes.clear();
            larger.write(&mut bytes);
            assert!(Definition::read_whole(&bytes) == Ok(larger));
        }
    }

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let code = Definition {
            name: b"f".to_vec(),
            file: b"a\nb.py".to_vec(),
            first_line: 70_000,
            numbers: [1, 2, 3, 67],
            code: b"d\x00\x00S".to_vec(),
            lines: vec![0, 1],
            constants: vec![b"None".to_vec(), Vec::new()],
            names: vec![b"range".to_vec()],
            locals: vec![b"".to_vec(), b"x".to_vec()],
            is_watched: true,
        };
        let mut bytes = Vec::new();
        code.write(&mut bytes);
        assert_eq!(Definition::read(&bytes), Ok(code));
        for cut in 0..bytes.len() {
            assert!(Definition::read(&bytes[..cut]).is_err());
        }
        bytes.push(0);
        assert_eq!(Definition::read(&bytes), Err(Fault::Number));
    }
}
