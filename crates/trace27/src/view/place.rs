//! Instructions, where they are in the source, and values, each on one line.

use bytecode::text::{self, Instruction};
use recording::state::{Bounds, Frame, Machine, Value};
use wire::code::CodeInfo;

/// The line of an instruction, with the meaning of its operand.
pub fn line(code: &CodeInfo, at: Option<Instruction>) -> String {
    let Some(at) = at else { return escaped(&code.name) };
    let mut out = Vec::new();
    text::write(&mut out, &code.name, at, Some(code));
    escaped(out.trim_ascii_end())
}

/// The file and line of an instruction.
pub fn place(code: &CodeInfo, at: Option<Instruction>) -> String {
    let line = at.map_or(code.first_line, |at| code.line(at.offset));
    format!("{}:{line}", escaped(&code.file))
}

/// Bytes as text on one line, which no terminal obeys.
pub fn escaped(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            match char.is_control() {
                true => text.extend(char.escape_default()),
                false => text.push(char),
            }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// The text of a value, within bounds.
pub fn value(machine: &Machine, bounds: &Bounds, value: Value) -> String {
    let mut text = Vec::new();
    bounds.write(&machine.objects, value, &mut text);
    escaped(&text)
}

/// The instruction that a frame is in.
pub fn instruction_of(frame: &Frame) -> Option<Instruction> {
    frame.instruction().map(|at| Instruction {
        offset: at.offset,
        opcode: at.opcode,
        operand: at.operand,
    })
}
