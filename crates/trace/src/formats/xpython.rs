//! Reads the log of x-python (`xpython -v` and `-vv`), mixed with the program's own output.
//!
//! One record is one step (`xpython/vm.py`, `format_instruction` and `PyVM.log`):
//!
//! ```text
//! INFO:xpython.vm:{blanks}{L. LINE or blanks}@{OFFSET}: {OPNAME}{ (operands on the stack)} {OPERAND}
//! ```
//!
//! Four blanks more for each frame. `EXTENDED_ARG` is never listed, the instruction after it has the
//! combined operand. The record of a constant with newlines goes on up to the next record; all other
//! lines without a record are the program's output, or tracebacks. Operands are those of `tracer.py
//! -r` but for words that stand for numbers, which are turned back, and names of cells, which
//! say nothing of the number and are left out. `-vv` adds the code object's name and file; its
//! stacks are shortened by `reprlib`, so that they cannot be compared and are not read.

use memchr::memmem;

use crate::lines::Lines;
use crate::step::{Code, Fields, Format, Operand, Position, ReadError, Step, Steps};
use bytecode::opcode::{self, Operand as Kind};

const INFO: &[u8] = b"INFO:xpython.vm:";
const DEBUG: &[u8] = b"DEBUG:xpython.vm:";

/// A log being read.
#[derive(Debug)]
pub struct Xpython<'a> {
    lines: Lines<'a>,
    steps: u64,
    /// What the last step took: bytes and lines.
    used: (usize, u64),
    /// Whether the log is one of `-vv`.
    debug: bool,
    others: u64,
    info: memmem::Finder<'static>,
}

impl<'a> Xpython<'a> {
    /// Reads from the start of a log.
    pub fn new(lines: Lines<'a>) -> Xpython<'a> {
        let info = memmem::Finder::new(INFO);
        Xpython { lines, steps: 0, used: (0, 0), debug: false, others: 0, info }
    }

    /// Where the constant ends whose first line ends at `end` and is followed by `next`, and the
    /// bytes and lines up to there.
    fn constant(&mut self, end: usize, next: usize) -> Result<(usize, usize, u64), ReadError> {
        let (mut end, mut next, mut lines) = (end, next, 1);
        // A program writes when it prints or calls, never while a constant is loaded: lines
        // before the next record are the constant's. No run ends here.
        while let Some(line) = self.lines.ahead(next)? {
            let text = &self.lines.text()[next..line.end];
            if starts_record(text) {
                break;
            }
            if line.is_cut() {
                return Err(self.lines.error(ReadError::cut()));
            }
            (end, next, lines) = (line.end, line.next, lines + 1);
        }
        Ok((end, next, lines))
    }
}

impl Steps for Xpython<'_> {
    fn next(&mut self) -> Result<Option<Step<'_>>, ReadError> {
        let (bytes, lines) = std::mem::take(&mut self.used);
        self.lines.pass(bytes, lines);
        let (head, ahead) = loop {
            let Some(ahead) = self.lines.ahead(0)? else { return Ok(None) };
            let line = &self.lines.text()[..ahead.end];
            if !ahead.is_cut()
                && let Some(head) = find(&self.info, line)
            {
                break (head, ahead);
            }
            // The program's own output may end without a newline, a record not.
            let record = self.info.find(line).is_some() || INFO.starts_with(line);
            if ahead.is_cut() && record {
                return Err(self.lines.error(ReadError::cut()));
            }
            self.debug |= line.starts_with(DEBUG);
            self.others += 1;
            self.lines.pass(ahead.next, 1);
        };
        let (mut end, bytes, lines) = match opcode::operand(head.opcode) {
            Kind::Const => self.constant(ahead.end, ahead.next)?,
            _ => (ahead.end, ahead.next, 1),
        };
        let (line, offset) = self.lines.place();
        self.used = (bytes, lines);
        self.steps += 1;
        let text = self.lines.text();
        let mut code = Code::default();
        if self.debug
            && let Some(found) = code_at_end(&text[head.rest..end])
        {
            (code.name, code.file) = (Some(found.name), Some(found.file));
            end = head.rest + found.start;
        }
        Ok(Some(Step {
            position: Position { line, offset, step: self.steps },
            code,
            pc: head.pc,
            opcode: head.opcode,
            operand: operand(head.opcode, head.pc, &text[head.rest..end]),
            depth: Some(head.depth),
            stack: None,
            blocks: None,
            locals: None,
            cells: None,
        }))
    }

    fn format(&self) -> Format {
        Format::Xpython
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

/// What a record says in front of the operand.
#[derive(Clone, Copy)]
struct Head {
    depth: u32,
    pc: u32,
    opcode: u8,
    /// Where in the line the opcode's name ends.
    rest: usize,
}

/// The step of a line. Output without a newline at its end may come before it.
#[inline]
fn find(info: &memmem::Finder<'_>, line: &[u8]) -> Option<Head> {
    if let Some(record) = line.strip_prefix(INFO)
        && let Some(head) = parse(record, INFO.len())
    {
        return Some(head);
    }
    info.find_iter(line).find_map(|at| {
        let start = at + INFO.len();
        parse(&line[start..], start)
    })
}

/// Parses what follows the logger's name; `start` is where in the line that is.
#[inline]
fn parse(record: &[u8], start: usize) -> Option<Head> {
    let blanks = record.iter().take_while(|&&byte| byte == b' ').count();
    let rest = &record[blanks..];
    // `L. 12  @`, or seven blanks and `@`.
    let (indent, rest) = match rest.strip_prefix(b"L. ") {
        Some(rest) => {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let rest = &rest[digits..];
            let blanks_after = rest.iter().take_while(|&&byte| byte == b' ').count();
            (digits > 0).then_some((blanks, &rest[blanks_after..]))?
        }
        None => (blanks.checked_sub(7)?, rest),
    };
    let rest = rest.strip_prefix(b"@")?;
    let rest = &rest[rest.iter().take_while(|&&byte| byte == b' ').count()..];
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let pc = u32::try_from(decimal(&rest[..digits])?).ok()?;
    let rest = rest[digits..].strip_prefix(b": ")?;
    let name = rest.iter().position(|&byte| byte == b' ').unwrap_or(rest.len());
    let opcode = opcode::by_bytes(&rest[..name]).or_else(|| {
        let number = rest[..name].strip_prefix(b"<")?.strip_suffix(b">")?;
        u8::try_from(decimal(number)?).ok()
    })?;
    let depth = u32::try_from(indent / 4).ok()?.checked_add(1)?;
    Some(Head { depth, pc, opcode, rest: start + record.len() - rest.len() + name })
}

fn operand(opcode: u8, pc: u32, rest: &[u8]) -> Operand<'_> {
    if opcode < opcode::HAVE_ARGUMENT {
        return Operand::Absent;
    }
    let Some(rest) = rest.strip_prefix(b" ") else { return Operand::Absent };
    let kind = opcode::operand(opcode);
    if kind == Kind::Const {
        return Operand::Meaning(rest);
    }
    // What lies on the stack comes first, in parentheses; it may be any text.
    let text = match memmem::rfind(rest, b") ") {
        Some(end) => &rest[end + 2..],
        None if rest.starts_with(b"(") => return Operand::Absent,
        None => rest,
    };
    let both = |number: i64, text| match i32::try_from(number) {
        Ok(number) => Operand::Both(number, text),
        Err(_) => Operand::Meaning(text),
    };
    match kind {
        Kind::Name | Kind::Local => Operand::Meaning(text),
        Kind::Compare => {
            let is = |comparison: &&str| {
                let spaced = text.iter().map(|&byte| if byte == b'-' { b' ' } else { byte });
                spaced.eq(comparison.bytes())
            };
            match opcode::COMPARE.iter().position(is) {
                Some(index) => both(index as i64, opcode::COMPARE[index].as_bytes()),
                None => Operand::Absent,
            }
        }
        Kind::JumpAbsolute => decimal(text).map_or(Operand::Absent, |target| both(target, text)),
        Kind::JumpRelative => {
            let number = decimal(text).map(|target| target - i64::from(pc) - 3);
            number.map_or(Operand::Absent, |number| both(number, text))
        }
        Kind::Plain => plain(text).map_or(Operand::Absent, Operand::Number),
        // The name of a cell.
        Kind::Free | Kind::Const | Kind::None => Operand::Absent,
    }
}

/// The number that x-python has words for (`xdis/opcodes/format/basic.py`).
fn plain(text: &[u8]) -> Option<i32> {
    let number = match text {
        b"reraise" => 0,
        b"exception" => 1,
        b"exception, parameter" => 2,
        b"exception, parameter, traceback" => 3,
        _ => {
            let (number, words) = match text.iter().position(|&byte| byte == b' ') {
                None => return i32::try_from(decimal(text)?).ok(),
                Some(end) => (decimal(&text[..end])?, &text[end + 1..]),
            };
            match words.strip_prefix(b"positional, ") {
                None => (words == b"default parameters").then_some(number)?,
                Some(named) => 256 * decimal(named.strip_suffix(b" named")?)? + number,
            }
        }
    };
    i32::try_from(number).ok()
}

fn decimal(digits: &[u8]) -> Option<i64> {
    let valid = !digits.is_empty() && digits.len() <= 12 && digits.iter().all(u8::is_ascii_digit);
    valid.then(|| digits.iter().fold(0, |number, digit| 10 * number + i64::from(digit - b'0')))
}

/// Whether a record of x-python starts in this line, of whatever level.
fn starts_record(line: &[u8]) -> bool {
    memmem::find_iter(line, b":xpython.").any(|at| {
        [&b"INFO"[..], b"DEBUG", b"WARNING"].iter().any(|level| line[..at].ends_with(level))
    })
}

/// The code object that `-vv` names.
struct CodeAtEnd<'a> {
    /// Where the ` NAME in FILE:LINE` starts.
    start: usize,
    name: &'a [u8],
    file: &'a [u8],
}

fn code_at_end(record: &[u8]) -> Option<CodeAtEnd<'_>> {
    let colon = memchr::memrchr(b':', record)?;
    decimal(&record[colon + 1..])?;
    let infix = memmem::rfind(&record[..colon], b" in ")?;
    let start = memchr::memrchr(b' ', &record[..infix])?;
    Some(CodeAtEnd { start, name: &record[start + 1..infix], file: &record[infix + 4..colon] })
}

#[cfg(test)]
mod tests;
