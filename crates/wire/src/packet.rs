//! Packets: what happened in a thread, as bytes, written and read side by side.
//!
//! A packet is a tag, branch bits, and an event that came after those branches. The upper two bits
//! of the tag are the form. The lower six say how many branch bits follow, in as many whole bytes
//! as they fill, the last bit in the lowest bit of the first byte.
//!
//! | form | what follows the branch bits |
//! | --- | --- |
//! | 0 | nothing |
//! | 1 | a frame is entered: 3 bytes, little endian, `lasti` (10 bits) below the code object's number (14 bits) |
//! | 2 | a generator is resumed: the same, then 2 bytes, the offset at which it continues |
//! | 3 | a kind (one byte of [`kind`]), the length of the payload, the payload |
//!
//! The payload holds fields: unsigned numbers in LEB128; `lasti` and its like are written as two
//! more, an operand is folded (0, -1, 1, -2 …). Bytes of a payload after the fields of this version
//! are ignored, so that fields can be appended. Kinds from [`kind::SKIPPABLE`] on may be skipped; a
//! reader refuses any other that it does not know.
//!
//! A branch bit (a TNT bit of Intel PT) is the truth of what a conditional jump tests; of
//! `FOR_ITER`, whether there is another item; of `JUMP_ABSOLUTE`, of a `JUMP_FORWARD` that goes
//! back, of `RETURN_VALUE` and `YIELD_VALUE` that leave their frame, always one.

use std::fmt;

use crate::fields::{Fields, fold, place, write_bytes, write_number};

/// BranchBits that a record holds at most.
pub const MOST_BRANCH_BITS: u32 = 63;

/// A packet without long fields takes no more bytes than this.
const SHORT: usize = 32;

/// The kinds of form 3.
pub mod kind {
    /// `lasti`, code object
    pub const ENTER: u8 = 0;
    /// `lasti`, code object, offset
    pub const RESUME: u8 = 1;
    /// `lasti`, offset, by `return`, `break` or `continue`
    pub const UNWIND: u8 = 2;
    /// `lasti`, by an exception
    pub const FRAME_UNWOUND: u8 = 3;
    /// offset
    pub const ASYNC_BEGIN: u8 = 4;
    /// `lasti`
    pub const ASYNC_BEGIN_WITHIN: u8 = 5;
    /// offset
    pub const ASYNC_END: u8 = 6;
    /// opcode (one byte), offset, operand
    pub const INSTRUCTION: u8 = 7;
    /// as `STEP`, then the length of the operand's meaning and its bytes
    pub const INSTRUCTION_TEXT: u8 = 8;
    /// `lasti`
    pub const SINGLE_STEP: u8 = 9;
    /// code object
    pub const SINGLE_STEP_CODE: u8 = 10;
    /// code object, length, the definition's bytes
    pub const CODE_DEFINED: u8 = 11;
    /// code object
    pub const CODE_FREED: u8 = 12;
    /// thread, `lasti`
    pub const THREAD_SWITCH: u8 = 13;
    /// code object, `lasti`
    pub const FRAME: u8 = 14;
    /// `lasti`
    pub const END: u8 = 15;
    /// thread
    pub const THREAD_END: u8 = 16;
    /// `lasti`, with a value
    pub const FRAME_RETURN: u8 = 17;
    /// `lasti`, offset, by an exception
    pub const UNWIND_EXCEPTION: u8 = 18;
    /// stack, `lasti`
    pub const STACK_SWITCH: u8 = 19;
    /// The first of the kinds that a reader may skip.
    pub const SKIPPABLE: u8 = 128;
    /// The first of those that are kept for values, up to 143; after them, up to 159, for events.
    pub const VALUES: u8 = 128;
    /// See [`VALUES`].
    pub const EVENTS: u8 = 144;
}

/// What happened. `lasti` is `f_lasti` of the frame that was running: how far it had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// Nothing but the branch bits.
    BranchBits,
    /// A frame is entered at its first instruction.
    Enter {
        /// Where the caller stood.
        lasti: i32,
        /// The code object's number.
        code: u32,
    },
    /// A frame goes on that had yielded.
    Resume {
        /// Where the caller stood.
        lasti: i32,
        /// The code object's number.
        code: u32,
        /// The offset of its next instruction.
        start: u32,
    },
    /// The block stack was unwound.
    Unwind {
        /// The instruction that left its block.
        lasti: i32,
        /// The offset of the next instruction.
        target: u32,
        /// Whether an exception did it; else `return`, `break` or `continue`.
        exception: bool,
    },
    /// A frame is left, and no branch bit says so: by an exception, or with a value in single-step
    /// mode.
    FrameExit {
        /// The last instruction.
        lasti: i32,
        /// Whether an exception did it.
        exception: bool,
    },
    /// Something may run that no instruction calls: a signal's handler, a trace function.
    AsyncBegin {
        /// The next instruction, or with `begun` the current one.
        offset: i32,
        /// Whether that instruction has begun.
        begun: bool,
    },
    /// The frame that stood goes on.
    AsyncEnd {
        /// The offset of its next instruction.
        offset: u32,
    },
    /// An instruction that is recorded individually.
    Instruction {
        /// The opcode.
        opcode: u8,
        /// Its own offset.
        offset: u32,
        /// Its operand, prefixes included.
        operand: i32,
        /// The operand's meaning where no definition can hold it.
        text: Option<&'a [u8]>,
    },
    /// From here on every instruction of every frame is recorded individually.
    SingleStep {
        /// How far the running frame had come.
        lasti: i32,
    },
    /// From here on every instruction of one code object is recorded individually.
    SingleStepCode {
        /// Its number.
        code: u32,
    },
    /// A code object gets its number.
    CodeDefined {
        /// The number, which is never given again.
        code: u32,
        /// What [`super::code::CodeInfo`] reads.
        definition: &'a [u8],
    },
    /// A code object died.
    CodeFreed {
        /// Its number.
        code: u32,
    },
    /// Another thread runs from here on.
    ThreadSwitch {
        /// Its number.
        thread: u32,
        /// How far the thread that is left had come.
        lasti: i32,
    },
    /// A frame that was there when the recording began, the outermost one first.
    Frame {
        /// The code object's number.
        code: u32,
        /// The instruction that it is in.
        lasti: i32,
    },
    /// The recording ends in good order.
    End {
        /// How far the running frame had come.
        lasti: i32,
    },
    /// A thread is no more.
    ThreadEnd {
        /// Its number.
        thread: u32,
    },
    /// The thread goes on in another stack of frames: another greenlet runs. A stack that is
    /// switched to for the first time has no frame yet.
    StackSwitch {
        /// The stack's number; the one that a thread begins in is 0.
        stack: u32,
        /// How far the frame that ran before had come.
        lasti: i32,
    },
    /// A kind that this version does not know, and may skip.
    Other {
        /// At least [`kind::SKIPPABLE`].
        kind: u8,
        /// Its fields.
        payload: &'a [u8],
    },
}

/// BranchBits of branches, the oldest in the highest of `count` bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct BranchBits {
    /// The bits; those above `count` are zero.
    pub bits: u64,
    /// How many there are, at most [`MOST_BRANCH_BITS`].
    pub count: u32,
}

impl BranchBits {
    /// From a register with a one above the oldest outcome, as the interpreter keeps them. Zero,
    /// which no interpreter writes, holds none.
    #[inline]
    pub fn of_register(register: u64) -> BranchBits {
        let count = 63 - (register | 1).leading_zeros();
        BranchBits { bits: register & !(1 << count), count }
    }

    /// The register that holds these.
    pub fn register(self) -> u64 {
        self.bits | 1 << self.count
    }

    /// How many bytes they fill.
    #[inline]
    pub fn bytes(self) -> usize {
        self.count.div_ceil(8) as usize
    }
}

/// The forms of the tag.
pub mod form {
    /// BranchBits alone.
    pub const BRANCH_BITS: u8 = 0;
    /// [`super::Packet::Enter`] in short.
    pub const ENTER: u8 = 1;
    /// [`super::Packet::Resume`] in short.
    pub const RESUME: u8 = 2;
    /// A kind follows.
    pub const OTHER: u8 = 3;
}

/// The first byte of a record.
#[inline]
pub fn tag(form: u8, branch_bits: BranchBits) -> u8 {
    form << 6 | branch_bits.count as u8
}

/// The three bytes of the short forms, where the numbers are small enough and there is a code
/// object.
#[inline]
pub fn short(lasti: i32, code: u32) -> Option<u32> {
    let fits = (lasti as u32) < 1 << 10 && code.wrapping_sub(1) < (1 << 14) - 1;
    fits.then_some(lasti as u32 | code << 10)
}

/// Appends a record.
#[inline]
pub fn write(out: &mut Vec<u8>, branch_bits: BranchBits, event: &Packet) {
    // A form, and what comes after the branch bits: that many bytes.
    let (form, rest, length) = match *event {
        Packet::BranchBits => (form::BRANCH_BITS, 0, 0),
        Packet::Enter { lasti, code } => match short(lasti, code) {
            Some(short) => (form::ENTER, u64::from(short), 3),
            None => (form::OTHER, 0, 0),
        },
        Packet::Resume { lasti, code, start } => match (short(lasti, code), start >> 16) {
            (Some(short), 0) => (form::RESUME, u64::from(short) | u64::from(start) << 24, 5),
            _ => (form::OTHER, 0, 0),
        },
        _ => (form::OTHER, 0, 0),
    };
    // Whole words at once, and the bytes beyond taken back.
    let start = out.len();
    out.extend_from_slice(&[0; SHORT]);
    let end = 1 + branch_bits.bytes();
    if let Some(room) = out[start..].first_chunk_mut::<SHORT>() {
        room[0] = tag(form, branch_bits);
        room[1..9].copy_from_slice(&branch_bits.bits.to_le_bytes());
        if let Some(room) = room[end..].first_chunk_mut() {
            *room = rest.to_le_bytes();
        }
    }
    out.truncate(start + end + length);
    if form == form::OTHER {
        write_other(out, event);
    }
}

fn write_other(out: &mut Vec<u8>, event: &Packet) {
    out.extend_from_slice(&[kind_of(event), 0]);
    let start = out.len();
    write_payload(out, event);
    let length = out.len() - start;
    if length < 0x80 {
        out[start - 1] = length as u8;
    } else {
        let mut longer = Vec::new();
        write_number(&mut longer, length as u64);
        out.splice(start - 1..start, longer);
    }
}

fn kind_of(event: &Packet) -> u8 {
    match *event {
        // It has a form of its own; this is never written.
        Packet::BranchBits => kind::SKIPPABLE,
        Packet::Enter { .. } => kind::ENTER,
        Packet::Resume { .. } => kind::RESUME,
        Packet::Unwind { exception: false, .. } => kind::UNWIND,
        Packet::Unwind { exception: true, .. } => kind::UNWIND_EXCEPTION,
        Packet::FrameExit { exception: true, .. } => kind::FRAME_UNWOUND,
        Packet::FrameExit { exception: false, .. } => kind::FRAME_RETURN,
        Packet::AsyncBegin { begun: false, .. } => kind::ASYNC_BEGIN,
        Packet::AsyncBegin { begun: true, .. } => kind::ASYNC_BEGIN_WITHIN,
        Packet::AsyncEnd { .. } => kind::ASYNC_END,
        Packet::Instruction { text: None, .. } => kind::INSTRUCTION,
        Packet::Instruction { text: Some(_), .. } => kind::INSTRUCTION_TEXT,
        Packet::SingleStep { .. } => kind::SINGLE_STEP,
        Packet::SingleStepCode { .. } => kind::SINGLE_STEP_CODE,
        Packet::CodeDefined { .. } => kind::CODE_DEFINED,
        Packet::CodeFreed { .. } => kind::CODE_FREED,
        Packet::ThreadSwitch { .. } => kind::THREAD_SWITCH,
        Packet::Frame { .. } => kind::FRAME,
        Packet::End { .. } => kind::END,
        Packet::ThreadEnd { .. } => kind::THREAD_END,
        Packet::StackSwitch { .. } => kind::STACK_SWITCH,
        Packet::Other { kind, .. } => kind,
    }
}

fn write_payload(out: &mut Vec<u8>, event: &Packet) {
    let mut fields = |fields: &[u64]| {
        for &field in fields {
            write_number(out, field);
        }
    };
    match *event {
        Packet::BranchBits => {}
        Packet::Enter { lasti, code } => fields(&[place(lasti), code.into()]),
        Packet::Frame { code, lasti } => fields(&[code.into(), place(lasti)]),
        Packet::Resume { lasti, code, start } => {
            fields(&[place(lasti), code.into(), start.into()]);
        }
        Packet::Unwind { lasti, target, .. } => fields(&[place(lasti), target.into()]),
        Packet::AsyncBegin { offset, .. } => fields(&[place(offset)]),
        Packet::AsyncEnd { offset } => fields(&[offset.into()]),
        Packet::Instruction { opcode, offset, operand, text } => {
            out.push(opcode);
            write_number(out, offset.into());
            write_number(out, fold(operand));
            if let Some(text) = text {
                write_bytes(out, text);
            }
        }
        Packet::FrameExit { lasti, .. } | Packet::SingleStep { lasti } | Packet::End { lasti } => {
            fields(&[place(lasti)])
        }
        Packet::SingleStepCode { code } | Packet::CodeFreed { code } => fields(&[code.into()]),
        Packet::CodeDefined { code, definition } => {
            fields(&[code.into()]);
            write_bytes(out, definition);
        }
        Packet::ThreadSwitch { thread, lasti } => fields(&[thread.into(), place(lasti)]),
        Packet::ThreadEnd { thread } => fields(&[thread.into()]),
        Packet::Other { payload, .. } => out.extend_from_slice(payload),
        Packet::StackSwitch { stack, lasti } => fields(&[stack.into(), place(lasti)]),
    }
}

/// Why bytes are no packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// They end inside it; more bytes may mend that.
    Short,
    /// A kind that this version does not know and must not skip.
    Kind(u8),
    /// The payload ends before its fields do.
    Payload,
    /// A number that is too large for what it counts.
    Number,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Fault::Short => f.write_str("it ends inside a packet"),
            Fault::Kind(kind) => {
                write!(f, "a packet of kind {kind}, which this version of `trace27` does not know")
            }
            Fault::Payload => f.write_str("a packet is shorter than its fields"),
            Fault::Number => f.write_str("a number is too large"),
        }
    }
}

/// Reads the record at the start of `bytes`, and how long it is.
///
/// # Errors
///
/// [`Fault::Short`] where the bytes end inside the record.
#[inline(always)]
pub fn read(bytes: &[u8]) -> Result<(BranchBits, Packet<'_>, usize), Fault> {
    let mut fields = Fields { bytes, at: 0 };
    let tag = fields.byte()?;
    let count = u32::from(tag & 0x3f);
    let length = count.div_ceil(8) as usize;
    let bits = match bytes.get(1..).and_then(<[u8]>::first_chunk) {
        // Eight bytes at once, where there are as many.
        Some(&bits) => {
            fields.at += length;
            u64::from_le_bytes(bits)
        }
        None => {
            fields.take(length)?.iter().rev().fold(0, |bits, &byte| bits << 8 | u64::from(byte))
        }
    };
    let bits = bits & !(u64::MAX << count);
    let branch_bits = BranchBits { bits, count };
    let event = match tag >> 6 {
        form::BRANCH_BITS => Packet::BranchBits,
        form::ENTER => {
            let (lasti, code) = fields.short()?;
            Packet::Enter { lasti, code }
        }
        form::RESUME => {
            let (lasti, code) = fields.short()?;
            let start = fields.take(2)?;
            Packet::Resume { lasti, code, start: u16::from_le_bytes([start[0], start[1]]).into() }
        }
        _ => fields.other()?,
    };
    Ok((branch_bits, event, fields.at))
}

impl<'a> Fields<'a> {
    fn other(&mut self) -> Result<Packet<'a>, Fault> {
        let kind = self.byte()?;
        let mut payload = Fields { bytes: self.text()?, at: 0 };
        payload.event(kind).map_err(|fault| match fault {
            Fault::Short => Fault::Payload,
            fault => fault,
        })
    }

    /// The fields of one kind. What follows them is of a later version.
    fn event(&mut self, kind: u8) -> Result<Packet<'a>, Fault> {
        Ok(match kind {
            kind::ENTER => Packet::Enter { lasti: self.place()?, code: self.small()? },
            kind::RESUME => {
                let (lasti, code) = (self.place()?, self.small()?);
                Packet::Resume { lasti, code, start: self.small()? }
            }
            kind::UNWIND | kind::UNWIND_EXCEPTION => {
                let (lasti, target) = (self.place()?, self.small()?);
                Packet::Unwind { lasti, target, exception: kind == kind::UNWIND_EXCEPTION }
            }
            kind::FRAME_UNWOUND | kind::FRAME_RETURN => {
                Packet::FrameExit { lasti: self.place()?, exception: kind == kind::FRAME_UNWOUND }
            }
            kind::ASYNC_BEGIN => Packet::AsyncBegin { offset: self.place()?, begun: false },
            kind::ASYNC_BEGIN_WITHIN => Packet::AsyncBegin { offset: self.place()?, begun: true },
            kind::ASYNC_END => Packet::AsyncEnd { offset: self.small()? },
            kind @ (kind::INSTRUCTION | kind::INSTRUCTION_TEXT) => {
                let opcode = self.byte()?;
                let (offset, operand) = (self.small()?, self.signed()?);
                let text = if kind == kind::INSTRUCTION_TEXT { Some(self.text()?) } else { None };
                Packet::Instruction { opcode, offset, operand, text }
            }
            kind::SINGLE_STEP => Packet::SingleStep { lasti: self.place()? },
            kind::SINGLE_STEP_CODE => Packet::SingleStepCode { code: self.small()? },
            kind::CODE_DEFINED => {
                Packet::CodeDefined { code: self.small()?, definition: self.text()? }
            }
            kind::CODE_FREED => Packet::CodeFreed { code: self.small()? },
            kind::THREAD_SWITCH => {
                Packet::ThreadSwitch { thread: self.small()?, lasti: self.place()? }
            }
            kind::FRAME => Packet::Frame { code: self.small()?, lasti: self.place()? },
            kind::END => Packet::End { lasti: self.place()? },
            kind::THREAD_END => Packet::ThreadEnd { thread: self.small()? },
            kind::STACK_SWITCH => {
                Packet::StackSwitch { stack: self.small()?, lasti: self.place()? }
            }
            kind::SKIPPABLE.. => Packet::Other { kind, payload: self.bytes },
            kind => return Err(Fault::Kind(kind)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: [Packet; 27] = [
        Packet::BranchBits,
        Packet::Enter { lasti: 1023, code: 16_383 },
        Packet::Enter { lasti: 1024, code: 1 },
        Packet::Enter { lasti: -1, code: 7 },
        Packet::Resume { lasti: 3, code: 9, start: 65_535 },
        Packet::Resume { lasti: 3, code: 9, start: 65_536 },
        Packet::Unwind { lasti: 70_000, target: 12, exception: true },
        Packet::Unwind { lasti: 0, target: u32::MAX, exception: false },
        Packet::FrameExit { lasti: i32::MIN, exception: true },
        Packet::FrameExit { lasti: 3, exception: false },
        Packet::Other { kind: kind::SKIPPABLE, payload: b"" },
        Packet::Other { kind: 255, payload: &[7; 300] },
        Packet::AsyncBegin { offset: i32::MAX, begun: false },
        Packet::AsyncBegin { offset: 6, begun: true },
        Packet::AsyncEnd { offset: u32::MAX },
        Packet::Instruction { opcode: 255, offset: 1, operand: -2, text: None },
        Packet::Instruction { opcode: 100, offset: 1, operand: 0, text: Some(b"[1]") },
        Packet::SingleStep { lasti: 0 },
        Packet::SingleStepCode { code: 300 },
        Packet::CodeDefined { code: 1, definition: b"abc" },
        Packet::CodeFreed { code: 1 },
        Packet::ThreadSwitch { thread: 2, lasti: -2 },
        Packet::Frame { code: 2, lasti: 30 },
        Packet::End { lasti: -1 },
        Packet::ThreadEnd { thread: 4 },
        Packet::StackSwitch { stack: 300, lasti: -2 },
        Packet::CodeDefined { code: u32::MAX, definition: b"" },
    ];

    #[test]
    fn what_is_written_is_read() {
        for event in &EVENTS {
            for (bits, count) in [(0, 0), (1, 1), (0x155, 9), ((1 << 63) - 1, 63), (0, 63)] {
                let branch_bits = BranchBits { bits, count };
                assert_eq!(BranchBits::of_register(branch_bits.register()), branch_bits);
                let mut bytes = Vec::new();
                write(&mut bytes, branch_bits, event);
                let length = bytes.len();
                bytes.push(0xff);
                assert_eq!(read(&bytes), Ok((branch_bits, *event, length)));
                for cut in 0..length {
                    assert_eq!(read(&bytes[..cut]), Err(Fault::Short), "{event:?} at {cut}");
                }
            }
        }
    }

    /// A later version may append fields: this one reads those that it knows.
    #[test]
    fn fields_that_were_appended_are_ignored() {
        for event in &EVENTS {
            let mut bytes = Vec::new();
            let branch_bits = BranchBits { bits: 1, count: 1 };
            write(&mut bytes, branch_bits, event);
            if bytes[0] >> 6 != form::OTHER || matches!(event, Packet::Other { .. }) {
                continue;
            }
            let mut fields = Fields { bytes: &bytes, at: 3 };
            let payload = fields.text().unwrap().to_vec();
            let mut longer = bytes[..3].to_vec();
            write_bytes(&mut longer, &[&payload[..], &[0xff; 200]].concat());
            assert_eq!(read(&longer), Ok((branch_bits, *event, longer.len())));
            let mut shorter = bytes[..3].to_vec();
            write_bytes(&mut shorter, &payload[..payload.len() - 1]);
            assert_eq!(read(&shorter), Err(Fault::Payload), "{event:?}");
        }
    }

    #[test]
    fn hostile_numbers_are_refused() {
        let tag = form::OTHER << 6;
        for kind in [99, kind::SKIPPABLE - 1] {
            assert_eq!(read(&[tag, kind, 0]), Err(Fault::Kind(kind)));
        }
        let endless = [&[tag, kind::CODE_FREED][..], &[0xff; 12]].concat();
        assert_eq!(read(&endless), Err(Fault::Number));
        let endless = [&[tag, kind::CODE_FREED, 12][..], &[0xff; 12]].concat();
        assert_eq!(read(&endless), Err(Fault::Number));
        let large = [&[tag, kind::CODE_DEFINED, 10, 1][..], &[0xff; 8], &[0x7f]].concat();
        assert_eq!(read(&large), Err(Fault::Payload));
        let large = [&[tag, kind::CODE_DEFINED][..], &[0xff; 8], &[0x7f]].concat();
        assert_eq!(read(&large), Err(Fault::Short));
    }
}
