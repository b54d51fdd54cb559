//! Python 2.7 bytecode: what the opcodes mean, which instructions can run, code objects in `.pyc`
//! files, and the line that a trace holds for an instruction.

pub mod cfg;
pub mod decode;
pub mod disassemble;
pub mod opcode;
pub mod pyc;
pub mod text;
