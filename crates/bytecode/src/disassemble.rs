//! Disassembles a code object of Python 2.7 around given offsets.
//!
//! Junk is expected: an offset in the middle of another instruction is decoded from there, an
//! instruction that is cut off and an operand out of range are shown as such.

use crate::decode;
use crate::opcode::{self, HAVE_ARGUMENT, Operand};
use crate::pyc::{Code, Pyc};

/// One instruction of a disassembly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its position in `co_code`, in bytes.
    pub offset: u32,
    /// The source line, if the instruction is the first of it that is shown.
    pub line: Option<i64>,
    /// The opcode's name, or its number where 2.7 has none.
    pub opname: String,
    /// The operand, prefixes included, as the interpreter's `int`.
    pub operand: Option<i32>,
    /// What the operand means, where that is more than the number.
    pub meaning: Option<String>,
    /// Whether the code ends in the middle of the instruction.
    pub cut: bool,
    /// Whether it starts in the middle of the instruction before it.
    pub overlaps: bool,
}

/// The rows from `around` instructions before each of `offsets` to as many behind it, ascending.
/// A gap between two offsets far apart is left out.
pub fn around(pyc: &Pyc, code: &Code, offsets: &[u32], around: usize) -> Vec<Row> {
    let starts = starts(&code.code, offsets);
    let mut rows = Vec::new();
    let mut last_line = None;
    for (index, &(offset, operand, overlaps)) in starts.iter().enumerate() {
        let window = &starts[index.saturating_sub(around)..starts.len().min(index + around + 1)];
        if !window.iter().any(|start| offsets.contains(&start.0)) {
            last_line = None;
            continue;
        }
        let line = Some(code.line(offset as usize));
        let shown = if line == last_line { None } else { line };
        last_line = line;
        rows.extend(row(pyc, code, offset, operand).map(|row| Row {
            line: shown,
            overlaps,
            ..row
        }));
    }
    rows
}

/// Where instructions and their prefixes start, by a sweep from the first byte: offset, the operand
/// if all of it is there, and whether it is one of `wanted` inside another instruction.
fn starts(code: &[u8], wanted: &[u32]) -> Vec<(u32, Option<i32>, bool)> {
    let mut starts = Vec::new();
    let mut start = 0;
    while let Some(&first) = code.get(start as usize) {
        let whole = decode::decode(code, start).filter(|at| at.next as usize <= code.len());
        let rows = match whole {
            Some(at) => {
                let prefix = |number| Some(decode::prefix(code, start, number + 1));
                let mut rows: Vec<_> =
                    (0..at.prefixes).map(|number| (start + 3 * number, prefix(number))).collect();
                rows.push((at.offset, Some(at.operand)));
                start = at.next;
                rows
            }
            None => {
                let row = (start, operand(code, start));
                start += if first >= HAVE_ARGUMENT { 3 } else { 1 };
                vec![row]
            }
        };
        for (index, &(offset, operand)) in rows.iter().enumerate() {
            starts.push((offset, operand, false));
            let next = rows.get(index + 1).map_or(start, |row| row.0);
            for inside in offset + 1..next.min(code.len() as u32) {
                if wanted.contains(&inside) {
                    starts.push((inside, self::operand(code, inside), true));
                }
            }
        }
    }
    starts
}

/// The two bytes after an opcode, if they are there.
fn operand(code: &[u8], offset: u32) -> Option<i32> {
    let is_there = offset as usize + 2 < code.len();
    is_there.then(|| decode::argument(code, offset))
}

fn row(pyc: &Pyc, code: &Code, offset: u32, operand: Option<i32>) -> Option<Row> {
    let number = *code.code.get(offset as usize)?;
    let takes = number >= HAVE_ARGUMENT;
    let operand = operand.filter(|_| takes);
    Some(Row {
        offset,
        line: None,
        opname: opcode::name(number).map_or_else(|| number.to_string(), str::to_owned),
        operand,
        meaning: operand.and_then(|operand| meaning(pyc, code, offset, number, operand)),
        cut: takes && operand.is_none(),
        overlaps: false,
    })
}

fn meaning(pyc: &Pyc, code: &Code, offset: u32, number: u8, operand: i32) -> Option<String> {
    let index = usize::try_from(operand).ok();
    let name = |values: &[crate::pyc::Value], index: Option<usize>| match index
        .and_then(|index| values.get(index))
    {
        Some(crate::pyc::Value::Str(name) | crate::pyc::Value::Interned(name)) => {
            name.escape_ascii().to_string()
        }
        Some(value) => value.show(&pyc.codes),
        None => "out of range".to_owned(),
    };
    Some(match opcode::operand(number) {
        Operand::None | Operand::Plain | Operand::JumpAbsolute => return None,
        Operand::Const => match index.and_then(|index| code.constants.get(index)) {
            Some(value) => value.show(&pyc.codes),
            None => "out of range".to_owned(),
        },
        Operand::Name => name(&code.names, index),
        Operand::Local => name(&code.locals, index),
        Operand::Free => match index {
            Some(index) if index >= code.cells.len() => {
                name(&code.free, Some(index - code.cells.len()))
            }
            index => name(&code.cells, index),
        },
        Operand::Compare => match index.and_then(|index| opcode::COMPARE.get(index)) {
            Some(comparison) => (*comparison).to_owned(),
            None => "out of range".to_owned(),
        },
        Operand::JumpRelative => format!("to {}", i64::from(operand) + i64::from(offset) + 3),
    })
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::pyc::Value;

    fn code(bytes: &[u8]) -> Code {
        Code {
            code: bytes.into(),
            constants: vec![Value::None, Value::Int(7)],
            names: vec![Value::Str(b"a\nb"[..].into())],
            cells: vec![Value::Str(b"c"[..].into())],
            free: vec![Value::Str(b"d"[..].into())],
            first_line: 1,
            line_table: Rc::from([3, 200, 3, 1]),
            ..Code::default()
        }
    }

    fn shown(bytes: &[u8], offsets: &[u32], count: usize) -> Vec<String> {
        let rows = around(&Pyc::default(), &code(bytes), offsets, count);
        rows.iter()
            .map(|row| {
                let line = row.line.map(|line| format!("{line}: ")).unwrap_or_default();
                let operand = row.operand.map(|n| format!(" {n}")).unwrap_or_default();
                let meaning = row.meaning.as_ref().map(|m| format!(" ({m})")).unwrap_or_default();
                let marks = [(row.cut, " cut"), (row.overlaps, " overlaps")];
                let marks: String = marks.iter().filter(|m| m.0).map(|m| m.1).collect();
                format!("{line}{} {}{operand}{meaning}{marks}", row.offset, row.opname)
            })
            .collect()
    }

    #[test]
    fn rows_have_lines_and_meanings() {
        let bytes = [100, 1, 0, 101, 0, 0, 136, 1, 0, 93, 4, 0, 107, 2, 0, 100, 9, 0, 83];
        assert_eq!(
            shown(&bytes, &[9], 9),
            [
                "1: 0 LOAD_CONST 1 (7)",
                "201: 3 LOAD_NAME 0 (a\\nb)",
                "202: 6 LOAD_DEREF 1 (d)",
                "9 FOR_ITER 4 (to 16)",
                "12 COMPARE_OP 2 (==)",
                "15 LOAD_CONST 9 (out of range)",
                "18 RETURN_VALUE",
            ]
        );
        assert_eq!(shown(&bytes, &[0, 18], 0), ["1: 0 LOAD_CONST 1 (7)", "202: 18 RETURN_VALUE"]);
    }

    #[test]
    fn prefixes_are_combined() {
        let bytes = [145, 1, 0, 145, 2, 0, 102, 3, 0, 102, 4, 0];
        assert_eq!(shown(&bytes, &[6], 0), ["202: 6 BUILD_TUPLE 131075"]);
        assert_eq!(shown(&bytes, &[9], 0), ["202: 9 BUILD_TUPLE 4"]);
    }

    #[test]
    fn junk_is_shown_as_it_is() {
        let bytes = [110, 0, 83, 200, 1, 0, 7, 100, 1];
        assert_eq!(
            shown(&bytes, &[2, 7], 9),
            [
                "1: 0 JUMP_FORWARD 21248 (to 21251)",
                "2 RETURN_VALUE overlaps",
                "201: 3 200 1",
                "202: 6 7",
                "7 LOAD_CONST cut",
            ]
        );
        assert!(shown(&[], &[0], 3).is_empty());
    }
}
