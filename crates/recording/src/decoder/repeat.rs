//! Calls that were decoded before: programs do the same again and again.
//!
//! What a packet `Enter` and the branch bits before it stand for depends on where the running frame
//! is, and on the frames that it returns to. If all that is as it was at an earlier such packet, so
//! is what was executed: a sink that only counts adds one to what that packet stood for.

use wire::packet::{BranchBits, Packet};

use super::{Decoder, Fault, Frame, InstructionSink, NOTHING};

/// Earlier packets that are kept; a power of two.
pub const SLOTS: usize = 1 << 13;

/// Branch bits of a packet that is kept, at most.
const MOST_BITS: u32 = 15;

/// How often a packet that was repeated may fail to come before another one takes its slot.
const MOST_WORTH: u32 = 32;

/// Frames that such a packet leaves, at most.
const MOST_LEFT: usize = 6;

/// What is decoded: where the running frame is, the branch bits, and the packet. Packed, as it is
/// compared for each call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Key([u64; 2]);

impl Key {
    #[inline]
    fn new(frame: &Frame, bits: BranchBits, lasti: i32, code: u32) -> Key {
        // Neither field overflows: no block has more than `LONGEST` instructions, and there are at
        // most `MOST_BITS` bits below the one that says how many they are.
        let bits = 1 << bits.count | bits.bits & !(u64::MAX << bits.count);
        let low = u64::from(frame.block) << 32 | u64::from(frame.at) << 16 | bits;
        Key([low, u64::from(lasti as u32) << 32 | u64::from(code)])
    }

    /// Which slot it takes, where the running frame is to return to `outer`.
    #[inline]
    fn slot(self, outer: Option<&Frame>) -> usize {
        let [low, high] = self.0;
        let outer = outer.map_or(0, |frame| u64::from(frame.block) << 9 ^ u64::from(frame.at));
        let mixed = low ^ high.rotate_left(20) ^ outer.rotate_left(40);
        let mixed = mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> (64 - SLOTS.trailing_zeros())) as usize
    }
}

/// An earlier packet.
#[derive(Clone, Copy, Debug, Default)]
struct Repeat {
    key: Key,
    /// Where the frames were that became the running one in turn.
    outer: [(u32, u32); MOST_LEFT],
    left: u32,
    /// Where the last of them came to.
    end: (u32, u32),
    executed: u32,
    /// How often it may fail to come before another one takes its slot.
    worth: u32,
}

/// The packets that are kept.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    slots: Vec<Repeat>,
}

impl Repeats {
    /// Blocks have other numbers from here on.
    pub(super) fn clear(&mut self) {
        self.slots.clear();
    }
}

impl Frame {
    fn place(&self) -> (u32, u32) {
        (self.block, self.at)
    }

    fn is_plain(&self) -> bool {
        self.is_known & !(self.is_between | self.is_stepped)
    }
}

impl Decoder {
    /// Branch bits, and the packet that they come before.
    ///
    /// # Errors
    ///
    /// As [`Decoder::branch_bits`] and [`Decoder::event`].
    #[inline]
    pub fn packet<S: InstructionSink>(
        &mut self,
        bits: BranchBits,
        packet: &Packet,
        sink: &mut S,
    ) -> Result<(), Fault> {
        if S::REPEATS
            && let Packet::Enter { lasti, code } = *packet
            && bits.count <= MOST_BITS
        {
            return self.call(bits, lasti, code, sink);
        }
        self.branch_bits(bits, sink)?;
        self.event(packet, sink)
    }

    // One caller, in a loop whose variables stay in registers this way.
    #[inline(always)]
    fn call(
        &mut self,
        bits: BranchBits,
        lasti: i32,
        code: u32,
        sink: &mut impl InstructionSink,
    ) -> Result<(), Fault> {
        let frames = self.frames.len();
        let Some(frame) = self.frames.last().filter(|frame| frame.is_plain()) else {
            return self.new_call(bits, lasti, code, sink);
        };
        let key = Key::new(frame, bits, lasti, code);
        let slot = key.slot(self.outer());
        if let Some(repeat) = self.repeats.slots.get_mut(slot) {
            let left = repeat.left as usize;
            if repeat.key == key && frames > left {
                let mut outer = self.frames[..frames - 1].iter().rev().zip(&repeat.outer[..left]);
                if outer.all(|(frame, at)| frame.place() == *at && frame.is_plain()) {
                    repeat.worth = MOST_WORTH;
                    self.frames.truncate(frames - left);
                    if let Some(frame) = self.frames.last_mut() {
                        (frame.block, frame.at) = repeat.end;
                    }
                    self.executed += u64::from(repeat.executed);
                    self.decided = NOTHING;
                    sink.repeat(slot);
                    return self.push(code, 0);
                }
            }
            if repeat.worth > 0 {
                repeat.worth -= 1;
                return self.new_call(bits, lasti, code, sink);
            }
        }
        self.keep(key, bits, (lasti, code), sink)
    }

    #[inline]
    fn outer(&self) -> Option<&Frame> {
        self.frames.len().checked_sub(2).and_then(|at| self.frames.get(at))
    }

    #[inline(never)]
    fn new_call(
        &mut self,
        bits: BranchBits,
        lasti: i32,
        code: u32,
        sink: &mut impl InstructionSink,
    ) -> Result<(), Fault> {
        self.branch_bits(bits, sink)?;
        self.prepare(sink)?;
        self.enter(lasti, code, 0, sink)?;
        self.decided = NOTHING;
        Ok(())
    }

    /// Decodes a packet, and keeps it if it can come again.
    #[inline(never)]
    fn keep(
        &mut self,
        key: Key,
        bits: BranchBits,
        (lasti, code): (i32, u32),
        sink: &mut impl InstructionSink,
    ) -> Result<(), Fault> {
        self.prepare(sink)?;
        let (frames, executed) = (self.frames.len(), self.executed);
        let mut outer = [(0, 0); MOST_LEFT];
        let mut plain = 0;
        for (frame, at) in self.frames[..frames - 1].iter().rev().zip(&mut outer) {
            if !frame.is_plain() {
                break;
            }
            *at = frame.place();
            plain += 1;
        }
        if self.repeats.slots.is_empty() {
            self.repeats.slots = vec![Repeat::default(); SLOTS];
        }
        let slot = key.slot(self.outer());
        self.repeats.slots[slot] = Repeat::default();
        sink.begin_repeat(slot);
        let result = self.new_call(bits, lasti, code, sink);
        sink.end_repeat();
        result?;
        // The packet has added one.
        let left = (frames + 1).saturating_sub(self.frames.len());
        let end = self.outer().filter(|frame| left <= plain && frame.is_plain()).map(Frame::place);
        // Blocks may have been given up meanwhile, and the slots with them.
        if let Some(repeat) = self.repeats.slots.get_mut(slot) {
            *repeat = match (end, u32::try_from(self.executed - executed)) {
                (Some(end), Ok(executed)) => {
                    Repeat { key, outer, left: left as u32, end, executed, worth: 0 }
                }
                // It is not tried again soon.
                _ => Repeat { key, left: u32::MAX, worth: MOST_WORTH, ..Repeat::default() },
            };
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use wire::code::CodeInfo;

    use super::*;
    use crate::block::{Block, Code, CodeObjects};
    use crate::count::{BlockCounts, Tally};
    use crate::decoder::Stepped;

    /// How often each instruction was executed, by code object and offset.
    #[derive(Debug, Default, PartialEq)]
    struct Counts(BTreeMap<(u32, u32), u64>);

    impl Tally for Counts {
        fn add(&mut self, code: &Code, offset: u32, _: u8, count: u64) {
            *self.0.entry((code.number, offset)).or_default() += count;
        }
    }

    impl InstructionSink for Counts {
        fn block(&mut self, codes: &CodeObjects, block: &Block, from: usize, to: usize) {
            for at in &block.instructions[from..to] {
                self.add(codes.of(block).unwrap(), at.offset, at.opcode, 1);
            }
        }

        fn instruction(&mut self, _: &Code, _: Stepped) {}
    }

    /// `f` calls itself or `g`; `g` returns at once, or after a branch. Each packet may leave some
    /// frames of both.
    fn decode<S: InstructionSink>(sink: &mut S) -> u64 {
        let mut decoder = Decoder::new();
        // POP_JUMP_IF_FALSE to the return; CALL_FUNCTION; POP_JUMP_IF_TRUE to the start; RETURN_VALUE
        let f = b"\x72\x09\0\x83\0\0\x73\0\0S".to_vec();
        let g = b"\x09\x72\x05\0\x09S".to_vec();
        decoder.define(1, CodeInfo { code: f, ..CodeInfo::default() }).unwrap();
        decoder.define(2, CodeInfo { code: g, ..CodeInfo::default() }).unwrap();
        decoder.packet(BranchBits::default(), &Packet::Enter { lasti: -1, code: 1 }, sink).unwrap();
        let (mut random, mut running) = (1u64, vec![1]);
        for _ in 0..20_000 {
            let mut bits = BranchBits::default();
            let mut push =
                |bit| bits = BranchBits { bits: bits.bits << 1 | bit, count: bits.count + 1 };
            let mut below = |limit: u64| {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                random >> 33 & (limit - 1)
            };
            // From the start of a frame, on to a call of `f`.
            loop {
                let is_deep = running.len() > 5 || running.len() > 1 && below(2) == 0;
                if running.last() == Some(&2) {
                    push(below(2));
                } else if is_deep {
                    push(0);
                } else {
                    push(1);
                    break;
                }
                push(1);
                running.pop();
                // In the caller, which is `f`: it goes back to its start.
                push(1);
            }
            let code = 1 + below(2) as u32;
            running.push(code);
            decoder.packet(bits, &Packet::Enter { lasti: 3, code }, sink).unwrap();
        }
        decoder.settle(sink);
        decoder.executed()
    }

    #[test]
    fn calls_that_are_repeated_count_as_if_they_were_decoded() {
        let (mut plain, mut repeated) = (Counts::default(), BlockCounts::new(Counts::default()));
        assert_eq!(decode(&mut plain), decode(&mut repeated));
        assert_eq!(plain, repeated.tally);
    }

    #[test]
    fn most_calls_are_repeated() {
        /// How often a block was decoded, and a call repeated.
        #[derive(Default)]
        struct Effort(u64, u64);

        impl InstructionSink for Effort {
            const REPEATS: bool = true;

            fn block(&mut self, _: &CodeObjects, _: &Block, _: usize, _: usize) {
                self.0 += 1;
            }

            fn repeat(&mut self, _: usize) {
                self.1 += 1;
            }

            fn instruction(&mut self, _: &Code, _: Stepped) {}
        }

        let mut effort = Effort::default();
        decode(&mut effort);
        assert!(effort.1 > 15_000, "{} of 20,000", effort.1);
    }
}
