//! Reads recordings as steps: what the code objects say is said with them.
//!
//! A step has all that a recording knows: the code object's number, name, file and first line, how
//! many frames there are, and the operand as number and as meaning. The file itself is `flow`'s
//! business. Takes one section's memory, and that of the code objects.

use std::borrow::Cow;
use std::fmt;
use std::io::Read;
use std::ops::Range;

mod values;

use values::Values;
pub use values::value_bounds;

use crate::lines::Lines;
use crate::step::{About, Code, Fields, Format, Operand, Position, ReadError, Step, Steps};
use bytecode::cfg::{self, Successors};
use bytecode::decode::{self, Instruction as WithPrefixes};
use bytecode::opcode::{self, EXTENDED_ARG, Operand as Kind};
use bytecode::text::{self, Instruction};
use recording::block::{self, Block, CodeObjects};
use recording::decoder::{Decoder, InstructionSink, Stepped};
use recording::file::{Broken, Sections};
use recording::replay::{self, Cursor, MISCOUNTED, OpenChunk, Part};
use wire::packet::{self, BranchBits};

/// In what a recording says of itself: false where it has no constants.
pub const CONSTANTS: &str = "constants";

/// A recording being read.
pub struct Flow<'a> {
    name: String,
    cursor: Cursor<Box<dyn Read + Send + 'a>>,
    about: serde_json::Value,
    decoder: Decoder,
    chunk: Option<OpenChunk>,
    /// BranchBits of the next packet which were followed.
    taken: u32,
    /// What was executed and not given yet.
    range: Option<InstructionRange>,
    /// Steps given, those beyond the limit included.
    steps: u64,
    ended: bool,
    scratch: Vec<u8>,
    values: Option<Box<Values>>,
}

/// Instructions that one branch bit or packet stands for, in one frame.
struct InstructionRange {
    code: u32,
    depth: u32,
    /// The byte of the record.
    offset: u64,
    what: What,
}

enum What {
    /// So many instructions, prefixes aside, from this one on; prefixes of it that were given.
    Block { at: WithPrefixes, left: u64, prefixes: u32 },
    /// One that was recorded individually, and where its operand's meaning is in the chunk.
    Step { instruction: Instruction, meaning: Option<Range<usize>> },
}

/// An instruction of a range.
struct Found {
    code: u32,
    depth: u32,
    offset: u64,
    instruction: Instruction,
    meaning: Option<Range<usize>>,
    /// The instruction with its prefixes, which are given before it.
    whole: WithPrefixes,
    is_prefix: bool,
    is_stepped: bool,
}

/// Takes what one branch bit or packet stands for: one range, as the code runs straight on.
#[derive(Default)]
struct Decoded {
    first: Option<(u32, WithPrefixes)>,
    instructions: u64,
    stepped: Option<(u32, Instruction)>,
    branch: Option<bool>,
    is_left: bool,
}

impl InstructionSink for Decoded {
    fn block(&mut self, _: &CodeObjects, block: &Block, from: usize, to: usize) {
        if let Some(first) = block.instructions[from..to].first() {
            self.first.get_or_insert((block.code, *first));
            self.instructions += (to - from) as u64;
        }
    }

    fn branch(&mut self, taken: bool) {
        self.branch = Some(taken);
    }

    fn frame_left(&mut self) {
        self.is_left = true;
    }

    fn instruction(&mut self, code: &block::Code, stepped: Stepped) {
        let Stepped { offset, opcode, operand, .. } = stepped;
        self.stepped = Some((code.number, Instruction { offset, opcode, operand }));
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
            cursor: Cursor::new(sections, 0..u64::MAX),
            about,
            decoder: Decoder::new(),
            chunk: None,
            taken: 0,
            range: None,
            steps: 0,
            ended: false,
            scratch: Vec::new(),
            values: None,
        })
    }

    /// Steps are to have what stack, blocks, locals and cells hold; false if the recording does not.
    pub fn with_values(&mut self) -> bool {
        let values = Values::new(&self.about);
        self.values = values.map(Box::new);
        self.values.is_some()
    }

    /// What messages call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it has what operands mean.
    pub fn has_constants(&self) -> bool {
        self.about[CONSTANTS] != false
    }

    /// Its name, its parts, and what it says of itself.
    pub fn into_parts(self) -> (String, Cursor<Box<dyn Read + Send + 'a>>, serde_json::Value) {
        (self.name, self.cursor, self.about)
    }

    /// Goes on to the next outcome, event or chunk; false at the end.
    fn advance(&mut self) -> Result<bool, Broken> {
        self.settle()?;
        let Some(chunk) = &mut self.chunk else { return self.open() };
        let Some((branch_bits, event, length)) = chunk.packet()? else {
            chunk.check(&self.decoder)?;
            self.chunk = None;
            return Ok(true);
        };
        let offset = chunk.offset();
        let depth = self.decoder.depth() as u32;
        let mut decoded = Decoded::default();
        if self.taken < branch_bits.count {
            self.taken += 1;
            let bits = branch_bits.bits >> (branch_bits.count - self.taken) & 1;
            let decoded = self.decoder.branch_bits(BranchBits { bits, count: 1 }, &mut decoded);
            decoded.map_err(|fault| chunk.broken(&fault))?;
        } else {
            self.decoder.event(&event, &mut decoded).map_err(|fault| chunk.broken(&fault))?;
            let meaning = match event {
                // Fields of a later version may follow it.
                packet::Packet::Instruction { text: Some(text), .. } => {
                    let start = text.as_ptr() as usize - chunk.content().0.as_ptr() as usize;
                    Some(start..start + text.len())
                }
                _ => None,
            };
            self.taken = 0;
            if let Some(values) = &mut self.values {
                values.packet(&event).map_err(|fault| chunk.broken(&fault))?;
            }
            chunk.skip(length);
            if let Some((code, instruction)) = decoded.stepped {
                let what = What::Step { instruction, meaning };
                self.range = Some(InstructionRange { code, depth, offset, what });
            }
        }
        if let Some(values) = &mut self.values {
            (values.branch, values.is_left) = (decoded.branch, decoded.is_left);
        }
        if let Some((code, at)) = decoded.first {
            let what = What::Block { at, left: decoded.instructions, prefixes: 0 };
            self.range = Some(InstructionRange { code, depth, offset, what });
        }
        Ok(true)
    }

    /// Goes on to the next chunk.
    fn open(&mut self) -> Result<bool, Broken> {
        while let Some(part) = self.cursor.next()? {
            match part {
                Part::Codes(changes) => replay::apply(&changes, &mut self.decoder)?,
                Part::Chunk(section) => {
                    self.chunk = OpenChunk::open(section, &mut self.decoder)?;
                    if let Some(chunk) = &self.chunk {
                        // After a gap, what was left out is counted too.
                        self.steps = chunk.range().start;
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }

    /// The next instruction of the range at hand.
    fn instruction(&mut self) -> Option<Found> {
        let range = self.range.as_mut()?;
        let (code, depth, offset) = (range.code, range.depth, range.offset);
        let found = |instruction: Instruction, meaning, whole, is_stepped| Found {
            is_prefix: instruction.opcode == EXTENDED_ARG,
            code,
            depth,
            offset,
            instruction,
            meaning,
            whole,
            is_stepped,
        };
        let (found, is_over) = match &mut range.what {
            What::Step { instruction, meaning } => {
                let Instruction { offset, opcode, operand } = *instruction;
                let next = offset + if opcode >= opcode::HAVE_ARGUMENT { 3 } else { 1 };
                let whole =
                    WithPrefixes { lasti: offset, offset, opcode, operand, next, prefixes: 0 };
                (found(*instruction, meaning.take(), whole, true), true)
            }
            What::Block { at, left, prefixes } => {
                let bytes = &self.decoder.code(code)?.definition.code;
                if *prefixes < at.prefixes {
                    let offset = at.lasti + 3 * *prefixes;
                    *prefixes += 1;
                    let operand = decode::prefix(bytes, at.lasti, *prefixes);
                    let prefix = Instruction { offset, opcode: EXTENDED_ARG, operand };
                    return Some(found(prefix, None, *at, false));
                }
                let whole = *at;
                let (offset, opcode, operand) = (at.offset, at.opcode, at.operand);
                *left -= 1;
                let next = match cfg::successors(at) {
                    Successors::On(next) if *left > 0 => u32::try_from(next).ok(),
                    _ => None,
                };
                let next = next.and_then(|next| decode::decode(bytes, next));
                if let Some(next) = next {
                    (*at, *prefixes) = (next, 0);
                }
                (found(Instruction { offset, opcode, operand }, None, whole, false), next.is_none())
            }
        };
        if is_over {
            self.range = None;
        }
        Some(found)
    }
}

impl Flow<'_> {
    /// What followed the instructions that were given moves the machine.
    fn settle(&mut self) -> Result<(), Broken> {
        let Some(values) = &mut self.values else { return Ok(()) };
        let result = values.settle(&self.decoder);
        let offset = self.chunk.as_ref().map_or(0, OpenChunk::offset);
        result.map_err(|fault| Broken::at(offset, fault))
    }
}

impl Steps for Flow<'_> {
    fn next(&mut self) -> Result<Option<Step<'_>>, ReadError> {
        let mut found = loop {
            if let Some(found) = self.instruction() {
                self.steps += 1;
                if self.chunk.as_ref().is_some_and(|chunk| self.steps > chunk.range().end) {
                    let broken = Broken::at(found.offset, MISCOUNTED);
                    return Err(ReadError::of_recording(broken, &self.name));
                }
                if self.steps <= self.cursor.sections().limit() {
                    break found;
                }
                if let Some(values) = &mut self.values {
                    values.step(&found, self.steps).map_err(|fault| {
                        ReadError::of_recording(Broken::at(found.offset, fault), &self.name)
                    })?;
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
        let meaning = found.meaning.take();
        let Found { code, depth, offset, instruction, .. } = found;
        if let Some(values) = &mut self.values {
            values
                .step(&found, self.steps)
                .map_err(|fault| ReadError::of_recording(Broken::at(offset, fault), &self.name))?;
        }
        let Some(found) = self.decoder.code(code) else { return Ok(None) };
        let definition = &*found.definition;
        let has_constants = self.about[CONSTANTS] != false;
        let operand = if text::has_operand(instruction.opcode) {
            let content = self.chunk.as_ref().map(|chunk| chunk.content().0);
            let recorded = meaning.and_then(|range| content?.get(range));
            let meaning = match (recorded, opcode::operand(instruction.opcode)) {
                (Some(recorded), _) => Some(recorded),
                (None, Kind::Const) if !has_constants => None,
                (None, Kind::Const | Kind::Name | Kind::Local) => {
                    match definition.operand(instruction.opcode, instruction.operand) {
                        Some(Cow::Borrowed(meaning)) => Some(meaning),
                        Some(Cow::Owned(meaning)) => {
                            self.scratch = meaning;
                            Some(&self.scratch[..])
                        }
                        None => Some(&b"None"[..]),
                    }
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
        Ok(Some(Step {
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
            stack: self.values.as_ref().map(|values| &values.stack[..]),
            blocks: self.values.as_ref().map(|values| &values.blocks[..]),
            locals: self.values.as_ref().map(|values| &values.locals[..]),
            cells: self.values.as_ref().map(|values| &values.cells[..]),
        }))
    }

    fn format(&self) -> Format {
        Format::Flow
    }

    fn fields(&self) -> Fields {
        let values = self.values.is_some();
        Fields::STACK.when(values)
            | Fields::BLOCKS.when(values)
            | Fields::NAME
            | Fields::NUMBER
            | Fields::FILE
            | Fields::FIRST_LINE
            | Fields::OPERAND
            | Fields::MEANING
            | Fields::DEPTH
    }

    fn about(&self) -> About {
        let digits = self.about["program_sha256"].as_str().unwrap_or_default();
        let steps = self.ended.then(|| {
            let sections = self.cursor.sections();
            sections.executed().min(sections.limit())
        });
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
