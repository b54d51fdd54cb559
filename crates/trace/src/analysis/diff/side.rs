//! One of the two traces: its steps, some of them ahead, and what is known of it so far.

use std::collections::VecDeque;

use super::path::CallPath;
use crate::step::{Code, Fields, Format, Operand, Position, ReadError, Saved, Step, Steps};
use bytecode::opcode::{self, Operand as Kind};

/// Steps of more bytes are not kept as they are.
const LARGE: usize = 1 << 16;
/// Bytes before the place that may be looked at again, for context.
pub const KEPT: usize = 1 << 20;
/// Bytes after which what is passed is released.
const RELEASE: u64 = 8 << 20;

/// A trace, opened to be compared.
pub struct Opened<'a> {
    /// Its steps, from the first on.
    pub steps: Box<dyn Steps + 'a>,
    /// Its text, where that is a plain file.
    pub whole: Option<Whole<'a>>,
    /// Whether operands that may be either are meanings, if that is known.
    pub resolved: Option<bool>,
}

/// The text of a trace, all of it in memory.
pub struct Whole<'a> {
    /// The bytes.
    pub text: &'a [u8],
    /// Takes how many of the first bytes will hardly be looked at again.
    pub release: Box<dyn Fn(usize) + 'a>,
    /// Reads on from a step in the middle, where the format allows it.
    pub resume: Option<Resume<'a>>,
}

/// Gives a reader of the steps from a place on.
pub type Resume<'a> = Box<dyn Fn(Position) -> Box<dyn Steps + 'a> + 'a>;

/// A trace that is being compared.
pub struct Side<'a> {
    name: String,
    whole: Option<Whole<'a>>,
    /// How many of its bytes were released.
    released: u64,
    reader: Box<dyn Steps + 'a>,
    // Boxed, since steps move from here to the context and back.
    ahead: VecDeque<Box<Saved>>,
    #[allow(clippy::vec_box, reason = "the boxes are used again")]
    spare: Vec<Box<Saved>>,
    /// Whether operands that may be either are meanings, once one has shown it.
    resolved: Option<bool>,
    /// The frames, as far as the trace says.
    pub path: CallPath,
    /// Steps passed over.
    pub steps: u64,
}

impl<'a> Side<'a> {
    /// A trace of which no step has been read.
    pub fn new(opened: Opened<'a>) -> Side<'a> {
        Side {
            name: opened.steps.name().to_owned(),
            whole: opened.whole,
            released: 0,
            reader: opened.steps,
            ahead: VecDeque::new(),
            spare: Vec::new(),
            resolved: opened.resolved,
            path: CallPath::default(),
            steps: 0,
        }
    }

    /// What messages call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its format.
    pub fn format(&self) -> Format {
        self.reader.format()
    }

    /// What its format can carry.
    pub fn fields(&self) -> Fields {
        self.reader.fields()
    }

    /// Whether operands are written as meanings, as far as that is known.
    pub fn resolved(&self) -> Option<bool> {
        self.resolved
    }

    /// The whole text, if steps can be read from the middle of it, and how.
    pub fn text(&self) -> Option<(&'a [u8], &Resume<'a>)> {
        let whole = self.whole.as_ref()?;
        Some((whole.text, whole.resume.as_ref()?))
    }

    /// Lines that belong to no step, and lines with other text around their step, so far.
    pub fn left_out(&self) -> (u64, u64) {
        (self.reader.other_lines(), self.reader.trimmed_lines())
    }

    /// Whether its frames are known, not derived.
    pub fn has_frames(&self) -> bool {
        self.format() == Format::Flow
    }

    /// Releases all but the last [`KEPT`] of the first `bytes` bytes.
    pub fn release(&self, bytes: usize) {
        if let Some(whole) = &self.whole {
            (whole.release)(bytes.saturating_sub(KEPT));
        }
    }

    /// Goes on from the step at `position`, where [`Side::text`] allows it.
    pub fn resume(&mut self, position: Position) {
        if let Some((_, resume)) = self.text() {
            self.reader = resume(position);
            self.spare.extend(self.ahead.drain(..));
            self.steps = position.step - 1;
        }
    }

    /// The step that many ahead; `None` after the end.
    ///
    /// # Errors
    ///
    /// Those of reading.
    pub fn peek(&mut self, ahead: usize) -> Result<Option<Step<'_>>, ReadError> {
        while self.ahead.len() <= ahead {
            if !self.pull()? {
                return Ok(None);
            }
        }
        Ok(self.ahead.get(ahead).map(|step| step.step()))
    }

    /// The steps at hand that were looked at and not passed over.
    pub fn at_hand(&self) -> impl Iterator<Item = Step<'_>> {
        self.ahead.iter().map(|step| step.step())
    }

    /// Passes over the next step, which must have been looked at, and gives it.
    pub fn pass(&mut self) -> Option<Box<Saved>> {
        let step = self.ahead.pop_front()?;
        let event = step.step();
        match (self.has_frames(), event.depth) {
            (true, Some(depth)) => {
                self.path.follow(depth as usize, event.code.name.unwrap_or_default());
            }
            _ => self.path.step(&event),
        }
        // What was read line by line is behind, too.
        let offset = event.position.offset;
        if offset >= self.released.saturating_add(RELEASE) {
            self.released = offset;
            self.release(usize::try_from(offset).unwrap_or(usize::MAX));
        }
        self.steps += 1;
        Some(step)
    }

    /// Takes back a step that is not needed any more, for its memory.
    pub fn recycle(&mut self, step: Box<Saved>) {
        if self.spare.len() < 16 && size(&step.step()) <= LARGE {
            self.spare.push(step);
        }
    }

    /// Reads one more step; false at the end.
    fn pull(&mut self) -> Result<bool, ReadError> {
        let Some(mut event) = self.reader.next()? else { return Ok(false) };
        if let Operand::Either(text) = event.operand {
            if self.resolved.is_none() {
                self.resolved = resolved(opcode::operand(event.opcode), text);
            }
            event.operand = match self.resolved {
                None => event.operand,
                Some(true) => Operand::Meaning(text),
                Some(false) => match std::str::from_utf8(text).map(str::parse) {
                    Ok(Ok(number)) => Operand::Number(number),
                    _ => Operand::Meaning(text),
                },
            };
        }
        let saved = match self.spare.pop() {
            Some(mut spare) => {
                spare.set(&event);
                spare
            }
            None => Box::new(Saved::new(&event)),
        };
        self.ahead.push_back(saved);
        Ok(true)
    }
}

/// About how many bytes a step takes.
pub fn size(event: &Step<'_>) -> usize {
    let (Operand::Meaning(text) | Operand::Both(_, text) | Operand::Either(text)) = event.operand
    else {
        return 200 + parts(event);
    };
    200 + parts(event) + text.len()
}

fn parts(event: &Step<'_>) -> usize {
    let parts = [event.code.name, event.code.file, event.stack, event.blocks];
    parts.into_iter().flatten().map(<[u8]>::len).sum()
}

/// A step to keep: what is longer than reports show is cut.
pub fn kept(step: Box<Saved>) -> Box<Saved> {
    let event = step.step();
    if size(&event) <= LARGE {
        return step;
    }
    let cut = |text: &'_ [u8]| text.len().min(LARGE / 8);
    let operand = match event.operand {
        Operand::Meaning(text) => Operand::Meaning(&text[..cut(text)]),
        Operand::Both(number, text) => Operand::Both(number, &text[..cut(text)]),
        Operand::Either(text) => Operand::Either(&text[..cut(text)]),
        other => other,
    };
    let code = Code {
        name: event.code.name.map(|text| &text[..cut(text)]),
        file: event.code.file.map(|text| &text[..cut(text)]),
        ..event.code
    };
    let stack = event.stack.map(|text| &text[..cut(text)]);
    let blocks = event.blocks.map(|text| &text[..cut(text)]);
    Box::new(Saved::new(&Step { code, operand, stack, blocks, ..event }))
}

/// Whether a trace that writes such an operand writes meanings. Names are never numbers; a constant
/// may be.
fn resolved(kind: Kind, text: &[u8]) -> Option<bool> {
    let number = text.strip_prefix(b"-").unwrap_or(text);
    let number = !number.is_empty() && number.iter().all(u8::is_ascii_digit);
    match kind {
        Kind::Name | Kind::Local | Kind::Compare => Some(!number),
        Kind::Const if !number => Some(true),
        _ => None,
    }
}
