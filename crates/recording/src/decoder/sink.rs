//! What takes the instructions that were executed: lines of text, statistics, steps.

use crate::block::{Block, Code, CodeObjects};

/// An instruction that was recorded individually; a prefix is one of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stepped<'a> {
    /// Its own offset.
    pub offset: u32,
    /// Its opcode.
    pub opcode: u8,
    /// Its operand, prefixes included.
    pub operand: i32,
    /// The operand's meaning where no definition can hold it.
    pub meaning: Option<&'a [u8]>,
}

/// Takes what was executed, in order.
///
/// A sink may keep something for each block, by [`Block::id`] or [`Block::place`]: these numbers
/// are good until the next call of [`InstructionSink::blocks_gone`].
pub trait InstructionSink {
    /// Whether it takes [`InstructionSink::repeat`] in place of what was executed before.
    const REPEATS: bool = false;

    /// The instructions `from..to` of a block were executed, each with its prefixes.
    fn block(&mut self, codes: &CodeObjects, block: &Block, from: usize, to: usize);

    /// All instructions of `blocks[id]` were executed.
    #[inline]
    fn whole_block(&mut self, codes: &CodeObjects, blocks: &[Block], id: u32) {
        let block = &blocks[id as usize];
        self.block(codes, block, 0, block.instructions.len());
    }

    /// The last instruction that was executed has a branch bit, and does not leave its frame.
    #[inline]
    fn branch(&mut self, _taken: bool) {}

    /// The running frame is gone, as a branch bit says.
    #[inline]
    fn frame_left(&mut self) {}

    /// An instruction that was recorded individually was executed.
    fn instruction(&mut self, code: &Code, stepped: Stepped);

    /// The bytes that it keeps for blocks. They count towards what the decoder may hold.
    #[inline]
    fn held(&self) -> usize {
        0
    }

    /// What is executed until [`InstructionSink::end_repeat`] may be executed again, under this
    /// number, less than [`super::SLOTS`]. What had the number before will not.
    fn begin_repeat(&mut self, _slot: usize) {}

    /// All of it was executed.
    fn end_repeat(&mut self) {}

    /// It was executed once more.
    fn repeat(&mut self, _slot: usize) {}

    /// Nothing more comes, or all blocks are given up and their numbers given again.
    fn blocks_gone(&mut self, _codes: &CodeObjects, _blocks: &[Block]) {}

    /// `first` instructions were executed before those that come next.
    fn goes_on_at(&mut self, _first: u64) {}

    /// Whether it wants no more.
    #[inline]
    fn is_done(&self) -> bool {
        false
    }
}

/// Takes nothing: the decoder itself counts instructions.
impl InstructionSink for () {
    #[inline]
    fn block(&mut self, _: &CodeObjects, _: &Block, _: usize, _: usize) {}

    fn instruction(&mut self, _: &Code, _: Stepped) {}
}
