//! Replays a recording with values: decodes it, and moves the machine along with each instruction.

use std::io::Read;

use bytecode::decode::{self, Instruction};
use bytecode::opcode::{EXTENDED_ARG, HAVE_ARGUMENT};
use bytecode::text;

use super::{Event, Fault, Machine};
use crate::block::{self, CodeObjects};
use crate::decoder::{Decoder, InstructionSink, Stepped};
use crate::file::Broken;
use crate::replay::{Cursor, OpenChunk, Part, apply};
use wire::packet::{Packet, kind};

/// Is shown each instruction with the state before it.
pub trait Visitor {
    /// An instruction of the machine's running frame is about to run, the `number`th of the
    /// recording, from 1. A prefix is one of its own.
    fn step(&mut self, machine: &Machine, number: u64, instruction: text::Instruction);

    /// Whether it wants no more.
    fn is_done(&self) -> bool {
        false
    }
}

/// Takes what is executed.
#[derive(Debug)]
pub struct StateSink<V> {
    /// The machine.
    pub machine: Machine,
    /// Who is shown each instruction.
    pub visitor: V,
    executed: u64,
    fault: Option<Fault>,
}

impl<V: Visitor> StateSink<V> {
    /// Nothing has run.
    pub fn new(machine: Machine, visitor: V) -> StateSink<V> {
        StateSink { machine, visitor, executed: 0, fault: None }
    }

    fn is_lost(&self) -> bool {
        self.fault.is_some() || self.visitor.is_done()
    }

    fn note(&mut self, result: Result<(), Fault>) {
        if let Err(fault) = result {
            self.fault.get_or_insert(fault);
        }
    }

    fn show(&mut self, instruction: text::Instruction) {
        self.executed += 1;
        if !self.is_lost() {
            self.visitor.step(&self.machine, self.executed, instruction);
        }
    }

    /// An instruction of the running frame, whose prefixes are in `code`.
    fn run(&mut self, code: &[u8], at: &Instruction) {
        if self.is_lost() {
            self.executed += u64::from(at.prefixes) + 1;
            return;
        }
        let result = self.machine.begin(at.lasti, false);
        self.note(result);
        for prefix in 0..at.prefixes {
            let operand = decode::prefix(code, at.lasti, prefix + 1);
            let offset = at.lasti + 3 * prefix;
            self.show(text::Instruction { offset, opcode: EXTENDED_ARG, operand });
        }
        let Instruction { offset, opcode, operand, .. } = *at;
        self.show(text::Instruction { offset, opcode, operand });
        self.machine.set_pending(*at, false, self.executed);
    }
}

impl<V: Visitor> InstructionSink for StateSink<V> {
    fn block(&mut self, codes: &CodeObjects, block: &block::Block, from: usize, to: usize) {
        let code = codes.of(block).map_or(&[][..], |code| &code.definition.code);
        for at in &block.instructions[from..to] {
            self.run(code, at);
        }
    }

    fn branch(&mut self, taken: bool) {
        self.machine.branch(taken);
    }

    fn frame_left(&mut self) {
        if !self.is_lost() {
            self.machine.left();
        }
    }

    fn instruction(&mut self, _: &block::Code, stepped: Stepped) {
        let Stepped { offset, opcode, operand, .. } = stepped;
        if self.is_lost() {
            self.executed += 1;
            return;
        }
        let result = self.machine.begin(offset, true);
        self.note(result);
        self.show(text::Instruction { offset, opcode, operand });
        if opcode != EXTENDED_ARG {
            let next = offset + if opcode >= HAVE_ARGUMENT { 3 } else { 1 };
            let (lasti, prefixes) = (offset, 0);
            let at = Instruction { lasti, offset, opcode, operand, next, prefixes };
            self.machine.set_pending(at, true, self.executed);
        }
    }

    fn goes_on_at(&mut self, first: u64) {
        self.executed = first;
    }

    fn is_done(&self) -> bool {
        self.is_lost()
    }
}

/// Replays what a cursor reads, up to where the visitor wants no more.
///
/// # Errors
///
/// A recording that is damaged or cut short, or whose values contradict its instructions.
pub fn replay<R: Read, V: Visitor>(
    cursor: &mut Cursor<R>,
    sink: &mut StateSink<V>,
) -> Result<(), Broken> {
    let mut decoder = Decoder::new();
    while let Some(part) = cursor.next()? {
        match part {
            Part::Codes(changes) => apply(&changes, &mut decoder)?,
            Part::Chunk(section) => {
                if let Some(mut chunk) = OpenChunk::open(section, &mut decoder)? {
                    replay_chunk(&mut chunk, &mut decoder, sink)?;
                }
            }
        }
        if sink.visitor.is_done() {
            break;
        }
    }
    Ok(())
}

fn replay_chunk<V: Visitor>(
    chunk: &mut OpenChunk,
    decoder: &mut Decoder,
    sink: &mut StateSink<V>,
) -> Result<(), Broken> {
    sink.goes_on_at(decoder.executed());
    while let Some((branch_bits, packet, length)) = chunk.packet()? {
        decoder
            .branch_bits(branch_bits, sink)
            .and_then(|()| decoder.event(&packet, sink))
            .map_err(|fault| chunk.broken(&fault))?;
        if let Packet::Other { kind: kind::VALUES, payload } = packet {
            let result = sink.machine.add_values(payload);
            sink.note(result);
        } else if !sink.is_lost() {
            if let Some(event) = Event::of(&packet) {
                let result = sink.machine.apply(event, decoder);
                sink.note(result);
            }
            if sink.machine.frames.len() != decoder.depth() {
                sink.note(Err(Fault::Unexpected));
            }
        }
        if let Some(fault) = sink.fault {
            return Err(chunk.broken(&fault));
        }
        if sink.visitor.is_done() {
            return Ok(());
        }
        chunk.skip(length);
    }
    chunk.check(decoder)
}
