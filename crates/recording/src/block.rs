//! A code object cut into blocks: what is executed between two points where the recording decides.
//!
//! A block starts where a thread may come to, and ends with the first instruction that has an
//! outcome. It is made when a thread first comes there. All blocks are given up together when
//! they take too much memory, and made again where they are needed.

use std::sync::Arc;

use bytecode::cfg::{self, Successors};
use bytecode::decode::{self, Instruction};
use wire::code::Definition;

/// Instructions in one block at most. A saved frame is the start of its block and how many
/// instructions of it have run, so this number is part of the format.
pub const LONGEST: usize = 256;

/// The block that was not looked for yet.
const UNKNOWN: u32 = u32::MAX;

/// What the blocks of all code objects come to since they were last given up.
#[derive(Debug, Default)]
pub struct Totals {
    blocks: u32,
    instructions: u32,
    /// The bytes that they take.
    pub bytes: usize,
}

/// What runs without a decision, and what is decided then.
#[derive(Debug)]
pub struct Block {
    /// Its number among the blocks of all code objects, from 0.
    pub id: u32,
    /// How many instructions the blocks of lower numbers have.
    first: u32,
    /// The offset at which it starts.
    pub start: u32,
    /// How many instructions it has, each prefix counted as one.
    pub count: u32,
    /// Its instructions, each with its prefixes.
    pub instructions: Box<[Instruction]>,
    /// Where its last instruction leads to.
    pub successors: Successors,
    /// The blocks there, by outcome, as far as they are known.
    next: [u32; 2],
}

impl Block {
    /// How many instructions `from..to` are, each prefix counted as one.
    #[inline]
    pub fn count(&self, from: usize, to: usize) -> u64 {
        if self.count as usize == self.instructions.len() {
            (to - from) as u64
        } else {
            let counted = self.instructions[from..to].iter();
            counted.map(|instruction| u64::from(instruction.prefixes) + 1).sum()
        }
    }

    /// A number for the place before each of its instructions, and for its end. The places of all
    /// blocks have different numbers, from 0 without a gap.
    #[inline]
    pub fn place(&self, at: usize) -> usize {
        self.first as usize + self.id as usize + at
    }

    /// The `lasti` of its last instruction.
    #[inline]
    pub fn last(&self) -> Option<u32> {
        self.instructions.last().map(|last| last.lasti)
    }
}

/// A code object of a recording.
#[derive(Debug)]
pub struct Code {
    /// Its number.
    pub number: u32,
    /// What the hook said of it.
    pub definition: Arc<Definition>,
    /// Whether its instructions are recorded one by one.
    pub is_watched: bool,
    blocks: Vec<Block>,
    /// The block that starts at each offset; the last one for all offsets outside the code.
    starts: Box<[u32]>,
}

impl Code {
    /// A code object none of whose blocks is made yet.
    pub fn new(number: u32, definition: Arc<Definition>) -> Code {
        let is_watched = definition.is_watched;
        Code { number, definition, is_watched, blocks: Vec::new(), starts: Box::default() }
    }

    /// Gives up its blocks: no index of a block is good any more.
    pub(crate) fn give_up(&mut self) {
        self.blocks = Vec::new();
        self.starts = Box::default();
    }

    /// The blocks that are made.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// The block of an index that [`Code::at`] or [`Code::next`] gave.
    #[inline]
    pub(crate) fn block(&self, index: u32) -> &Block {
        &self.blocks[index as usize]
    }

    /// The index of the block that starts at an offset.
    #[inline]
    pub(crate) fn at(&mut self, start: u32, totals: &mut Totals) -> u32 {
        let slot = (start as usize).min(self.definition.code.len() + 1);
        match self.starts.get(slot) {
            Some(&index) if index != UNKNOWN => index,
            _ => self.add(start, slot, totals),
        }
    }

    #[cold]
    fn add(&mut self, start: u32, slot: usize, totals: &mut Totals) -> u32 {
        if self.starts.is_empty() {
            let count = self.definition.code.len() + 2;
            totals.bytes += count * size_of::<u32>();
            self.starts = vec![UNKNOWN; count].into();
        }
        let block = self.make(start, totals);
        totals.blocks += 1;
        totals.instructions += block.instructions.len() as u32;
        totals.bytes += 2 * size_of::<Block>() + size_of_val(&*block.instructions);
        let index = self.blocks.len() as u32;
        self.blocks.push(block);
        self.starts[slot] = index;
        index
    }

    /// The index of the block that follows after an outcome, if it was asked for before.
    #[inline]
    pub(crate) fn known(&self, index: u32, outcome: usize) -> Option<u32> {
        let next = self.blocks[index as usize].next[outcome];
        (next != UNKNOWN).then_some(next)
    }

    /// The index of the block that follows another after an outcome, 0 or 1; 0 too where it just
    /// goes on. `None` where that is outside the code.
    #[cold]
    pub(crate) fn next(&mut self, index: u32, outcome: usize, totals: &mut Totals) -> Option<u32> {
        let start = match self.blocks[index as usize].successors {
            Successors::Branch(starts) => starts[outcome],
            Successors::On(start) => start,
            Successors::Leave | Successors::Never => return None,
        };
        let start = u32::try_from(start).ok()?;
        let next = self.at(start, totals);
        self.blocks[index as usize].next[outcome] = next;
        Some(next)
    }

    fn make(&self, start: u32, totals: &Totals) -> Block {
        let code = &self.definition.code;
        let (mut instructions, mut count, mut offset) = (Vec::new(), 0, start);
        let successors = loop {
            if instructions.len() == LONGEST {
                break Successors::On(offset.into());
            }
            let Some(at) = decode::decode(code, offset) else { break Successors::Never };
            count += at.prefixes + 1;
            instructions.push(at);
            match cfg::successors(&at) {
                Successors::On(next) => match u32::try_from(next) {
                    Ok(next) => offset = next,
                    Err(_) => break Successors::Never,
                },
                successors => break successors,
            }
        };
        let (id, first) = (totals.blocks, totals.instructions);
        let (instructions, next) = (instructions.into(), [UNKNOWN; 2]);
        Block { id, first, start, count, instructions, successors, next }
    }
}
