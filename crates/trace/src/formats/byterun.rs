//! Reads the log of byterun (nedbat's Python VM in Python, which x-python comes from), mixed with the
//! program's own output.
//!
//! `byterun -v` sets the level of the log to INFO; logging's own format precedes each record. One step
//! is three records, the last of which is the instruction (`byterun/pyvm2.py`, `VirtualMachine.log`):
//!
//! ```text
//! INFO:byterun.pyvm2:make_frame: code=<code object NAME at ADDRESS, file "FILE", line LINE>, callargs=…
//! INFO:byterun.pyvm2:{blanks}  data: STACK
//! INFO:byterun.pyvm2:{blanks}  blks: BLOCKS
//! INFO:byterun.pyvm2:{blanks}{OFFSET}: {OPNAME}{ repr(OPERAND)}
//! ```
//!
//! Four blanks more for each frame. Stacks are shortened by `reprlib` and are not read. A frame is
//! made long before it runs if it is a generator's; so the name of a code object is known only where a
//! frame starts right after it was made, and for as long as that frame is on the stack.
//!
//! Operands are `repr` of what the argument stands for; `tracer.py -r` has `str`. The texts of
//! constants for which the two differ in more than quotes, `float`, `complex`, `unicode`, are left out,
//! and so are names of cells, which say nothing of the number.

use memchr::memmem;

use crate::lines::Lines;
use crate::step::{Code, Fields, Format, Operand, Position, ReadError, Step, Steps};
use bytecode::opcode::{self, Operand as Kind};

const INFO: &[u8] = b"INFO:byterun.pyvm2:";

/// Frames deeper than this have no names: what is kept of a log is bounded.
const DEEPEST: usize = 10_000;

/// A log being read.
#[derive(Debug)]
pub struct Byterun<'a> {
    lines: Lines<'a>,
    steps: u64,
    /// How many bytes the last step took; 0 before the first.
    used: usize,
    others: u64,
    info: memmem::Finder<'static>,
    /// What the frames run, the outermost first.
    frames: Vec<Option<Named>>,
    /// What a frame was made for since the last step.
    made: Option<Named>,
    /// A constant's text without quotes.
    text: Vec<u8>,
}

/// What a record says of a code object.
#[derive(Clone, Debug)]
struct Named {
    name: Vec<u8>,
    file: Vec<u8>,
}

impl<'a> Byterun<'a> {
    /// Reads from the start of a log.
    pub fn new(lines: Lines<'a>) -> Byterun<'a> {
        Byterun {
            lines,
            steps: 0,
            used: 0,
            others: 0,
            info: memmem::Finder::new(INFO),
            frames: Vec::new(),
            made: None,
            text: Vec::new(),
        }
    }

    /// Brings the frames to what they are at a step.
    fn enter(&mut self, depth: usize, pc: u32) {
        let made = self.made.take().filter(|_| pc == 0);
        // A frame that C code has called may replace one at the same depth.
        let outer = if made.is_some() { depth - 1 } else { depth };
        self.frames.truncate(outer);
        if depth <= DEEPEST && self.frames.len() < depth {
            self.frames.resize(depth - 1, None);
            self.frames.push(made);
        }
    }
}

impl Steps for Byterun<'_> {
    fn next(&mut self) -> Result<Option<Step<'_>>, ReadError> {
        let used = std::mem::take(&mut self.used);
        self.lines.pass(used, u64::from(used > 0));
        let (head, ahead) = loop {
            let Some(ahead) = self.lines.ahead(0)? else { return Ok(None) };
            let line = &self.lines.text()[..ahead.end];
            let found = find(&self.info, line);
            // The program's own output may end without a newline, a record not.
            if ahead.is_cut() && (self.info.find(line).is_some() || INFO.starts_with(line)) {
                return Err(self.lines.error(ReadError::cut()));
            }
            match found {
                Some(Record::Instruction(head)) => break (head, ahead),
                Some(Record::Made(code)) => self.made = Some(code),
                Some(Record::Stack) => {}
                None => self.others += 1,
            }
            self.lines.pass(ahead.next, 1);
        };
        let (line, offset) = self.lines.place();
        self.used = ahead.next;
        self.steps += 1;
        self.enter(head.depth as usize, head.pc);
        let rest = &self.lines.text()[head.rest..ahead.end];
        let mut code = Code::default();
        if let Some(Some(named)) = self.frames.get(head.depth as usize - 1) {
            (code.name, code.file) = (Some(&named.name[..]), Some(&named.file[..]));
        }
        Ok(Some(Step {
            position: Position { line, offset, step: self.steps },
            code,
            pc: head.pc,
            opcode: head.opcode,
            operand: operand(head.opcode, head.pc, rest, &mut self.text),
            depth: Some(head.depth),
            stack: None,
            blocks: None,
            locals: None,
            cells: None,
        }))
    }

    fn format(&self) -> Format {
        Format::Byterun
    }

    fn name(&self) -> &str {
        self.lines.name()
    }

    fn fields(&self) -> Fields {
        Fields::NAME | Fields::FILE | Fields::OPERAND | Fields::MEANING | Fields::DEPTH
    }

    fn other_lines(&self) -> u64 {
        self.others
    }
}

/// Whether a line shows that a trace is of this format.
pub(super) fn recognise(line: &[u8]) -> bool {
    find(&memmem::Finder::new(INFO), line).is_some()
}

/// One record.
enum Record {
    Instruction(Head),
    Made(Named),
    Stack,
}

/// What a record says in front of the operand.
struct Head {
    depth: u32,
    pc: u32,
    opcode: u8,
    /// Where in the line the opcode's name ends.
    rest: usize,
}

/// The record of a line. Output without a newline at its end may come before it.
fn find(info: &memmem::Finder<'_>, line: &[u8]) -> Option<Record> {
    info.find_iter(line).find_map(|at| {
        let start = at + INFO.len();
        parse(&line[start..], start)
    })
}

/// Parses what follows the logger's name; `start` is where in the line that is.
fn parse(record: &[u8], start: usize) -> Option<Record> {
    if let Some(code) = record.strip_prefix(b"make_frame: code=<code object ") {
        return made(code).map(Record::Made);
    }
    let blanks = record.iter().take_while(|&&byte| byte == b' ').count();
    let rest = &record[blanks..];
    if blanks >= 2 && (rest.starts_with(b"data: ") || rest.starts_with(b"blks: ")) {
        return Some(Record::Stack);
    }
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let pc = u32::try_from(decimal(&rest[..digits])?).ok()?;
    let rest = rest[digits..].strip_prefix(b": ")?;
    let name = rest.iter().position(|&byte| byte == b' ').unwrap_or(rest.len());
    let opcode = opcode::by_bytes(&rest[..name]).or_else(|| {
        let number = rest[..name].strip_prefix(b"<")?.strip_suffix(b">")?;
        u8::try_from(decimal(number)?).ok()
    })?;
    let depth = u32::try_from(blanks / 4).ok()?.checked_add(1)?;
    let is_whole = blanks % 4 == 0;
    is_whole.then_some(Record::Instruction(Head {
        depth,
        pc,
        opcode,
        rest: start + record.len() - rest.len() + name,
    }))
}

/// `NAME at 0x7f…, file "FILE", line LINE>…`
fn made(code: &[u8]) -> Option<Named> {
    let end = memmem::find(code, b" at 0x")?;
    let rest = &code[end..];
    let file = &rest[memmem::find(rest, b", file \"")? + 8..];
    let file = &file[..memmem::find(file, b"\", line ")?];
    Some(Named { name: code[..end].to_vec(), file: file.to_vec() })
}

fn operand<'a>(opcode: u8, pc: u32, rest: &'a [u8], text: &'a mut Vec<u8>) -> Operand<'a> {
    if opcode < opcode::HAVE_ARGUMENT {
        return Operand::Absent;
    }
    let Some(rest) = rest.strip_prefix(b" ") else { return Operand::Absent };
    let number = decimal(rest).and_then(|number| i32::try_from(number).ok());
    match opcode::operand(opcode) {
        Kind::Const => constant(rest, text),
        Kind::Name | Kind::Local => match unquoted(rest, text) {
            true => Operand::Meaning(text),
            false => Operand::Absent,
        },
        Kind::JumpRelative => {
            let jump = number.map(|target| i64::from(target) - i64::from(pc) - 3);
            let jump = jump.and_then(|jump| i32::try_from(jump).ok());
            jump.map_or(Operand::Absent, |jump| Operand::Both(jump, rest))
        }
        Kind::JumpAbsolute => number.map_or(Operand::Absent, |target| Operand::Both(target, rest)),
        Kind::Compare | Kind::Plain => number.map_or(Operand::Absent, Operand::Number),
        // The name of a cell.
        Kind::Free | Kind::None => Operand::Absent,
    }
}

/// `str` of the constant with this `repr`, where that is known.
fn constant<'a>(repr: &'a [u8], text: &'a mut Vec<u8>) -> Operand<'a> {
    let digits = repr.strip_prefix(b"-").unwrap_or(repr);
    let whole = digits.strip_suffix(b"L").unwrap_or(digits);
    if !whole.is_empty() && whole.iter().all(u8::is_ascii_digit) {
        return Operand::Meaning(repr.strip_suffix(b"L").unwrap_or(repr));
    }
    match repr {
        b"None" | b"True" | b"False" | b"Ellipsis" => return Operand::Meaning(repr),
        [b'\'' | b'"', ..] if unquoted(repr, text) => return Operand::Meaning(text),
        [b'<', .., b'>'] => return Operand::Meaning(repr),
        // A tuple; a complex number has no comma.
        [b'(', .., b')'] if repr == b"()" || repr.contains(&b',') => return Operand::Meaning(repr),
        _ => {}
    }
    Operand::Absent
}

/// The bytes of a `str` with this `repr` (`string_repr`); false if it is none.
fn unquoted(repr: &[u8], text: &mut Vec<u8>) -> bool {
    text.clear();
    let [quote @ (b'\'' | b'"'), inner @ .., last] = repr else { return false };
    if quote != last {
        return false;
    }
    let mut rest = inner;
    while let [first, after @ ..] = rest {
        rest = after;
        if first == quote {
            return false;
        }
        if *first != b'\\' {
            text.push(*first);
            continue;
        }
        let [escape, after @ ..] = rest else { return false };
        rest = after;
        text.push(match escape {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'\\' | b'\'' | b'"' => *escape,
            b'x' => {
                let [high, low, after @ ..] = rest else { return false };
                rest = after;
                let digit = |byte: u8| char::from(byte).to_digit(16);
                match (digit(*high), digit(*low)) {
                    (Some(high), Some(low)) => (high << 4 | low) as u8,
                    _ => return false,
                }
            }
            _ => return false,
        });
    }
    true
}

fn decimal(digits: &[u8]) -> Option<i64> {
    let valid = !digits.is_empty() && digits.len() <= 12 && digits.iter().all(u8::is_ascii_digit);
    valid.then(|| digits.iter().fold(0, |number, digit| 10 * number + i64::from(digit - b'0')))
}

#[cfg(test)]
mod tests;
