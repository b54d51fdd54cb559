//! What was executed, as lines of text.
//!
//! The lines of a block are made when it is first executed, and copied from then on: that is what
//! makes text fast. They are kept until the decoder gives its blocks up.

use std::collections::HashMap;
use std::ops::Range;

use crate::block::{Block, Code, CodeObjects};
use crate::decoder::{InstructionSink, Stepped};
use bytecode::decode::{self, Instruction};
use bytecode::opcode::EXTENDED_ARG;
use bytecode::text::{self, Tables};

/// Bytes of lines that are kept of one block, and of one instruction recorded individually.
const WIDEST: usize = 64 << 10;

/// A line takes no more bytes than this, the name and the meaning of an operand aside.
const SHORT: usize = 64;

/// How instructions are rendered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RenderOptions {
    /// Operands as their meaning.
    pub resolve: bool,
    /// As the original: without what follows a prefix.
    pub blog: bool,
    /// Code objects of this `co_name` alone.
    pub name: Option<Vec<u8>>,
    /// Whether only instructions that have a line count as such.
    pub counts_lines: bool,
}

impl RenderOptions {
    /// Whether a code object's instructions have lines.
    fn has(&self, code: &Code) -> bool {
        self.name.as_ref().is_none_or(|name| *name == code.definition.name)
    }

    /// Appends the lines of an instruction and its prefixes, and says where each ends that counts.
    fn lines(
        &self,
        code: &Code,
        of: &Instruction,
        out: &mut Vec<u8>,
        mut ended: impl FnMut(&mut Vec<u8>),
    ) {
        let is_shown = self.has(code);
        let mut operand = 0i32;
        for prefix in 0..=of.prefixes {
            let is_prefix = prefix < of.prefixes;
            let is_written = is_shown && (prefix == 0 || !self.blog);
            let line = if is_prefix {
                let offset = of.lasti + 3 * prefix;
                operand = operand << 16 | decode::argument(&code.definition.code, offset);
                text::Instruction { offset, opcode: EXTENDED_ARG, operand }
            } else {
                text::Instruction { offset: of.offset, opcode: of.opcode, operand: of.operand }
            };
            if is_written {
                self.line(code, line, out);
            }
            if is_written || !self.counts_lines {
                ended(out);
            }
        }
    }

    /// The most bytes that those lines take.
    fn width(&self, code: &Code, of: &Instruction) -> usize {
        if !self.has(code) {
            return 0;
        }
        let definition = &code.definition;
        let meaning = if self.resolve { definition.operand(of.opcode, of.operand) } else { None };
        let line = definition.name.len() + SHORT;
        line.saturating_mul(of.prefixes as usize + 1) + meaning.map_or(0, |meaning| meaning.len())
    }

    fn line(&self, code: &Code, line: text::Instruction, out: &mut Vec<u8>) {
        let definition = &*code.definition;
        let tables = self.resolve.then_some(definition as &dyn Tables);
        text::write(out, &definition.name, line, tables);
    }
}

/// The lines of a block.
#[derive(Debug)]
struct Lines {
    text: Box<[u8]>,
    /// By instruction.
    marks: Box<[Mark]>,
    /// Where the line of each instruction ends that counts, a prefix being one; empty where one
    /// is left out.
    ends: Box<[u32]>,
}

/// How far an instruction's lines go.
#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    /// How many instructions there are up to its end that count.
    count: u32,
    /// Where its lines end.
    end: u32,
}

impl Lines {
    /// `None` if they are too long to keep.
    fn new(options: &RenderOptions, code: &Code, block: &Block) -> Option<Lines> {
        let (mut text, mut marks, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        for instruction in &block.instructions {
            if text.len() + options.width(code, instruction) > WIDEST {
                return None;
            }
            options.lines(code, instruction, &mut text, |text| ends.push(text.len() as u32));
            marks.push(Mark { count: ends.len() as u32, end: text.len() as u32 });
        }
        Some(Lines { text: text.into(), marks: marks.into(), ends: ends.into() })
    }

    fn bytes(&self) -> usize {
        self.text.len() + size_of_val(&*self.marks) + size_of_val(&*self.ends)
    }

    /// How far the first instructions go.
    #[inline]
    fn mark(&self, instructions: usize) -> Mark {
        if instructions == 0 { Mark::default() } else { self.marks[instructions - 1] }
    }

    /// Where the first lines end.
    fn end(&self, lines: u64) -> usize {
        if lines == 0 { 0 } else { self.ends[lines as usize - 1] as usize }
    }
}

/// What is kept for a block.
#[derive(Debug, Default)]
enum Kept {
    /// Nothing yet.
    #[default]
    Unmade,
    Lines(Lines),
    /// Its lines are too long to keep.
    Long,
}

/// Collects the lines of a range of the instructions.
#[derive(Debug)]
pub struct TextSink {
    /// The lines so far; who takes them clears it.
    pub lines: Vec<u8>,
    /// How many instructions were executed so far, as far as they count.
    pub count: u64,
    /// Of the instructions, counted from 0, those that are written.
    pub range: Range<u64>,
    options: RenderOptions,
    /// By [`Block::id`].
    blocks: Vec<Kept>,
    /// By code object, offset, opcode and operand.
    steps: HashMap<(u32, u32, u8, i32), Vec<u8>>,
    /// The line of a step that is not kept.
    line: Vec<u8>,
    held: usize,
}

impl TextSink {
    /// All lines from the first instruction on.
    pub fn new(options: RenderOptions) -> TextSink {
        TextSink {
            lines: Vec::new(),
            count: 0,
            range: 0..u64::MAX,
            options,
            blocks: Vec::new(),
            steps: HashMap::new(),
            line: Vec::new(),
            held: 0,
        }
    }

    /// Whether nothing that comes is written.
    pub fn is_over(&self) -> bool {
        self.count >= self.range.end
    }

    /// The instructions `from..to` of a block. Where their lines are not kept, `ended` may take
    /// them after each.
    #[inline]
    pub fn append(
        &mut self,
        codes: &CodeObjects,
        block: &Block,
        (from, to): (usize, usize),
        ended: impl FnMut(&mut Vec<u8>),
    ) {
        let Some(Kept::Lines(lines)) = self.blocks.get(block.id as usize) else {
            return self.first(codes, block, (from, to), ended);
        };
        let (start, end) = (lines.mark(from), lines.mark(to));
        let after = self.count + u64::from(end.count - start.count);
        if self.range.start <= self.count && after <= self.range.end {
            self.lines.extend_from_slice(&lines.text[start.end as usize..end.end as usize]);
        } else {
            let clip = |at: u64| at.clamp(self.count, after) - self.count;
            let (skip, stop) = (clip(self.range.start), clip(self.range.end));
            let before = u64::from(start.count);
            if skip < stop {
                let text = &lines.text[lines.end(before + skip)..lines.end(before + stop)];
                self.lines.extend_from_slice(text);
            }
        }
        self.count = after;
    }

    /// All instructions of a block, as [`TextSink::append`].
    #[inline]
    pub fn append_whole(
        &mut self,
        codes: &CodeObjects,
        blocks: &[Block],
        id: u32,
        ended: impl FnMut(&mut Vec<u8>),
    ) {
        if let Some(Kept::Lines(lines)) = self.blocks.get(id as usize) {
            let after = self.count + lines.ends.len() as u64;
            if self.range.start <= self.count && after <= self.range.end {
                self.lines.extend_from_slice(&lines.text);
                self.count = after;
                return;
            }
        }
        let block = &blocks[id as usize];
        self.append(codes, block, (0, block.instructions.len()), ended);
    }

    /// Makes the lines of a block, and appends them.
    #[cold]
    fn first(
        &mut self,
        codes: &CodeObjects,
        block: &Block,
        (from, to): (usize, usize),
        ended: impl FnMut(&mut Vec<u8>),
    ) {
        let Some(code) = codes.of(block).filter(|_| from < to) else { return };
        let id = block.id as usize;
        if id >= self.blocks.len() {
            self.blocks.resize_with(id + 1, Kept::default);
        }
        if matches!(self.blocks[id], Kept::Unmade) {
            let lines = Lines::new(&self.options, code, block);
            self.held += 2 * size_of::<Kept>() + lines.as_ref().map_or(0, Lines::bytes);
            self.blocks[id] = lines.map_or(Kept::Long, Kept::Lines);
        }
        match self.blocks[id] {
            Kept::Lines(_) => self.append(codes, block, (from, to), ended),
            _ => self.long(code, &block.instructions[from..to], ended),
        }
    }

    fn long(
        &mut self,
        code: &Code,
        instructions: &[Instruction],
        mut ended: impl FnMut(&mut Vec<u8>),
    ) {
        let (mut count, mut kept) = (self.count, self.lines.len());
        for instruction in instructions {
            self.options.lines(code, instruction, &mut self.lines, |lines| {
                if !self.range.contains(&count) {
                    lines.truncate(kept);
                }
                ended(lines);
                (count, kept) = (count + 1, lines.len());
            });
        }
        self.count = count;
    }

    /// The line of an instruction that was recorded individually.
    fn step(&mut self, code: &Code, stepped: Stepped) -> &[u8] {
        if !self.options.has(code) {
            return b"";
        }
        let Stepped { offset, opcode, operand, meaning } = stepped;
        let key = (code.number, offset, opcode, operand);
        let meaning = meaning.filter(|_| self.options.resolve);
        // What was made once may be said again, but for what can change.
        if meaning.is_some() || !self.steps.contains_key(&key) {
            let mut line = std::mem::take(&mut self.line);
            line.clear();
            match meaning {
                Some(meaning) => {
                    let meaning = |out: &mut Vec<u8>| out.extend_from_slice(meaning);
                    text::write_line(&mut line, &code.definition.name, offset, opcode, meaning);
                }
                None => {
                    let of = text::Instruction { offset, opcode, operand };
                    self.options.line(code, of, &mut line);
                }
            }
            if meaning.is_some() || line.len() > WIDEST {
                self.line = line;
                return &self.line;
            }
            self.held += 5 * size_of::<Vec<u8>>() + line.capacity();
            self.steps.insert(key, line);
        }
        &self.steps[&key]
    }
}

impl InstructionSink for TextSink {
    #[inline]
    fn block(&mut self, codes: &CodeObjects, block: &Block, from: usize, to: usize) {
        self.append(codes, block, (from, to), |_| {});
    }

    #[inline]
    fn whole_block(&mut self, codes: &CodeObjects, blocks: &[Block], id: u32) {
        self.append_whole(codes, blocks, id, |_| {});
    }

    fn instruction(&mut self, code: &Code, stepped: Stepped) {
        let (is_written, counts_lines) =
            (self.range.contains(&self.count), self.options.counts_lines);
        let mut lines = std::mem::take(&mut self.lines);
        let line = self.step(code, stepped);
        let counts = !counts_lines || !line.is_empty();
        if is_written {
            lines.extend_from_slice(line);
        }
        self.lines = lines;
        self.count += u64::from(counts);
    }

    #[inline]
    fn held(&self) -> usize {
        self.held
    }

    fn blocks_gone(&mut self, _: &CodeObjects, _: &[Block]) {
        self.blocks = Vec::new();
        self.steps = HashMap::new();
        self.held = 0;
    }

    fn goes_on_at(&mut self, first: u64) {
        if !self.options.counts_lines {
            self.count = first;
        }
    }
}
