//! The `.pyc` of a code object that a recording holds.

use std::fmt;

use bytecode::pyc::{self, Code, Pyc, Value};
use wire::code::{CodeInfo, MOST_OBJECTS};

/// Why there is none.
#[derive(Debug)]
pub enum NoPyc {
    /// The recording does not hold the constants.
    NoConstants,
    /// The constants are damaged.
    Damaged(pyc::Error),
}

impl fmt::Display for NoPyc {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            NoPyc::NoConstants => f.write_str("the constants were not recorded"),
            NoPyc::Damaged(error) => write!(f, "the constants: {error}"),
        }
    }
}

impl std::error::Error for NoPyc {}

/// The code object with all that is nested in it, to be written by [`Pyc::write`].
///
/// # Errors
///
/// See [`NoPyc`]. Constants that no `.pyc` can hold are an error of [`Pyc::write`] only.
pub fn of(info: &CodeInfo) -> Result<Pyc, NoPyc> {
    let marshalled = info.marshalled.as_ref().ok_or(NoPyc::NoConstants)?;
    let read = Pyc::read_constants(marshalled.bytes(), MOST_OBJECTS);
    let (constants, mut codes) = read.map_err(NoPyc::Damaged)?;
    let strings =
        |table: &[Vec<u8>]| table.iter().map(|name| Value::Interned(name[..].into())).collect();
    codes.push(Code {
        numbers: info.numbers.map(|number| number as i32),
        code: info.code[..].into(),
        constants,
        names: strings(&info.names),
        locals: strings(&info.locals),
        free: strings(&info.free),
        cells: strings(&info.cells),
        file: info.file[..].into(),
        name: info.name[..].into(),
        first_line: info.first_line as i32,
        line_table: info.lines[..].into(),
    });
    Ok(Pyc { codes })
}
