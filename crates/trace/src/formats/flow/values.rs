//! The state before each step of a recording with values, as the arrays of py27-trace 1.

use serde_json::Value as Json;

use super::Found;
use crate::formats::json;
use bytecode::opcode;
use bytecode::text::write_number;
use recording::decoder::Decoder;
use recording::state::{Bounds, Event, Fault, Frame, Machine, Value};
use wire::packet::{Packet, kind};

/// The machine, and the arrays of the step at hand.
pub struct Values {
    machine: Machine,
    bounds: Bounds,
    /// What followed the instructions of the range at hand: a branch, the end of the frame, an event.
    pub branch: Option<bool>,
    pub is_left: bool,
    event: Option<Event>,
    pub stack: Vec<u8>,
    pub blocks: Vec<u8>,
    pub locals: Vec<u8>,
    pub cells: Vec<u8>,
    text: Vec<u8>,
}

impl Values {
    /// `None` if a recording that says this of itself has no values.
    pub fn new(about: &Json) -> Option<Values> {
        let bounds = value_bounds(about)?;
        Some(Values {
            machine: Machine::new(bounds.items as u64),
            bounds,
            branch: None,
            is_left: false,
            event: None,
            stack: Vec::new(),
            blocks: Vec::new(),
            locals: Vec::new(),
            cells: Vec::new(),
            text: Vec::new(),
        })
    }

    /// A packet of which the instructions were decoded.
    pub fn packet(&mut self, packet: &Packet) -> Result<(), Fault> {
        match packet {
            Packet::Other { kind: kind::VALUES, payload } => self.machine.add_values(payload),
            packet => {
                self.event = Event::of(packet);
                Ok(())
            }
        }
    }

    /// An instruction is about to run, or a prefix of it.
    pub fn step(&mut self, found: &Found, number: u64) -> Result<(), Fault> {
        self.machine.begin(found.whole.lasti, found.is_stepped)?;
        self.write();
        if !found.is_prefix {
            self.machine.set_pending(found.whole, found.is_stepped, number);
        }
        Ok(())
    }

    /// Applies what followed.
    pub fn settle(&mut self, decoder: &Decoder) -> Result<(), Fault> {
        if let Some(taken) = self.branch.take() {
            self.machine.branch(taken);
        }
        if std::mem::take(&mut self.is_left) {
            self.machine.left();
        }
        match self.event.take() {
            Some(event) => self.machine.apply(event, decoder),
            None => Ok(()),
        }
    }

    /// Writes the arrays.
    fn write(&mut self) {
        for array in [&mut self.stack, &mut self.blocks, &mut self.locals, &mut self.cells] {
            array.clear();
            array.push(b'[');
        }
        if let Some(frame) = self.machine.frames.last() {
            for slot in &frame.stack {
                start(&mut self.stack);
                self.text.clear();
                self.bounds.write(&self.machine.objects, slot.value, &mut self.text);
                json::write_string(&self.text, &mut self.stack);
            }
            for block in &frame.blocks {
                start(&mut self.blocks);
                self.blocks.push(b'[');
                let name = opcode::name(block.opcode).unwrap_or("?");
                json::write_string(name.as_bytes(), &mut self.blocks);
                for number in [i64::from(block.handler), block.level as i64] {
                    self.blocks.push(b',');
                    write_number(&mut self.blocks, number);
                }
                self.blocks.push(b']');
            }
            self.pairs(false);
            self.pairs(true);
        }
        for array in [&mut self.stack, &mut self.blocks, &mut self.locals, &mut self.cells] {
            array.push(b']');
        }
    }

    /// Writes the locals or the cells of the running frame.
    fn pairs(&mut self, is_cells: bool) {
        let Some(frame) = self.machine.frames.last() else { return };
        let objects = &self.machine.objects;
        let array = if is_cells { &mut self.cells } else { &mut self.locals };
        let mut pair = |name: &[u8], value: Value| {
            if value == Value::Nothing {
                return;
            }
            start(array);
            array.push(b'[');
            json::write_string(name, array);
            array.push(b',');
            self.text.clear();
            self.bounds.write(objects, value, &mut self.text);
            json::write_string(&self.text, array);
            array.push(b']');
        };
        let Frame { code, locals, cells, .. } = frame;
        if is_cells {
            for (name, &cell) in code.cells.iter().chain(&code.free).zip(cells) {
                pair(name, objects.cell(cell).value);
            }
        } else {
            for (name, slot) in code.locals.iter().zip(locals) {
                pair(name, slot.value);
            }
        }
    }
}

/// A comma before all elements but the first.
fn start(array: &mut Vec<u8>) {
    if array.len() > 1 {
        array.push(b',');
    }
}

/// How much of each value was recorded, by the options that a recording names; `None` without values.
pub fn value_bounds(about: &Json) -> Option<Bounds> {
    let options = about["options"].as_array()?;
    let words = || options.iter().filter_map(Json::as_str);
    words().find(|&word| word == "values")?;
    let number = |name: &str, most: usize, otherwise: usize| {
        let found =
            words().find_map(|word| word.strip_prefix(name)?.strip_prefix('=')?.parse().ok());
        found.unwrap_or(otherwise).min(most)
    };
    let usual = Bounds::default();
    Some(Bounds {
        size: number("value-size", 1 << 16, usual.size),
        depth: number("depth", 16, usual.depth),
        items: number("items", 1000, usual.items),
    })
}
