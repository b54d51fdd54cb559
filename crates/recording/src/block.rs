//! A code object cut into blocks: what is executed between two points where the recording decides.
//!
//! A block starts where a thread may come to, and ends with the first instruction that has an
//! outcome. It is made when a thread first comes there. All blocks are given up together when
//! they take too much memory, and made again where they are needed.

use std::sync::Arc;

use bytecode::cfg::{self, Successors};
use bytecode::decode::{self, Instruction};
use wire::code::CodeInfo;

/// Instructions in one block at most. A saved frame is the start of its block and how many
/// instructions of it have run, so this number is part of the format.
pub const LONGEST: usize = 256;

/// The block that was not looked for yet.
pub(crate) const UNKNOWN: u32 = u32::MAX;

/// How a block ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It just goes on: in the first of the next blocks.
    On,
    /// An outcome says in which of the next blocks it goes on.
    Branch,
    /// The frame is left if the outcome is one.
    Leave,
    /// Nothing that is known comes next.
    Never,
}

/// What runs without a decision, and what is decided then.
#[derive(Debug)]
pub struct Block {
    /// Its number among all blocks, from 0.
    pub id: u32,
    /// The number of its code object.
    pub code: u32,
    /// The offset at which it starts.
    pub start: u32,
    /// How many instructions it has, each prefix counted as one.
    pub count: u32,
    /// Its instructions, each with its prefixes.
    pub instructions: Box<[Instruction]>,
    /// [`Block::place`] of its first instruction.
    place: u32,
    pub(crate) end: End,
    /// By instruction: up to where a packet led when this one came next. Calls are mostly made by
    /// the same instruction.
    pub(crate) reached: Box<[Reached]>,
}

/// What following branch bits needs of a block: little, so that many fit the processor's cache.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    /// The blocks that come next, by outcome, as far as they are known.
    pub(crate) next: [u32; 2],
    /// [`Block::count`] of all of it.
    pub(crate) count: u32,
    /// The `lasti` of its last instruction.
    pub(crate) last: u32,
    pub(crate) end: End,
}

/// Where a packet led to in a block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reached {
    /// The offset that the packet named.
    pub(crate) lasti: u32,
    /// How many instructions that is, each prefix counted as one.
    pub(crate) count: u32,
    /// The index of the instruction that comes next.
    pub(crate) to: u32,
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
        self.place as usize + at
    }

    /// The offset at which it goes on if it just goes on.
    pub(crate) fn on(&self) -> Option<i64> {
        let last = self.instructions.last()?;
        match cfg::successors(last) {
            Successors::On(next) if self.end == End::On => Some(next),
            _ => None,
        }
    }

    /// The index of the instruction at `lasti`, from `at` on.
    #[inline]
    pub(crate) fn find(&self, at: usize, lasti: u32) -> Option<usize> {
        let ahead = &self.instructions[at..];
        let found = ahead.binary_search_by_key(&lasti, |instruction| instruction.lasti);
        found.ok().map(|found| at + found)
    }
}

/// The blocks of all code objects, as far as they are made.
#[derive(Debug, Default)]
pub struct Blocks {
    pub(crate) all: Vec<Block>,
    /// Those of the same blocks.
    pub(crate) nodes: Vec<Node>,
    places: u32,
    /// The bytes that they take, and what dead code objects take that are kept for them.
    pub(crate) bytes: usize,
}

impl Blocks {
    /// The block that starts at an offset.
    #[inline]
    pub(crate) fn at(&mut self, code: &mut Code, start: u32) -> u32 {
        let slot = (start as usize).min(code.definition.code.len() + 1);
        match code.starts.get(slot) {
            Some(&block) if block != UNKNOWN => block,
            _ => self.add(code, start, slot),
        }
    }

    #[cold]
    fn add(&mut self, code: &mut Code, start: u32, slot: usize) -> u32 {
        if code.starts.is_empty() {
            let count = code.definition.code.len() + 2;
            self.bytes += count * size_of::<u32>();
            code.starts = vec![UNKNOWN; count].into();
        }
        let block = self.make(code, start);
        let id = block.id;
        self.places += block.instructions.len() as u32 + 1;
        self.bytes += 2 * (size_of::<Block>() + size_of::<Node>())
            + size_of_val(&*block.instructions)
            + size_of_val(&*block.reached);
        self.nodes.push(Node {
            next: [UNKNOWN; 2],
            count: block.count,
            last: block.instructions.last().map_or(u32::MAX, |last| last.lasti),
            end: block.end,
        });
        self.all.push(block);
        code.starts[slot] = id;
        id
    }

    fn make(&self, code: &Code, start: u32) -> Block {
        let bytes = &code.definition.code;
        let (mut instructions, mut count, mut offset) = (Vec::new(), 0, start);
        let end = loop {
            if instructions.len() == LONGEST {
                break End::On;
            }
            let Some(at) = decode::decode(bytes, offset) else { break End::Never };
            count += at.prefixes + 1;
            instructions.push(at);
            match cfg::successors(&at) {
                Successors::On(next) => match u32::try_from(next) {
                    Ok(next) => offset = next,
                    Err(_) => break End::Never,
                },
                Successors::Branch(_) => break End::Branch,
                Successors::Leave => break End::Leave,
                Successors::Never => break End::Never,
            }
        };
        let reached = instructions.iter().zip(1..).map(|(at, to)| Reached {
            lasti: at.lasti,
            count: at.prefixes + 1,
            to,
        });
        Block {
            id: self.all.len() as u32,
            code: code.number,
            start,
            count,
            place: self.places,
            end,
            reached: reached.collect(),
            instructions: instructions.into(),
        }
    }

    /// The block that follows another after an outcome, 0 or 1; 0 too where it just goes on.
    /// `None` where that is outside the code, or not known.
    #[cold]
    pub(crate) fn next(
        &mut self,
        codes: &mut CodeObjects,
        block: u32,
        outcome: usize,
    ) -> Option<u32> {
        let before = self.all.get(block as usize)?;
        let start = match (before.end, cfg::successors(before.instructions.last()?)) {
            (End::Branch, Successors::Branch(starts)) => starts[outcome],
            (End::On, Successors::On(start)) => start,
            _ => return None,
        };
        let start = u32::try_from(start).ok()?;
        let code = codes.all.get_mut(before.code as usize)?.as_deref_mut()?;
        let next = self.at(code, start);
        self.nodes[block as usize].next[outcome] = next;
        Some(next)
    }
}

/// A code object of a recording.
#[derive(Debug)]
pub struct Code {
    /// Its number.
    pub number: u32,
    /// What the hook said of it.
    pub definition: Arc<CodeInfo>,
    /// Whether its instructions are recorded one by one.
    pub is_watched: bool,
    /// It died, and is kept while its blocks are.
    is_gone: bool,
    /// The block that starts at each offset; the last one for all offsets outside the code.
    starts: Box<[u32]>,
}

/// The code objects, by number.
#[derive(Debug)]
pub struct CodeObjects {
    /// Nothing is numbered 0.
    all: Vec<Option<Box<Code>>>,
    /// By number: the block that starts at offset 0, [`UNKNOWN`] too where frames of the code object
    /// are single-stepped or it has died.
    entries: Vec<u32>,
}

impl Default for CodeObjects {
    fn default() -> CodeObjects {
        CodeObjects { all: vec![None], entries: vec![UNKNOWN] }
    }
}

impl CodeObjects {
    /// Adds one; false if that is not the number that comes next.
    pub(crate) fn define(&mut self, number: u32, definition: Arc<CodeInfo>) -> bool {
        let is_next = number as usize == self.all.len();
        if is_next {
            let (is_watched, starts) = (definition.is_watched, Box::default());
            let code = Code { number, definition, is_watched, is_gone: false, starts };
            self.all.push(Some(Box::new(code)));
            self.entries.push(UNKNOWN);
        }
        is_next
    }

    /// The code object of a number, if it is alive.
    #[inline]
    pub fn get(&self, number: u32) -> Option<&Code> {
        self.all.get(number as usize)?.as_deref().filter(|code| !code.is_gone)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, number: u32) -> Option<&mut Code> {
        self.all.get_mut(number as usize)?.as_deref_mut().filter(|code| !code.is_gone)
    }

    /// The code object of a block, which may have died.
    #[inline]
    pub fn of(&self, block: &Block) -> Option<&Code> {
        self.all.get(block.code as usize)?.as_deref()
    }

    /// Where its frames start, if they are not single-stepped and that is known.
    #[inline]
    pub(crate) fn entry(&self, number: u32) -> Option<u32> {
        self.entries.get(number as usize).copied().filter(|&block| block != UNKNOWN)
    }

    pub(crate) fn set_entry(&mut self, number: u32, block: u32) {
        self.entries[number as usize] = block;
    }

    /// Its frames are single-stepped from here on. False if it is not there.
    pub(crate) fn watch(&mut self, number: u32) -> bool {
        let Some(code) = self.get_mut(number) else { return false };
        code.is_watched = true;
        self.set_entry(number, UNKNOWN);
        true
    }

    /// One dies. Returns how many bytes are kept of it, `None` if there is none.
    pub(crate) fn forget(&mut self, number: u32) -> Option<usize> {
        let slot = self.all.get_mut(number as usize)?;
        let code = slot.as_deref_mut().filter(|code| !code.is_gone)?;
        code.is_gone = true;
        self.entries[number as usize] = UNKNOWN;
        if code.starts.is_empty() {
            *slot = None;
            return Some(0);
        }
        Some(code.definition.size())
    }

    /// All blocks are given up.
    pub(crate) fn give_up(&mut self) {
        for slot in &mut self.all {
            match slot {
                Some(code) if code.is_gone => *slot = None,
                Some(code) => code.starts = Box::default(),
                None => {}
            }
        }
        self.entries.fill(UNKNOWN);
    }
}
