//! Counts how often each instruction was executed, without looking at the instructions.
//!
//! For each block that is executed two numbers change: one more at its first instruction, one
//! less after its last. How often an instruction was executed is the sum of the numbers up to it,
//! which is taken once, when all is counted or the blocks are given up.

use bytecode::opcode::EXTENDED_ARG;

use crate::block::{Block, Code, CodeObjects};
use crate::decoder::{InstructionSink, SLOTS, Stepped};

/// Takes what [`BlockCounts`] has counted.
pub trait Tally {
    /// The instruction at an offset was executed so many times more. A prefix is one of its own.
    fn add(&mut self, code: &Code, offset: u32, opcode: u8, count: u64);
}

/// Counts what is executed. Complete once the decoder has settled it ([`crate::replay::replay`]).
#[derive(Debug, Default)]
pub struct BlockCounts<T> {
    /// By [`Block::id`]: how often all of it was executed at once.
    whole: Vec<u64>,
    /// By [`Block::place`]: how much more often than what is before it, `whole` aside.
    differences: Vec<u64>,
    /// By number: what may be executed again.
    repeats: Vec<Repeat>,
    /// The number of what is being executed for the first time.
    repeating: Option<usize>,
    held: usize,
    /// What was counted.
    pub tally: T,
}

/// Blocks that are executed together.
#[derive(Clone, Debug, Default)]
struct Repeat {
    /// How often, the first time aside.
    count: u64,
    /// [`Block::place`] of where each part starts and ends.
    parts: Vec<(u32, u32)>,
}

impl<T: Tally> BlockCounts<T> {
    /// Nothing was executed.
    pub fn new(tally: T) -> BlockCounts<T> {
        BlockCounts {
            whole: Vec::new(),
            differences: Vec::new(),
            repeats: Vec::new(),
            repeating: None,
            held: 0,
            tally,
        }
    }

    /// Counts what was executed again, and makes its number free.
    fn settle_repeat(&mut self, slot: usize) {
        let Some(repeat) = self.repeats.get_mut(slot) else { return };
        for &(start, end) in &repeat.parts {
            let (start, end) = (start as usize, end as usize);
            if end >= self.differences.len() {
                self.held += grow(&mut self.differences, end);
            }
            self.differences[start] = self.differences[start].wrapping_add(repeat.count);
            self.differences[end] = self.differences[end].wrapping_sub(repeat.count);
        }
        repeat.count = 0;
        repeat.parts.clear();
    }

    #[inline]
    fn note(&mut self, block: &Block, from: usize, to: usize) {
        if let Some(slot) = self.repeating {
            let part = (block.place(from) as u32, block.place(to) as u32);
            let parts = &mut self.repeats[slot].parts;
            let before = parts.capacity();
            parts.push(part);
            self.held += (parts.capacity() - before) * size_of_val(&part);
        }
    }

    fn settle(&mut self, code: &Code, block: &Block) {
        let mut count = self.whole.get(block.id as usize).copied().unwrap_or(0);
        for (at, instruction) in block.instructions.iter().enumerate() {
            let more = self.differences.get(block.place(at)).copied().unwrap_or(0);
            count = count.wrapping_add(more);
            if count == 0 {
                continue;
            }
            for prefix in 0..instruction.prefixes {
                self.tally.add(code, instruction.lasti + 3 * prefix, EXTENDED_ARG, count);
            }
            self.tally.add(code, instruction.offset, instruction.opcode, count);
        }
    }
}

/// Makes room for a count; returns how many bytes more that takes.
#[cold]
fn grow(counts: &mut Vec<u64>, index: usize) -> usize {
    let before = counts.len();
    counts.resize((index + 1).next_power_of_two(), 0);
    size_of_val(&counts[before..])
}

impl<T: Tally> InstructionSink for BlockCounts<T> {
    const REPEATS: bool = true;

    fn begin_repeat(&mut self, slot: usize) {
        if self.repeats.is_empty() {
            self.repeats = vec![Repeat::default(); SLOTS];
            self.held += size_of_val(&self.repeats[..]);
        }
        self.settle_repeat(slot);
        self.repeating = Some(slot);
    }

    fn end_repeat(&mut self) {
        self.repeating = None;
    }

    #[inline]
    fn repeat(&mut self, slot: usize) {
        self.repeats[slot].count += 1;
    }

    #[inline]
    fn block(&mut self, _: &CodeObjects, block: &Block, from: usize, to: usize) {
        let (start, end) = (block.place(from), block.place(to));
        if end >= self.differences.len() {
            self.held += grow(&mut self.differences, end);
        }
        if let [first, .., last] = &mut self.differences[start..=end] {
            *first = first.wrapping_add(1);
            *last = last.wrapping_sub(1);
        }
        self.note(block, from, to);
    }

    #[inline]
    fn whole_block(&mut self, _: &CodeObjects, blocks: &[Block], id: u32) {
        let id = id as usize;
        if id >= self.whole.len() {
            self.held += grow(&mut self.whole, id);
        }
        self.whole[id] += 1;
        if self.repeating.is_some() {
            self.note(&blocks[id], 0, blocks[id].instructions.len());
        }
    }

    fn instruction(&mut self, code: &Code, stepped: Stepped) {
        self.tally.add(code, stepped.offset, stepped.opcode, 1);
    }

    #[inline]
    fn held(&self) -> usize {
        self.held
    }

    fn blocks_gone(&mut self, codes: &CodeObjects, blocks: &[Block]) {
        for slot in 0..self.repeats.len() {
            self.settle_repeat(slot);
        }
        for block in blocks {
            if let Some(code) = codes.of(block) {
                self.settle(code, block);
            }
        }
        (self.whole, self.differences, self.repeats) = (Vec::new(), Vec::new(), Vec::new());
        (self.repeating, self.held) = (None, 0);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use wire::code::CodeInfo;
    use wire::packet::{BranchBits, Packet};

    use super::*;
    use crate::decoder::Decoder;

    #[derive(Default)]
    struct ByOpcode(HashMap<u8, u64>);

    impl Tally for ByOpcode {
        fn add(&mut self, _: &Code, _: u32, opcode: u8, count: u64) {
            *self.0.entry(opcode).or_default() += count;
        }
    }

    /// Blocks start everywhere, so that they are given up several times, and a frame is in the
    /// middle of one meanwhile.
    #[test]
    fn nothing_is_lost_where_blocks_are_given_up() {
        let mut decoder = Decoder::new();
        let mut counts = BlockCounts::new(ByOpcode::default());
        let outer = CodeInfo { code: b"\x09\x83\0\0\x09S".to_vec(), ..CodeInfo::default() };
        let inner = CodeInfo { code: [&[9; 40_000][..], b"S"].concat(), ..CodeInfo::default() };
        decoder.define(1, outer).unwrap();
        decoder.define(2, inner).unwrap();
        decoder.event(&Packet::Enter { lasti: -1, code: 1 }, &mut counts).unwrap();
        decoder.event(&Packet::Enter { lasti: 1, code: 2 }, &mut counts).unwrap();
        for start in 0..20_000 {
            decoder.event(&Packet::AsyncEnd { offset: start }, &mut counts).unwrap();
            let lasti = start as i32 + 299;
            decoder
                .event(&Packet::Unwind { lasti, target: 0, exception: true }, &mut counts)
                .unwrap();
        }
        decoder.event(&Packet::FrameExit { lasti: -1, exception: true }, &mut counts).unwrap();
        decoder.branch_bits(BranchBits { bits: 1, count: 1 }, &mut counts).unwrap();
        decoder.settle(&mut counts);
        let wanted = [(9, 20_000 * 300 + 2), (131, 1), (83, 1)];
        assert_eq!(counts.tally.0, HashMap::from(wanted));
        assert_eq!(decoder.executed(), 20_000 * 300 + 4);
    }
}
