//! What a packet does to the machine, besides the instructions that the decoder decodes from it.

use bytecode::decode;
use wire::packet::Packet;

use super::{Fault, Machine};
use crate::decoder::Decoder;

/// What happened to the frames after the instructions of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A frame is entered, or goes on.
    Enter {
        /// Its code object.
        code: u32,
        /// Whether it goes on.
        resumes: bool,
    },
    /// A frame was there before the recording, in the instruction at `lasti`.
    Found {
        /// Its code object.
        code: u32,
        /// Where it is.
        lasti: i32,
    },
    /// The block stack was unwound to this offset.
    Unwind(u32),
    /// The running frame is gone; whether by an exception.
    Exit(bool),
    /// Something else may run within the pending instruction.
    Within,
    /// Something else may run before this offset.
    Before(u32),
    /// The running frame goes on after that.
    GoesOn,
    /// Another stack of frames runs.
    Stack(u32),
}

impl Event {
    /// That of a packet, if it has one.
    pub fn of(packet: &Packet) -> Option<Event> {
        Some(match *packet {
            Packet::Enter { code, .. } => Event::Enter { code, resumes: false },
            Packet::Resume { code, .. } => Event::Enter { code, resumes: true },
            Packet::Frame { code, lasti } => Event::Found { code, lasti },
            Packet::Unwind { target, .. } => Event::Unwind(target),
            Packet::FrameExit { exception, .. } => Event::Exit(exception),
            Packet::AsyncBegin { begun: true, .. } => Event::Within,
            Packet::AsyncBegin { offset, begun: false } => Event::Before(offset as u32),
            Packet::AsyncEnd { .. } => Event::GoesOn,
            Packet::StackSwitch { stack, .. } => Event::Stack(stack),
            _ => return None,
        })
    }
}

impl Machine {
    /// Applies an event, after all instructions before it.
    ///
    /// # Errors
    ///
    /// Values that are not those of the instructions.
    pub fn apply(&mut self, event: Event, decoder: &Decoder) -> Result<(), Fault> {
        match event {
            Event::Enter { code, resumes } => {
                let found = decoder.code(code).ok_or(Fault::Unexpected)?;
                self.enter(code, &found.definition, resumes)
            }
            Event::Found { code, lasti } => {
                let found = decoder.code(code).ok_or(Fault::Unexpected)?;
                let at = u32::try_from(lasti).ok();
                let at = at.and_then(|at| decode::decode(&found.definition.code, at));
                self.found(code, &found.definition, at);
                Ok(())
            }
            Event::Unwind(target) => self.unwind(target),
            Event::Exit(exception) => self.exit(exception),
            Event::Within => self.keep_early(),
            Event::Before(offset) => self.begin(offset, false),
            Event::GoesOn => {
                self.goes_on();
                Ok(())
            }
            Event::Stack(stack) => self.switch_stack(stack),
        }
    }
}
