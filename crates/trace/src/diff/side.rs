//! One of the two traces: its steps, some of them ahead, and what is known of it so far.

use std::collections::VecDeque;

use super::path::CallPath;
use crate::formats::Reader;
use crate::input::Input;
use crate::lines::Lines;
use crate::step::{Code, Event, Events, Fields, Format, Operand, Position, ReadError, Saved};
use bytecode::opcode::{self, Operand as Kind};

/// Steps of more bytes are not kept as they are.
const LARGE: usize = 1 << 16;
/// Bytes that are looked at to tell whether operands are meanings.
const SAMPLE: usize = 1 << 20;
/// Bytes behind the place that may be looked at again, for context.
pub const KEPT: usize = 1 << 20;
/// Bytes after which it is told that they are behind.
const RELEASE: u64 = 8 << 20;

/// A trace that is being compared.
#[derive(Debug)]
pub struct Side<'a> {
    name: String,
    /// The whole text, where the trace is a plain file, and who holds it.
    text: Option<&'a [u8]>,
    input: Option<&'a Input>,
    /// How many of its bytes were behind when that was last told.
    released: u64,
    reader: Reader<'a>,
    // Boxed, since steps move from here to the context and back.
    ahead: VecDeque<Box<Saved>>,
    #[allow(clippy::vec_box, reason = "the boxes are used again")]
    spare: Vec<Box<Saved>>,
    /// Whether operands of `blog` are meanings, once one has told.
    resolved: Option<bool>,
    /// The frames, as far as the trace tells.
    pub path: CallPath,
    /// Steps passed over.
    pub steps: u64,
}

impl<'a> Side<'a> {
    /// Starts to read `input`, which is taken unless the whole of it is in memory.
    ///
    /// # Errors
    ///
    /// Those of opening a reader.
    pub fn new(
        input: &'a mut Option<Input>,
        format: Option<Format>,
    ) -> Result<Side<'a>, ReadError> {
        let mapped = input.as_ref().is_some_and(|input| input.mapped().is_some());
        let (mut holder, mut resolved) = (None, None);
        let (name, text, mut reader) = if mapped {
            let input: Option<&'a Input> = input.as_ref();
            holder = input;
            let name = input.map(Input::name).unwrap_or_default().to_owned();
            let text = input.and_then(Input::mapped).unwrap_or_default();
            let lines = Lines::of(&name, text, Position::START);
            (name, Some(text), Reader::new(lines, format)?)
        } else {
            match input.take() {
                Some(input) => (input.name().to_owned(), None, Reader::open(input, format)?),
                None => {
                    let lines = Lines::of("", b"", Position::START);
                    (String::new(), Some(&b""[..]), Reader::new(lines, format)?)
                }
            }
        };
        // Looking ahead in a pipe might wait for steps that are not made yet.
        if let (true, Reader::Blog(blog)) = (mapped, &mut reader) {
            resolved = blog.is_resolved(SAMPLE)?;
        }
        Ok(Side {
            name,
            text,
            input: holder,
            released: 0,
            reader,
            ahead: VecDeque::new(),
            spare: Vec::new(),
            resolved,
            path: CallPath::default(),
            steps: 0,
        })
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

    /// The whole text, if steps can be read from the middle of it.
    pub fn text(&self) -> Option<&'a [u8]> {
        self.text.filter(|_| self.format() == Format::Blog)
    }

    /// Whether its frames are known, not derived.
    pub fn has_frames(&self) -> bool {
        self.format() == Format::Flow
    }

    /// Who holds the text.
    pub fn input(&self) -> Option<&'a Input> {
        self.input
    }

    /// Goes on reading `text`, the whole of this trace, from the step at `position`.
    pub fn resume(&mut self, text: &'a [u8], position: Position) {
        let rest = usize::try_from(position.offset).ok().and_then(|from| text.get(from..));
        let reader = Reader::resume(self.format(), &self.name, rest.unwrap_or_default(), position);
        if let Some(reader) = reader {
            self.reader = reader;
            self.spare.extend(self.ahead.drain(..));
            self.steps = position.step - 1;
        }
    }

    /// The step that many ahead; `None` behind the end.
    ///
    /// # Errors
    ///
    /// Those of reading.
    pub fn peek(&mut self, ahead: usize) -> Result<Option<Event<'_>>, ReadError> {
        while self.ahead.len() <= ahead {
            if !self.pull()? {
                return Ok(None);
            }
        }
        Ok(self.ahead.get(ahead).map(|step| step.event()))
    }

    /// The steps at hand that were looked at and not passed over.
    pub fn at_hand(&self) -> impl Iterator<Item = Event<'_>> {
        self.ahead.iter().map(|step| step.event())
    }

    /// Passes over the next step, which must have been looked at, and gives it.
    pub fn pass(&mut self) -> Option<Box<Saved>> {
        let step = self.ahead.pop_front()?;
        let event = step.event();
        match (self.has_frames(), event.depth) {
            (true, Some(depth)) => {
                self.path.stand(depth as usize, event.code.name.unwrap_or_default());
            }
            _ => self.path.step(&event),
        }
        // What was read line by line is behind, too.
        let offset = event.position.offset;
        if let Some(input) = self.input
            && offset >= self.released.saturating_add(RELEASE)
        {
            self.released = offset;
            input.release(usize::try_from(offset).unwrap_or(usize::MAX).saturating_sub(KEPT));
        }
        self.steps += 1;
        Some(step)
    }

    /// Takes back a step that is not needed any more, for its memory.
    pub fn recycle(&mut self, step: Box<Saved>) {
        if self.spare.len() < 16 && size(&step.event()) <= LARGE {
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
pub fn size(event: &Event<'_>) -> usize {
    let (Operand::Meaning(text) | Operand::Both(_, text) | Operand::Either(text)) = event.operand
    else {
        return 200 + parts(event);
    };
    200 + parts(event) + text.len()
}

fn parts(event: &Event<'_>) -> usize {
    let parts = [event.code.name, event.code.file, event.stack, event.blocks];
    parts.into_iter().flatten().map(<[u8]>::len).sum()
}

/// A step to keep: what is longer than reports show is cut.
pub fn kept(step: Box<Saved>) -> Box<Saved> {
    let event = step.event();
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
    Box::new(Saved::new(&Event { code, operand, stack, blocks, ..event }))
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
