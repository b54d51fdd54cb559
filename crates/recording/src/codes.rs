//! The code objects of a recording, as its sections define, watch and forget them.
//!
//! They are read once, however many threads walk. What they may take is limited.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::Arc;

use crate::bodies::Bodies;
use crate::decoder::Fault;
use crate::file::{Broken, Section};
use wire::code::CodeInfo;
use wire::packet::{self, Packet};

/// Numbers of code objects end here.
pub const MOST: u32 = 1 << 24;

/// Bytes of memory that the code objects take at most which were not forgotten.
pub const MOST_BYTES: usize = 1 << 30;

/// What a record says of a code object.
#[derive(Clone, Debug)]
pub enum Change {
    /// It gets this number, one more than the last.
    Defined(u32, Arc<CodeInfo>),
    /// From here on its instructions are recorded individually.
    SingleStep(u32),
    /// It died.
    Freed(u32),
}

/// The code objects so far.
#[derive(Debug, Default)]
pub struct Codes {
    last: u32,
    /// By number: the bytes that it takes, and whether it is watched.
    alive: HashMap<u32, (usize, bool)>,
    bytes: usize,
    bodies: Bodies,
}

impl Codes {
    /// Reads the records of a section of code objects.
    ///
    /// # Errors
    ///
    /// Records that cannot be there, and more code objects than are read.
    pub fn read(&mut self, section: &Section) -> Result<Vec<Change>, Broken> {
        let mut changes = Vec::new();
        let mut at = 0;
        while at < section.content.len() {
            let fail = |reason: &dyn Display| Broken::at(section.byte(at), reason);
            let (_, event, length) =
                packet::read(&section.content[at..]).map_err(|fault| fail(&fault))?;
            match event {
                Packet::CodeDefined { code, definition } => {
                    let info = definition;
                    let definition = CodeInfo::read_part(info, |part| self.bodies.find(part));
                    let definition = definition.map_err(|fault| fail(&fault))?;
                    self.define(code, &definition).map_err(|fault| fail(&fault))?;
                    self.bodies.add(code, info);
                    changes.push(Change::Defined(code, Arc::new(definition)));
                }
                Packet::SingleStepCode { code } => {
                    let known =
                        self.alive.get_mut(&code).ok_or_else(|| fail(&Fault::Code(code)))?;
                    if !std::mem::replace(&mut known.1, true) {
                        changes.push(Change::SingleStep(code));
                    }
                }
                Packet::CodeFreed { code } => {
                    let known = self.alive.remove(&code).ok_or_else(|| fail(&Fault::Code(code)))?;
                    self.bytes -= known.0;
                    changes.push(Change::Freed(code));
                }
                Packet::Other { .. } => {}
                _ => return Err(fail(&"a packet that is about no code object")),
            }
            at += length;
        }
        Ok(changes)
    }

    fn define(&mut self, code: u32, definition: &CodeInfo) -> Result<(), Fault> {
        if code != self.last + 1 {
            return Err(Fault::Code(code));
        }
        let bytes = definition.size();
        if code == MOST || MOST_BYTES - self.bytes < bytes {
            return Err(Fault::TooMany("code objects"));
        }
        self.last = code;
        self.bytes += bytes;
        self.alive.insert(code, (bytes, definition.is_watched));
        Ok(())
    }

    /// How many were defined.
    pub fn count(&self) -> u32 {
        self.last
    }
}
