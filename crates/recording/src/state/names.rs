//! Names that live in a dictionary: those of modules and class bodies, and globals.
//!
//! A recording has what instructions read and stored under a name, not the dictionary. So a name is
//! what it was when an instruction last read or stored it: what C code, or a module's attribute, has
//! changed since is seen when it is read.

use std::collections::{BTreeMap, HashMap};

use bytecode::opcode::numbers::{
    DELETE_GLOBAL, DELETE_NAME, IMPORT_NAME, LOAD_GLOBAL, LOAD_NAME, STORE_GLOBAL, STORE_NAME,
};

use super::machine::{Frame, Machine};
use super::{Objects, Origin, Slot, Value};

/// `CO_NEWLOCALS`
const NEW_LOCALS: u32 = 2;

/// What is known under each name. [`Slot::set`] is 0 where an instruction has read what no
/// instruction has stored; [`Slot::origin`] has that instruction then.
pub type Names = BTreeMap<Vec<u8>, Slot>;

/// The globals of each module, by its `__name__`.
#[derive(Debug, Default)]
pub struct Globals(HashMap<Vec<u8>, Names>);

impl Globals {
    /// Those of a module.
    pub fn of(&self, module: &[u8]) -> Option<&Names> {
        self.0.get(module)
    }

    /// All that is known.
    pub(super) fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.0.values().flat_map(BTreeMap::values)
    }
}

impl Frame {
    /// Whether its names are the globals of its module: the program itself, and what `import` runs.
    pub(super) fn is_module(&self, caller: Option<&Frame>) -> bool {
        let is_run = match caller {
            None => true,
            Some(caller) => caller.instruction().is_some_and(|at| at.opcode == IMPORT_NAME),
        };
        is_run && self.code.numbers[3] & NEW_LOCALS == 0
    }

    /// Its names, or the globals that it has, where they are known.
    fn names_of<'a>(&'a mut self, globals: &'a mut Globals, opcode: u8) -> Option<&'a mut Names> {
        let is_global = matches!(opcode, LOAD_GLOBAL | STORE_GLOBAL | DELETE_GLOBAL);
        if !is_global && !self.has_global_names {
            return Some(&mut self.names);
        }
        let module = self.code.module.as_ref()?;
        if !globals.0.contains_key(module) {
            globals.0.insert(module.clone(), Names::new());
        }
        globals.0.get_mut(module)
    }
}

impl Machine {
    /// An instruction has stored this under its name, or deleted it.
    pub(super) fn store_name(&mut self, opcode: u8, operand: i32, slot: Slot) {
        let slot = Slot { set: self.now, ..slot };
        self.with_name(opcode, operand, |_, known| *known = slot);
    }

    /// What an instruction has read under its name, with what is known of where it comes from.
    pub(super) fn read_name(&mut self, opcode: u8, operand: i32, value: Value) -> Slot {
        let mut read = Slot { value, origin: Origin::Made(self.now), set: 0 };
        self.with_name(opcode, operand, |objects, known| {
            if objects.is_same(known.value, value) {
                read = Slot { value, ..*known };
            }
            *known = read;
        });
        read
    }

    fn with_name(&mut self, opcode: u8, operand: i32, change: impl FnOnce(&Objects, &mut Slot)) {
        if !self.keeps_names {
            return;
        }
        let Some(frame) = self.frames.last_mut() else { return };
        let code = std::sync::Arc::clone(&frame.code);
        let name = usize::try_from(operand).ok().and_then(|index| code.names.get(index));
        let (Some(name), Some(names)) = (name, frame.names_of(&mut self.globals, opcode)) else {
            return;
        };
        match names.get_mut(name) {
            Some(known) => change(&self.objects, known),
            None => change(&self.objects, names.entry(name.clone()).or_insert(Slot::UNKNOWN)),
        }
    }
}

/// Whether an instruction reads, stores or deletes under a name in a dictionary.
pub fn is_stored(opcode: u8) -> bool {
    matches!(opcode, STORE_NAME | DELETE_NAME | STORE_GLOBAL | DELETE_GLOBAL)
}

/// Whether an instruction reads what is under a name in a dictionary.
pub(super) fn is_read(opcode: u8) -> bool {
    matches!(opcode, LOAD_NAME | LOAD_GLOBAL)
}
