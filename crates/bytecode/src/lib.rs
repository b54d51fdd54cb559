//! Python 2.7 bytecode: what the opcodes mean, which instructions can run, code objects in `.pyc`
//! files, constants with their text and their marshalled bytes, and the line that a trace holds for
//! an instruction.

pub mod cfg;
pub mod decode;
pub mod disassemble;
pub mod heap;
pub mod marshal;
pub mod opcode;
pub mod pyc;
pub mod render;
pub mod text;
