//! The code objects that a trace has described so far.

use std::collections::HashMap;

use super::line::CodeRecord;
use crate::formats::json::{self, Text};
use crate::step::Code;

/// The most code objects of one trace, and the most bytes of their names and files together.
pub(super) const MOST: usize = 1 << 20;
const MOST_BYTES: usize = 32 << 20;

/// Code objects by their number.
#[derive(Debug, Default)]
pub(super) struct Codes {
    rows: HashMap<u32, Row>,
    bytes: usize,
}

#[derive(Debug)]
struct Row {
    name: Option<Box<[u8]>>,
    file: Option<Box<[u8]>>,
    first_line: Option<u32>,
    sha256: Option<Box<[u8; 32]>>,
}

impl Codes {
    /// Adds one.
    ///
    /// # Errors
    ///
    /// A number that is taken, and more code objects than memory should be spent on.
    pub fn insert(&mut self, code: &CodeRecord<'_>) -> Result<(), String> {
        let plain = |text: Text<'_>| {
            let mut plain = Vec::new();
            json::unescape(text, &mut plain);
            plain.into_boxed_slice()
        };
        let row = Row {
            name: code.name.map(plain),
            file: code.file.map(plain),
            first_line: code.first_line,
            sha256: code.sha256.map(Box::new),
        };
        self.bytes += row.name.as_ref().map_or(0, |name| name.len());
        self.bytes += row.file.as_ref().map_or(0, |file| file.len());
        if self.rows.len() == MOST || self.bytes > MOST_BYTES {
            return Err(format!(
                "too many code objects: at most {MOST} with {} MiB of names are read",
                MOST_BYTES >> 20
            ));
        }
        match self.rows.insert(code.number, row) {
            None => Ok(()),
            Some(_) => Err(format!("code object {} was described before", code.number)),
        }
    }

    pub fn get(&self, number: u32) -> Option<Code<'_>> {
        let row = self.rows.get(&number)?;
        Some(Code {
            number: Some(number),
            name: row.name.as_deref(),
            file: row.file.as_deref(),
            first_line: row.first_line,
            sha256: row.sha256.as_deref(),
        })
    }
}
