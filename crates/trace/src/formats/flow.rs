//! Reads recordings as steps: what the code objects say is said with them.
//!
//! A step has all that a recording knows: the code object's number, name, file and first line, how
//! many frames there are, and the operand as number and as meaning. The file itself is `flow`'s
//! business. Takes one section's memory, and that of the code objects.

use std::fmt;
use std::io::Read;
use std::ops::Range;

use crate::lines::Lines;
use crate::step::{About, Code, Event, Events, Fields, Format, Operand, Position, ReadError};
use bytecode::cfg::{self, Decoded, Then};
use bytecode::opcode::{self, EXTENDED_ARG, Operand as Kind};
use bytecode::text::{self, Instruction};
use recording::block::{self, Run, Wanted};
use recording::codes::Codes;
use recording::decoder::{Visit, Walker};
use recording::expand::MISCOUNTED;
use recording::file::{Broken, Section, Sections, section};
use wire::packet::{self, Outcomes};

/// In what a recording says of itself: false where it has no constants.
pub const CONSTANTS: &str = "constants";

/// A recording being read.
pub struct Flow<'a> {
    name: String,
    sections: Sections<Box<dyn Read + Send + 'a>>,
    about: serde_json::Value,
    codes: Codes,
    walker: Walker,
    place: Option<Place>,
    /// What was executed and not given yet.
    stretch: Option<Stretch>,
    /// Steps given, those beyond the limit included.
    steps: u64,
    ended: bool,
    scratch: Vec<u8>,
}

/// A section of events, and how far it was read.
struct Place {
    section: Section,
    /// Where the next record starts.
    at: usize,
    /// Outcomes of that record which were followed.
    taken: u32,
    /// The number of its last step.
    end: u64,
}

/// Instructions that one outcome or event has told of, in one frame.
struct Stretch {
    code: u32,
    depth: u32,
    /// The byte of the record.
    offset: u64,
    what: What,
}

enum What {
    /// So many instructions, prefixes aside, from this one on; prefixes of it that were given.
    Run { at: Decoded, left: u64, prefixes: u32 },
    /// One that was told by itself, and where its operand's meaning stands in the section.
    Step { instruction: Instruction, meaning: Option<Range<usize>> },
}

/// An instruction of a stretch.
struct Found {
    code: u32,
    depth: u32,
    offset: u64,
    instruction: Instruction,
    meaning: Option<Range<usize>>,
}

/// Takes what one outcome or event tells of: one stretch, as the code runs straight on.
#[derive(Default)]
struct Walked {
    first: Option<(u32, u32)>,
    groups: u64,
}

impl Visit for Walked {
    fn run(&mut self, code: &block::Code, run: &Run, from: usize, to: usize) {
        if from < to {
            self.first.get_or_insert((code.number, run.groups[from].lasti));
            self.groups += (to - from) as u64;
        }
    }

    fn step(&mut self, _: &block::Code, _: u8, _: &[u8]) {}

    fn count(&self) -> u64 {
        0
    }
}

impl<'a> Flow<'a> {
    /// Reads the start of a recording.
    ///
    /// # Errors
    ///
    /// Unreadable input, and what is no recording of this version.
    pub fn new(lines: Lines<'a>) -> Result<Flow<'a>, ReadError> {
        let name = lines.name().to_owned();
        let (sections, about) = Sections::open(lines.into_reader())
            .map_err(|broken| ReadError::of_recording(broken, &name))?;
        Ok(Flow {
            name,
            sections,
            about,
            codes: Codes::default(),
            walker: Walker::new(Wanted::default()),
            place: None,
            stretch: None,
            steps: 0,
            ended: false,
            scratch: Vec::new(),
        })
    }

    /// What messages call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it has what operands mean.
    pub fn has_constants(&self) -> bool {
        self.about[CONSTANTS] != false
    }

    /// Its sections, and what it says of itself.
    pub fn into_sections(self) -> (String, Sections<Box<dyn Read + Send + 'a>>, serde_json::Value) {
        (self.name, self.sections, self.about)
    }

    /// Goes on to the next outcome, event or section; false at the end.
    fn advance(&mut self) -> Result<bool, Broken> {
        let Some(place) = &mut self.place else { return self.open() };
        let section = &place.section;
        let at = place.at;
        let fail = |reason: &dyn fmt::Display| Broken::at(section.offset + at as u64, reason);
        let read = packet::read(&section.content[at.min(section.content.len())..]);
        let (outcomes, event, length) = match read {
            _ if at == section.content.len() => {
                let is_whole = section.is_cut || self.steps == place.end;
                let fault = (!is_whole).then(|| Broken::at(section.offset, MISCOUNTED));
                self.place = None;
                return fault.map_or(Ok(true), Err);
            }
            Ok(record) => record,
            // The next section tells.
            Err(packet::Fault::Short) if section.is_cut => {
                self.place = None;
                return Ok(true);
            }
            Err(fault) => return Err(fail(&fault)),
        };
        let offset = section.offset + at as u64;
        let depth = self.walker.depth() as u32;
        let mut walked = Walked::default();
        if place.taken < outcomes.count {
            place.taken += 1;
            let bits = outcomes.bits >> (outcomes.count - place.taken) & 1;
            let outcome = Outcomes { bits, count: 1 };
            self.walker.outcomes(outcome, &mut walked).map_err(|fault| fail(&fault))?;
        } else {
            self.walker.event(&event, &mut walked).map_err(|fault| fail(&fault))?;
            (place.at, place.taken) = (at + length, 0);
            if let packet::Event::Step { opcode, offset: pc, operand, text } = event
                && let Some(code) = self.walker.running()
            {
                let instruction = Instruction { offset: pc, opcode, operand };
                // Fields of a later version may follow it.
                let content = section.content.as_ptr() as usize;
                let meaning = text.map(|text| {
                    let start = text.as_ptr() as usize - content;
                    start..start + text.len()
                });
                let what = What::Step { instruction, meaning };
                self.stretch = Some(Stretch { code: code.number, depth, offset, what });
                return Ok(true);
            }
        }
        if let Some((code, lasti)) = walked.first {
            let definition = self.walker.code(code).map(|code| &code.definition);
            let at = definition.and_then(|definition| cfg::decode(&definition.code, lasti));
            self.stretch = at.map(|at| {
                let what = What::Run { at, left: walked.groups, prefixes: 0 };
                Stretch { code, depth, offset, what }
            });
        }
        Ok(true)
    }

    /// Goes on to the next section of events.
    fn open(&mut self) -> Result<bool, Broken> {
        loop {
            match self.sections.next()? {
                Some(section) if section.kind == section::CODES => {
                    for change in self.codes.read(&section)? {
                        self.walker
                            .apply(&change)
                            .map_err(|fault| Broken::at(section.offset, fault))?;
                    }
                }
                Some(section) if section.kind == section::EVENTS => {
                    // As above.
                    let Some((stretch, state)) = section.stretch() else { continue };
                    let (at, end) = (stretch.packets, stretch.first + stretch.count);
                    let byte = section.offset + (at - state.len()) as u64;
                    self.walker.restore(state).map_err(|fault| Broken::at(byte, fault))?;
                    // After a gap, what was left out is counted too.
                    self.steps = stretch.first;
                    self.place = Some(Place { section, at, taken: 0, end });
                    return Ok(true);
                }
                Some(_) => {}
                None => return Ok(false),
            }
        }
    }

    /// The next instruction of the stretch at hand.
    fn instruction(&mut self) -> Option<Found> {
        let stretch = self.stretch.as_mut()?;
        let (code, depth, offset) = (stretch.code, stretch.depth, stretch.offset);
        let found = |instruction, meaning| Found { code, depth, offset, instruction, meaning };
        let (found, is_over) = match &mut stretch.what {
            What::Step { instruction, meaning } => (found(*instruction, meaning.take()), true),
            What::Run { at, left, prefixes } => {
                let bytes = &self.walker.code(code)?.definition.code;
                if *prefixes < at.prefixes {
                    let offset = at.lasti + 3 * *prefixes;
                    *prefixes += 1;
                    let operand = cfg::prefix(bytes, at.lasti, *prefixes);
                    return Some(found(
                        Instruction { offset, opcode: EXTENDED_ARG, operand },
                        None,
                    ));
                }
                let (offset, opcode, operand) = (at.offset, at.opcode, at.operand);
                *left -= 1;
                let next = match cfg::then(at) {
                    Then::On(next) if *left > 0 => u32::try_from(next).ok(),
                    _ => None,
                };
                let next = next.and_then(|next| cfg::decode(bytes, next));
                if let Some(next) = next {
                    (*at, *prefixes) = (next, 0);
                }
                (found(Instruction { offset, opcode, operand }, None), next.is_none())
            }
        };
        if is_over {
            self.stretch = None;
        }
        Some(found)
    }
}

impl Events for Flow<'_> {
    fn next(&mut self) -> Result<Option<Event<'_>>, ReadError> {
        let Found { code, depth, offset, instruction, meaning } = loop {
            if let Some(found) = self.instruction() {
                self.steps += 1;
                let place = self.place.as_ref();
                if place.is_some_and(|place| self.steps > place.end) {
                    let broken = Broken::at(found.offset, MISCOUNTED);
                    return Err(ReadError::of_recording(broken, &self.name));
                }
                if self.steps <= self.sections.limit() {
                    break found;
                }
                continue;
            }
            if self.ended
                || !self.advance().map_err(|broken| ReadError::of_recording(broken, &self.name))?
            {
                self.ended = true;
                return Ok(None);
            }
        };
        let Some(found) = self.walker.code(code) else { return Ok(None) };
        let definition = &*found.definition;
        let has_constants = self.about[CONSTANTS] != false;
        let operand = if text::has_operand(instruction.opcode) {
            let content = self.place.as_ref().map(|place| &place.section.content);
            let told = meaning.and_then(|range| content?.get(range));
            let meaning = match (told, opcode::operand(instruction.opcode)) {
                (Some(told), _) => Some(told),
                (None, Kind::Const) if !has_constants => None,
                (None, Kind::Const | Kind::Name | Kind::Local) => {
                    let meaning = definition.operand(instruction.opcode, instruction.operand);
                    Some(meaning.unwrap_or(b"None"))
                }
                (None, _) => {
                    self.scratch.clear();
                    text::meaning(&mut self.scratch, instruction, definition);
                    Some(&self.scratch[..])
                }
            };
            match meaning {
                Some(meaning) => Operand::Both(instruction.operand, meaning),
                None => Operand::Number(instruction.operand),
            }
        } else {
            Operand::Absent
        };
        Ok(Some(Event {
            position: Position { line: 0, offset, step: self.steps },
            code: Code {
                number: Some(code),
                name: Some(&definition.name),
                file: Some(&definition.file),
                first_line: Some(definition.first_line),
                sha256: None,
            },
            pc: instruction.offset,
            opcode: instruction.opcode,
            operand,
            depth: Some(depth),
            stack: None,
            blocks: None,
        }))
    }

    fn format(&self) -> Format {
        Format::Flow
    }

    fn fields(&self) -> Fields {
        Fields::NAME
            | Fields::NUMBER
            | Fields::FILE
            | Fields::FIRST_LINE
            | Fields::OPERAND
            | Fields::MEANING
            | Fields::DEPTH
    }

    fn about(&self) -> About {
        let digits = self.about["program_sha256"].as_str().unwrap_or_default();
        let steps = self.ended.then(|| self.sections.executed().min(self.sections.limit()));
        About { sha256: digest(digits), steps, ..About::default() }
    }
}

/// 64 hexadecimal digits as bytes.
fn digest(digits: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(bytes)
}

impl fmt::Debug for Flow<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Flow").field("name", &self.name).field("steps", &self.steps).finish()
    }
}
