//! Reads py27-trace 1, the interchange format for emulators: one JSON object per line. The format
//! is described in `docs/trace-format.md`; it is written in `write`, beside this.

mod codes;
mod line;
mod write;

pub use write::{Either, Writer};

use std::ops::Range;

use crate::formats::json::{self, Text};
use crate::lines::Lines;
use crate::step::{About, Code, Fields, Format, Operand, Position, ReadError, Step, Steps};
use codes::Codes;
use line::{Line, StepLine};

/// What to do about a line that holds no object.
const ADVICE: &str = "; `--lenient` skips such lines";

/// A py27-trace being read.
#[derive(Debug)]
pub struct Jsonl<'a> {
    lines: Lines<'a>,
    steps: u64,
    /// The last step's own number.
    numbered: Option<u64>,
    /// Bytes of the last line given, and where in that line its object starts.
    used: usize,
    start: usize,
    lenient: bool,
    /// Lines skipped, and lines with other text before their object.
    skipped: u64,
    trimmed: u64,
    codes: Codes,
    about: About,
    /// Whether the summary has been read.
    ended: bool,
    /// What the last step has that is not in its line as it is.
    scratch: Vec<u8>,
}

impl<'a> Jsonl<'a> {
    /// Reads from the start of a trace.
    pub fn new(lines: Lines<'a>) -> Jsonl<'a> {
        Jsonl {
            lines,
            steps: 0,
            numbered: None,
            used: 0,
            start: 0,
            lenient: false,
            skipped: 0,
            trimmed: 0,
            codes: Codes::default(),
            about: About::default(),
            ended: false,
            scratch: Vec::new(),
        }
    }

    /// Skips lines that hold no object, and what other text is before one.
    #[must_use]
    pub fn lenient(mut self, lenient: bool) -> Jsonl<'a> {
        self.lenient = lenient;
        self
    }

    /// Takes in lines up to the next step, and gives that and the end of its line.
    fn step(&mut self) -> Result<Option<(StepLine, usize)>, ReadError> {
        loop {
            let Some(ahead) = self.lines.ahead(0)? else { return Ok(None) };
            let mut line = &self.lines.text()[..ahead.end];
            self.start = 0;
            if self.lenient && !json::is_object(line) {
                let found = memchr::memmem::find(line, b"{\"");
                match found.filter(|&at| json::is_object(&line[at..])) {
                    None => {
                        self.skipped += 1;
                        self.lines.pass(ahead.next, 1);
                        continue;
                    }
                    Some(at) => {
                        line = &line[at..];
                        self.start = at;
                        self.trimmed += 1;
                    }
                }
            }
            let taken = match Line::parse(line) {
                _ if self.ended => Err("the summary is the last line of a trace".to_owned()),
                Ok(Line::Step(step)) => {
                    self.used = ahead.next;
                    return Ok(Some((step, ahead.end)));
                }
                Ok(Line::Header(_)) if self.lines.place().0 > 1 => {
                    Err("the header belongs on the first line only".to_owned())
                }
                Ok(Line::Header(about)) => {
                    self.about = about;
                    Ok(())
                }
                Ok(Line::Code(code)) => self.codes.insert(&code),
                Ok(Line::Summary { steps, .. }) if steps.is_some_and(|n| n != self.steps) => {
                    Err(format!("`steps` must be {}, the steps before this line", self.steps))
                }
                Ok(Line::Summary { steps, exit }) => {
                    (self.about.steps, self.about.exit) = (steps, exit);
                    self.ended = true;
                    Ok(())
                }
                Err(reason) => Err(reason),
            };
            if let Err(reason) = taken {
                // A line that is whole needs no newline: JSON says itself where it ends.
                let cut = ahead.is_cut() && !json::is_object(line);
                let error = if cut {
                    ReadError::cut()
                } else if line.trim_ascii_start().starts_with(b"{") {
                    ReadError::syntax(reason)
                } else {
                    ReadError::syntax(format!("this line is no step: {reason}{ADVICE}"))
                };
                return Err(self.lines.error(error));
            }
            self.lines.pass(ahead.next, 1);
        }
    }
}

/// A piece of a step: where it is in its line, or in the scratch.
enum Piece {
    Line(Range<usize>),
    Scratch(Range<usize>),
}

impl Piece {
    fn text(line: &[u8], raw: Range<usize>, escaped: bool, scratch: &mut Vec<u8>) -> Piece {
        if !escaped {
            return Piece::Line(raw);
        }
        let start = scratch.len();
        json::unescape(Text { raw: &line[raw], escaped }, scratch);
        Piece::Scratch(start..scratch.len())
    }

    fn array(line: &[u8], raw: Range<usize>, scratch: &mut Vec<u8>) -> Piece {
        if json::is_shortest(&line[raw.clone()]) {
            return Piece::Line(raw);
        }
        let start = scratch.len();
        json::write_shortest(&line[raw], scratch);
        Piece::Scratch(start..scratch.len())
    }

    fn get<'a>(self, line: &'a [u8], scratch: &'a [u8]) -> &'a [u8] {
        match self {
            Piece::Line(range) => &line[range],
            Piece::Scratch(range) => &scratch[range],
        }
    }
}

impl Steps for Jsonl<'_> {
    fn next(&mut self) -> Result<Option<Step<'_>>, ReadError> {
        let used = std::mem::take(&mut self.used);
        self.lines.pass(used, u64::from(used > 0));
        let Some((step, end)) = self.step()? else { return Ok(None) };
        let (line, offset) = self.lines.place();
        self.steps += 1;
        if let Some(n) = step.n {
            if self.numbered.is_some_and(|before| n <= before) {
                let reason = format!("`n` is {n}, and must be more than in the step before");
                return Err(self.lines.error(ReadError::syntax(reason)));
            }
            self.numbered = Some(n);
        }
        let code = match step.code.map(|number| (number, self.codes.get(number))) {
            None => Code::default(),
            Some((_, Some(code))) => code,
            Some((number, None)) => {
                return Err(self.lines.error(ReadError::syntax(format!(
                    "`c` is {number}, a code object that no line before describes; write its code \
                     record first, or leave `c` out"
                ))));
            }
        };
        let text = &self.lines.text()[self.start..end];
        let scratch = &mut self.scratch;
        scratch.clear();
        let meaning = step.meaning.map(|(raw, escaped)| Piece::text(text, raw, escaped, scratch));
        let stack = step.stack.map(|raw| Piece::array(text, raw, scratch));
        let blocks = step.blocks.map(|raw| Piece::array(text, raw, scratch));
        let locals = step.locals.map(|raw| Piece::array(text, raw, scratch));
        let cells = step.cells.map(|raw| Piece::array(text, raw, scratch));
        let get = |piece: Piece| piece.get(text, &self.scratch);
        Ok(Some(Step {
            position: Position { line, offset, step: self.steps },
            code,
            pc: step.pc,
            opcode: step.opcode,
            operand: match (step.operand, meaning.map(get)) {
                (None, None) => Operand::Absent,
                (Some(number), None) => Operand::Number(number),
                (None, Some(meaning)) => Operand::Meaning(meaning),
                (Some(number), Some(meaning)) => Operand::Both(number, meaning),
            },
            depth: step.depth,
            stack: stack.map(get),
            blocks: blocks.map(get),
            locals: locals.map(get),
            cells: cells.map(get),
        }))
    }

    fn format(&self) -> Format {
        Format::Jsonl
    }

    fn name(&self) -> &str {
        self.lines.name()
    }

    fn other_lines(&self) -> u64 {
        self.skipped
    }

    fn trimmed_lines(&self) -> u64 {
        self.trimmed
    }

    fn fields(&self) -> Fields {
        Fields::ALL
    }

    fn about(&self) -> About {
        self.about.clone()
    }
}

/// Whether a line shows that a trace is of this format.
pub(super) fn recognise(line: &[u8]) -> bool {
    // A log of something else may hold other objects.
    let after = memchr::memmem::find(line, b"{\"").filter(|&at| at > 0);
    Line::parse(line).is_ok() || after.is_some_and(|at| Line::parse(&line[at..]).is_ok())
}
