//! The canonical step: what every reader of a trace yields, whatever the format it reads.
//!
//! A step is one instruction, seen *before* it runs. It borrows from its reader until the next is
//! asked for; [`Saved`] keeps one longer. Fields that a format or a line lacks are `None`, and
//! are never guessed. The formats themselves are in `formats`.

mod error;
mod saved;

pub use error::ReadError;
pub use saved::Saved;

use std::fmt;
use std::ops::{BitAnd, BitOr, BitOrAssign};

use bytecode::opcode;

/// One instruction about to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step<'a> {
    /// Where the trace says so.
    pub position: Position,
    /// The code object that the instruction belongs to, as far as it is known.
    pub code: Code<'a>,
    /// Offset of the instruction in `co_code`, in bytes: that of the instruction itself, not of an
    /// `EXTENDED_ARG` before it.
    pub pc: u32,
    /// The opcode, known to 2.7 or not. Formats that give names only are looked up.
    pub opcode: u8,
    /// What the trace says of the operand.
    pub operand: Operand<'a>,
    /// Frames on the stack, 1 for the outermost that is traced.
    pub depth: Option<u32>,
    /// The value stack, bottom first: a JSON array in its shortest form (see
    /// `docs/trace-format.md`), the same bytes for the same values.
    pub stack: Option<&'a [u8]>,
    /// The block stack, outermost first, in the same form.
    pub blocks: Option<&'a [u8]>,
    /// The fast locals that are bound, each with its name, in the same form.
    pub locals: Option<&'a [u8]>,
    /// The cells that are not empty, likewise.
    pub cells: Option<&'a [u8]>,
}

/// What is known of a code object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Code<'a> {
    /// The number that the trace gives it. Of use within one trace only.
    pub number: Option<u32>,
    /// `co_name`, whatever bytes it holds.
    pub name: Option<&'a [u8]>,
    /// `co_filename`, likewise.
    pub file: Option<&'a [u8]>,
    /// `co_firstlineno`
    pub first_line: Option<u32>,
    /// SHA-256 of `co_code`.
    pub sha256: Option<&'a [u8; 32]>,
}

/// What a trace says of an operand.
///
/// A *number* is the operand with the bits of its prefixes; C's `int`, so prefixes can make it
/// negative. A *meaning* is what `tracer.py -r` writes: `str()` of the constant, the name, the
/// comparison, the target of a jump.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Operand<'a> {
    /// Nothing: the opcode has none, or the trace leaves it out.
    #[default]
    Absent,
    /// The number only.
    Number(i32),
    /// The meaning only.
    Meaning(&'a [u8]),
    /// Both of them.
    Both(i32, &'a [u8]),
    /// One field that is either, and the trace does not say which (`line`).
    Either(&'a [u8]),
}

impl<'a> Operand<'a> {
    /// The number, where the trace surely gives it.
    pub fn number(self) -> Option<i32> {
        match self {
            Operand::Number(number) | Operand::Both(number, _) => Some(number),
            _ => None,
        }
    }

    /// The meaning, where the trace surely gives it.
    pub fn meaning(self) -> Option<&'a [u8]> {
        match self {
            Operand::Meaning(meaning) | Operand::Both(_, meaning) => Some(meaning),
            _ => None,
        }
    }
}

/// A place in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line on which the step starts, from 1; 0 in a recording, which has no lines.
    pub line: u64,
    /// The first byte of that line, from 0, in the text as it is after decompression and decoding;
    /// in a recording, of the packet that the step comes from.
    pub offset: u64,
    /// The number of the step, from 1, counted by the reader.
    pub step: u64,
}

impl Position {
    /// Where a trace starts: the first line, about to give the first step.
    pub const START: Position = Position { line: 1, offset: 0, step: 1 };
}

impl Step<'_> {
    /// The opcode's name, if 2.7 has it.
    pub fn opname(&self) -> Option<&'static str> {
        opcode::name(self.opcode)
    }

    /// Which fields this very step carries.
    pub fn fields(&self) -> Fields {
        let operand = match self.operand {
            Operand::Absent => Fields::NONE,
            Operand::Number(_) => Fields::OPERAND,
            Operand::Meaning(_) => Fields::MEANING,
            Operand::Both(..) | Operand::Either(_) => Fields::OPERAND | Fields::MEANING,
        };
        operand
            | Fields::NAME.when(self.code.name.is_some())
            | Fields::NUMBER.when(self.code.number.is_some())
            | Fields::FILE.when(self.code.file.is_some())
            | Fields::FIRST_LINE.when(self.code.first_line.is_some())
            | Fields::SHA256.when(self.code.sha256.is_some())
            | Fields::DEPTH.when(self.depth.is_some())
            | Fields::STACK.when(self.stack.is_some())
            | Fields::BLOCKS.when(self.blocks.is_some())
    }
}

/// A set of the fields that a step may lack; `pc` and the opcode are always there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fields(u16);

impl Fields {
    /// No field.
    pub const NONE: Fields = Fields(0);
    /// `co_name`
    pub const NAME: Fields = Fields(1);
    /// The trace's number of the code object.
    pub const NUMBER: Fields = Fields(1 << 1);
    /// `co_filename`
    pub const FILE: Fields = Fields(1 << 2);
    /// `co_firstlineno`
    pub const FIRST_LINE: Fields = Fields(1 << 3);
    /// SHA-256 of `co_code`.
    pub const SHA256: Fields = Fields(1 << 4);
    /// The operand as a number.
    pub const OPERAND: Fields = Fields(1 << 5);
    /// The operand's meaning.
    pub const MEANING: Fields = Fields(1 << 6);
    /// Frames on the stack.
    pub const DEPTH: Fields = Fields(1 << 7);
    /// The value stack.
    pub const STACK: Fields = Fields(1 << 8);
    /// The block stack.
    pub const BLOCKS: Fields = Fields(1 << 9);
    /// All of them.
    pub const ALL: Fields = Fields((1 << Fields::NAMES.len()) - 1);

    const NAMES: [&str; 10] = [
        "code name",
        "code number",
        "file",
        "first line",
        "sha256",
        "operand",
        "operand's meaning",
        "depth",
        "stack",
        "blocks",
    ];

    /// Whether all of `other` are in this set.
    pub const fn contains(self, other: Fields) -> bool {
        self.0 & other.0 == other.0
    }

    /// Those that are not in `other`.
    #[must_use]
    pub const fn without(self, other: Fields) -> Fields {
        Fields(self.0 & !other.0)
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Their names for people, in a fixed order.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let here = move |&(bit, _): &(usize, _)| self.0 & (1 << bit) != 0;
        Fields::NAMES.into_iter().enumerate().filter(here).map(|(_, name)| name)
    }

    pub(crate) const fn when(self, condition: bool) -> Fields {
        if condition { self } else { Fields::NONE }
    }
}

impl BitOr for Fields {
    type Output = Fields;
    fn bitor(self, other: Fields) -> Fields {
        Fields(self.0 | other.0)
    }
}

impl BitOrAssign for Fields {
    fn bitor_assign(&mut self, other: Fields) {
        self.0 |= other.0;
    }
}

impl BitAnd for Fields {
    type Output = Fields;
    fn bitand(self, other: Fields) -> Fields {
        Fields(self.0 & other.0)
    }
}

/// The formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The text of `tracer.py` and of the original tracer: `NAME> OFFSET OPNAME (OPERAND)`
    Line,
    /// py27-trace 1: one JSON object per line
    Jsonl,
    /// What `xpython -v` logs
    Xpython,
    /// What `byterun -v` logs
    Byterun,
    /// A recording: what `tracer.py --format flow` writes
    Flow,
}

impl Format {
    /// All of them, in the order in which messages list them.
    pub const ALL: [Format; 5] =
        [Format::Line, Format::Jsonl, Format::Xpython, Format::Byterun, Format::Flow];
    /// Those that are made of lines.
    pub const LINES: [Format; 4] = [Format::Line, Format::Jsonl, Format::Xpython, Format::Byterun];

    /// The format of that name. `blog` is an older one of `line`.
    pub fn by_name(name: &str) -> Option<Format> {
        let name = if name == "blog" { "line" } else { name };
        Format::ALL.into_iter().find(|format| format.name() == name)
    }

    /// What it is, for `--help`.
    pub const fn about(self) -> &'static str {
        match self {
            Format::Line => {
                "The text of `tracer.py` and of the original tracer: NAME> OFFSET OPNAME (OPERAND)"
            }
            Format::Jsonl => "py27-trace 1: one JSON object per line",
            Format::Xpython => "The log of `xpython -v`",
            Format::Byterun => "The log of `byterun -v`",
            Format::Flow => "A recording of `tracer.py --format flow`",
        }
    }

    /// As the command line spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Format::Line => "line",
            Format::Jsonl => "jsonl",
            Format::Xpython => "xpython",
            Format::Byterun => "byterun",
            Format::Flow => "flow",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a trace says about itself, apart from its steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// The program that ran, as its first line names it.
    pub program: Option<Vec<u8>>,
    /// SHA-256 of that program's file.
    pub sha256: Option<[u8; 32]>,
    /// The number of steps, as its last line counts them. Known at the end only.
    pub steps: Option<u64>,
    /// The program's exit status. Known at the end only.
    pub exit: Option<i32>,
}

/// A trace being read. Takes bounded memory, whatever the input holds.
pub trait Steps {
    /// The next step; `None` at the end, and from then on.
    ///
    /// # Errors
    ///
    /// Unreadable input, a line that the format does not allow or that is too long, and a trace
    /// that was cut short in the middle of a line. Reading cannot go on after an error.
    fn next(&mut self) -> Result<Option<Step<'_>>, ReadError>;

    /// The format that is being read.
    fn format(&self) -> Format;

    /// What the format can carry; a single step may have less.
    fn fields(&self) -> Fields;

    /// What messages call the trace.
    fn name(&self) -> &str {
        ""
    }

    /// What the trace has said about itself so far.
    fn about(&self) -> About {
        About::default()
    }

    /// Lines read so far that belong to no step (a program's own output in a log).
    fn other_lines(&self) -> u64 {
        0
    }

    /// Lines read so far of which a lenient reader left out text before or after the step.
    fn trimmed_lines(&self) -> u64 {
        0
    }
}

// The names before this one: removed with their last users.

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_name_themselves() {
        let event = Step {
            position: Position::START,
            code: Code { name: Some(b"f"), ..Code::default() },
            pc: 0,
            opcode: 100,
            operand: Operand::Either(b"1"),
            depth: None,
            stack: Some(b"[]"),
            blocks: None,
            locals: None,
            cells: None,
        };
        let fields = event.fields();
        let names: Vec<_> = fields.names().collect();
        assert_eq!(names, ["code name", "operand", "operand's meaning", "stack"]);
        assert!(fields.contains(Fields::NAME | Fields::STACK));
        assert!(!fields.contains(Fields::NAME | Fields::DEPTH));
        assert!(fields.without(fields).is_empty());
    }
}
