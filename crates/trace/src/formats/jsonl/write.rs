//! Writes py27-trace 1: the keys in their fixed order, one space nowhere, absent rather than null.

use std::collections::HashMap;
use std::io::{self, Write};

use super::codes::MOST;
use super::line::VERSION;
use crate::formats::json;
use crate::step::{About, Code, Operand, Step};
use bytecode::text::write_number;

/// What an operand that may be its number or its meaning (`Operand::Either`) is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Either {
    /// `arg`, where it is a number; `argRepr` otherwise.
    Number,
    /// `argRepr`
    Meaning,
}

/// Writes a trace.
#[derive(Debug)]
pub struct Writer<W> {
    output: W,
    either: Either,
    /// The number of each code object that has its record; the key is what is known of it.
    codes: HashMap<Vec<u8>, u32>,
    /// The last step's code object: its key and number.
    last: (Vec<u8>, u32),
    key: Vec<u8>,
    buffer: Vec<u8>,
    steps: u64,
}

impl<W: Write> Writer<W> {
    /// Writes the header.
    ///
    /// # Errors
    ///
    /// Those of `output`.
    pub fn new(mut output: W, about: &About, either: Either) -> io::Result<Writer<W>> {
        let mut line = format!("{{\"py27trace\":{VERSION},\"python\":\"2.7.18\"").into_bytes();
        if let Some(program) = &about.program {
            key(&mut line, "program");
            json::write_string(program, &mut line);
        }
        if let Some(sha256) = &about.sha256 {
            key(&mut line, "sha256");
            digest(&mut line, sha256);
        }
        line.extend_from_slice(b"}\n");
        output.write_all(&line)?;
        Ok(Writer {
            output,
            either,
            codes: HashMap::new(),
            last: (Vec::new(), 0),
            key: Vec::new(),
            buffer: line,
            steps: 0,
        })
    }

    /// Writes a step, after the record of its code object if that is new.
    ///
    /// # Errors
    ///
    /// Those of the output, and more code objects than a reader takes.
    pub fn step(&mut self, event: &Step<'_>) -> io::Result<()> {
        self.steps += 1;
        self.buffer.clear();
        let code = self.code(&event.code)?;
        let out = &mut self.buffer;
        out.extend_from_slice(b"{\"n\":");
        write_number(out, self.steps as i64);
        if let Some(depth) = event.depth {
            number(out, "d", depth.into());
        }
        if let Some(code) = code {
            number(out, "c", code.into());
        }
        number(out, "pc", event.pc.into());
        number(out, "op", event.opcode.into());
        if let Some(name) = event.opname() {
            key(out, "opName");
            json::write_string(name.as_bytes(), out);
        }
        let (operand, meaning) = match event.operand {
            Operand::Absent => (None, None),
            Operand::Number(number) => (Some(number), None),
            Operand::Meaning(meaning) => (None, Some(meaning)),
            Operand::Both(number, meaning) => (Some(number), Some(meaning)),
            Operand::Either(text) => match canonical(text) {
                Some(number) if self.either == Either::Number => (Some(number), None),
                _ => (None, Some(text)),
            },
        };
        if let Some(operand) = operand {
            number(out, "arg", operand.into());
        }
        if let Some(meaning) = meaning {
            key(out, "argRepr");
            json::write_string(meaning, out);
        }
        for (name, array) in [
            ("stack", event.stack),
            ("blocks", event.blocks),
            ("locals", event.locals),
            ("cells", event.cells),
        ] {
            if let Some(array) = array {
                key(out, name);
                out.extend_from_slice(array);
            }
        }
        out.extend_from_slice(b"}\n");
        self.output.write_all(out)
    }

    /// Steps written so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Writes the summary, and gives the output back.
    ///
    /// # Errors
    ///
    /// Those of the output.
    pub fn finish(mut self, about: &About) -> io::Result<W> {
        let out = &mut self.buffer;
        out.clear();
        out.extend_from_slice(b"{\"steps\":");
        write_number(out, self.steps as i64);
        if let Some(exit) = about.exit {
            number(out, "exit", exit.into());
        }
        out.extend_from_slice(b"}\n");
        self.output.write_all(out)?;
        Ok(self.output)
    }

    /// The number of a code object, with its record in the buffer if it is new. What a trace
    /// says no word about has neither.
    fn code(&mut self, code: &Code<'_>) -> io::Result<Option<u32>> {
        if *code == Code::default() {
            return Ok(None);
        }
        identify(code, &mut self.key);
        if self.last.0 == self.key {
            return Ok(Some(self.last.1));
        }
        let found = self.codes.get(&self.key).copied();
        let number = match found {
            Some(number) => number,
            None => {
                if self.codes.len() == MOST {
                    return Err(io::Error::other(format!("more than {MOST} code objects")));
                }
                // A trace numbers all of its code objects or none.
                let number = code.number.unwrap_or(self.codes.len() as u32 + 1);
                self.codes.insert(self.key.clone(), number);
                record(&mut self.buffer, number, code);
                number
            }
        };
        self.last.0.clone_from(&self.key);
        self.last.1 = number;
        Ok(Some(number))
    }
}

/// The bytes that distinguish a code object from others: its number, or all else that is known.
fn identify(code: &Code<'_>, key: &mut Vec<u8>) {
    key.clear();
    if let Some(number) = code.number {
        key.extend_from_slice(&number.to_le_bytes());
        return;
    }
    for part in [code.name, code.file] {
        key.push(u8::from(part.is_some()));
        let part = part.unwrap_or_default();
        key.extend_from_slice(&(part.len() as u64).to_le_bytes());
        key.extend_from_slice(part);
    }
    key.push(u8::from(code.first_line.is_some()));
    key.extend_from_slice(&code.first_line.unwrap_or(0).to_le_bytes());
    key.extend_from_slice(code.sha256.map_or(&[], |sha256| &sha256[..]));
}

fn record(out: &mut Vec<u8>, own: u32, code: &Code<'_>) {
    out.extend_from_slice(b"{\"code\":");
    write_number(out, own.into());
    for (name, part) in [("name", code.name), ("file", code.file)] {
        if let Some(part) = part {
            key(out, name);
            json::write_string(part, out);
        }
    }
    if let Some(line) = code.first_line {
        number(out, "firstLine", line.into());
    }
    if let Some(sha256) = code.sha256 {
        key(out, "sha256");
        digest(out, sha256);
    }
    out.extend_from_slice(b"}\n");
}

fn key(out: &mut Vec<u8>, key: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(b"\":");
}

fn number(out: &mut Vec<u8>, name: &str, value: i64) {
    key(out, name);
    write_number(out, value);
}

fn digest(out: &mut Vec<u8>, digest: &[u8; 32]) {
    let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    json::write_string(digits.as_bytes(), out);
}

/// The number that a text stands for, if writing it again gives the same text.
fn canonical(text: &[u8]) -> Option<i32> {
    let number: i32 = std::str::from_utf8(text).ok()?.parse().ok()?;
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let zero = digits.first() == Some(&b'0') && text.len() > 1;
    (!zero && text[0] != b'+').then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numbers_in_their_one_form_are_numbers() {
        for (text, number) in [("0", Some(0)), ("-7", Some(-7)), ("65536", Some(65536))] {
            assert_eq!(canonical(text.as_bytes()), number);
        }
        for text in ["", "-", "+1", "-0", "007", "1.0", " 1", "9999999999", "None"] {
            assert_eq!(canonical(text.as_bytes()), None, "{text}");
        }
    }
}
