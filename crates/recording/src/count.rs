//! Counts how often each instruction was executed, without looking at the instructions.
//!
//! For each block that is executed two numbers change: one more at its first instruction, one
//! less after its last. How often an instruction was executed is the sum of the numbers up to it,
//! which is taken once, when all is counted or the blocks are given up.

use bytecode::opcode::EXTENDED_ARG;

use crate::block::{Block, Code};
use crate::decoder::{InstructionSink, Stepped};

/// Takes what [`BlockCounts`] has counted.
pub trait Tally {
    /// The instruction at an offset was executed so many times more. A prefix is one of its own.
    fn add(&mut self, code: &Code, offset: u32, opcode: u8, count: u64);
}

/// Counts what is executed. Complete once the decoder has settled it ([`crate::replay::replay`]).
#[derive(Debug, Default)]
pub struct BlockCounts<T> {
    /// By [`Block::place`]: how much more often than what is before it.
    differences: Vec<u64>,
    /// What was counted.
    pub tally: T,
}

impl<T: Tally> BlockCounts<T> {
    /// Nothing was executed.
    pub fn new(tally: T) -> BlockCounts<T> {
        BlockCounts { differences: Vec::new(), tally }
    }

    #[cold]
    fn grow(&mut self, place: usize) {
        self.differences.resize((place + 1).next_power_of_two(), 0);
    }

    fn settle(&mut self, code: &Code) {
        for block in code.blocks() {
            let mut count = 0u64;
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
}

impl<T: Tally> InstructionSink for BlockCounts<T> {
    #[inline]
    fn block(&mut self, _: &Code, block: &Block, from: usize, to: usize) {
        let (start, end) = (block.place(from), block.place(to));
        if end >= self.differences.len() {
            self.grow(end);
        }
        self.differences[start] = self.differences[start].wrapping_add(1);
        self.differences[end] = self.differences[end].wrapping_sub(1);
    }

    fn instruction(&mut self, code: &Code, stepped: Stepped) {
        self.tally.add(code, stepped.offset, stepped.opcode, 1);
    }

    #[inline]
    fn held(&self) -> usize {
        size_of_val(&*self.differences)
    }

    fn blocks_gone(&mut self, codes: &mut dyn Iterator<Item = &Code>) {
        codes.for_each(|code| self.settle(code));
        self.differences = Vec::new();
    }

    fn code_gone(&mut self, code: &Code) {
        self.settle(code);
    }
}
