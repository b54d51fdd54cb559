//! Which instructions set a variable, and which made the value that it holds.
//!
//! A recording is replayed from its start each time: once to find the variable, once for the
//! instructions that set it and made its value, once for the one that set what was there before.

use std::collections::BTreeMap;

use bytecode::opcode::numbers::{DELETE_FAST, STORE_DEREF, STORE_FAST};
use bytecode::text::Instruction;
use recording::state::{Bounds, Frame, Machine, Origin, Slot, Value, Visitor, is_stored};
use serde_json::{Value as Json, json};

use super::inputs::inputs;
use super::place::{instruction_of, line, place, value};
use super::position::Search;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A variable: a local, a cell, or a name that the frame finds in a dictionary.
    Name(Vec<u8>),
    /// A global, whatever the frame calls so itself.
    Global(Vec<u8>),
    /// A value on the stack, by its index.
    Item(Option<usize>),
}

/// A variable, whenever it is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Variable {
    /// A local of a frame, by its index.
    Local(u64, usize),
    /// The cell at an address that was made for a frame.
    Cell(u64, u64),
    /// A name of a frame.
    Name(u64, Vec<u8>),
    /// A global of a module.
    Global(Vec<u8>, Vec<u8>),
    /// A value on the stack, which nothing sets.
    Item,
}

impl Variable {
    /// What it holds now; `None` where that cannot have changed, as its frame does not run.
    fn now(&self, machine: &Machine) -> Option<Slot> {
        let running = |id: u64| machine.running().filter(|frame| frame.id == id);
        match self {
            Variable::Local(id, index) => running(*id)?.locals.get(*index).copied(),
            Variable::Name(id, name) => {
                Some(running(*id)?.names.get(name).copied().unwrap_or(Slot::NOTHING))
            }
            Variable::Cell(address, maker) => (machine.objects.maker_of_cell(*address) == *maker)
                .then(|| machine.objects.cell(*address)),
            Variable::Global(module, name) => {
                let known = machine.globals.of(module).and_then(|names| names.get(name));
                Some(known.copied().unwrap_or(Slot::NOTHING))
            }
            Variable::Item => None,
        }
    }
}

/// What was found at the position.
#[derive(Clone, Debug)]
pub struct Found {
    /// What it is called.
    pub name: String,
    /// The variable.
    pub variable: Variable,
    /// Its value.
    pub value: String,
    /// Where that comes from.
    pub slot: Slot,
    /// The position.
    pub number: u64,
}

/// Finds the variable at a position.
#[derive(Debug)]
pub struct Finder {
    /// Looks for the position.
    pub search: Search,
    asked: Asked,
    frame: usize,
    bounds: Bounds,
    /// Whether the position was there.
    pub is_done: bool,
    /// What was found, or why nothing was.
    pub found: Result<Found, String>,
}

impl Finder {
    /// Of what is asked for, in the `frame`th from the running one.
    pub fn new(search: Search, asked: Asked, frame: usize, bounds: Bounds) -> Finder {
        Finder { search, asked, frame, bounds, is_done: false, found: Err(String::new()) }
    }

    fn find(&self, machine: &Machine) -> Result<Found, String> {
        let depth = machine.frames.len();
        let Some(frame) = machine.frames.iter().rev().nth(self.frame) else {
            return Err(format!("there is no frame {}; {depth} are there", self.frame));
        };
        let (name, variable, slot) = match &self.asked {
            Asked::Item(index) => {
                let index = index.or(frame.stack.len().checked_sub(1)).unwrap_or(0);
                let Some(slot) = frame.stack.get(index) else {
                    let count = frame.stack.len();
                    return Err(format!("there is no [{index}] on the stack; it has {count}"));
                };
                (format!("[{index}]"), Variable::Item, *slot)
            }
            Asked::Name(name) | Asked::Global(name) => {
                let local = match self.asked {
                    Asked::Global(_) => None,
                    _ => in_frame(machine, frame, name),
                };
                let shown = super::place::escaped(name);
                let Some((variable, slot)) = local.or_else(|| global(machine, frame, name)) else {
                    let of = super::place::escaped(&frame.code.name);
                    let unknown = "no instruction before has read or stored a global";
                    return Err(match self.asked {
                        Asked::Global(_) => format!("{unknown} `{shown}` of the frame's module"),
                        _ => format!(
                            "`{shown}` is no local and no cell of `{of}`, and {unknown} of that name"
                        ),
                    });
                };
                (shown, variable, slot)
            }
        };
        let text = value(machine, &self.bounds, slot.value);
        Ok(Found { name, variable, value: text, slot, number: self.search.seen })
    }
}

fn in_frame(machine: &Machine, frame: &Frame, name: &[u8]) -> Option<(Variable, Slot)> {
    // An argument that inner functions use is in a cell, and no longer looked up as a local.
    let cells = frame.code.cells.iter().chain(&frame.code.free);
    if let Some((_, &address)) = cells.zip(&frame.cells).find(|(cell, _)| *cell == name) {
        let maker = machine.objects.maker_of_cell(address);
        return Some((Variable::Cell(address, maker), machine.objects.cell(address)));
    }
    let index = frame.code.locals.iter().position(|local| local == name);
    if let Some(index) = index.filter(|&index| index < frame.locals.len()) {
        return Some((Variable::Local(frame.id, index), frame.locals[index]));
    }
    let slot = frame.names.get(name)?;
    Some((Variable::Name(frame.id, name.to_vec()), *slot))
}

fn global(machine: &Machine, frame: &Frame, name: &[u8]) -> Option<(Variable, Slot)> {
    let module = frame.code.module.as_ref()?;
    let slot = machine.globals.of(module)?.get(name)?;
    Some((Variable::Global(module.clone(), name.to_vec()), *slot))
}

impl Visitor for Finder {
    fn step(&mut self, machine: &Machine, number: u64, instruction: Instruction) {
        if self.search.is_here(machine, number, instruction) {
            self.found = self.find(machine);
            self.is_done = true;
        }
    }

    fn is_done(&self) -> bool {
        self.is_done
    }
}

/// An instruction that set a variable or made a value.
#[derive(Clone, Debug)]
pub struct Described {
    line: String,
    place: String,
    inputs: Vec<String>,
    expression: String,
    /// What the variable held before: the value, and where it comes from.
    pub before: Option<(String, Slot)>,
}

impl Described {
    /// The `number`th instruction as one object.
    pub fn json(&self, number: u64) -> Json {
        json!({ "n": number, "text": self.line, "place": self.place })
    }

    /// The same with what it took off the stack.
    pub fn json_with_inputs(&self, number: u64) -> Json {
        let mut json = self.json(number);
        json["inputs"] = self.inputs.clone().into();
        json
    }

    /// As one line after its title.
    pub fn row(&self, title: &str, number: u64, more: &str) -> String {
        let row = format!("  {title:<9} {number:>6}  {:<40}  {}", self.line, self.place);
        if more.is_empty() { format!("{row}\n") } else { format!("{row}   {more}\n") }
    }

    /// What it computed.
    pub fn expression(&self) -> &str {
        &self.expression
    }
}

/// Describes instructions by their numbers.
#[derive(Debug)]
pub struct Describe {
    variable: Variable,
    bounds: Bounds,
    /// By number; `None` before it was there.
    pub wanted: BTreeMap<u64, Option<Described>>,
}

impl Describe {
    /// Those that have these numbers, and what the variable holds before each; 0 is none.
    pub fn new(variable: Variable, bounds: Bounds, wanted: &[u64]) -> Describe {
        let wanted = wanted.iter().filter(|&&number| number != 0);
        Describe { variable, bounds, wanted: wanted.map(|&number| (number, None)).collect() }
    }
}

impl Visitor for Describe {
    fn step(&mut self, machine: &Machine, number: u64, at: Instruction) {
        let Some(wanted) = self.wanted.get_mut(&number) else { return };
        let Some(frame) = machine.running() else { return };
        let (inputs, expression) = inputs(machine, &self.bounds, at);
        let before = self.variable.now(machine).filter(|slot| slot.value != Value::Nothing);
        *wanted = Some(Described {
            line: line(&frame.code, Some(at)),
            place: place(&frame.code, Some(at)),
            inputs,
            expression,
            before: before.map(|slot| (value(machine, &self.bounds, slot.value), slot)),
        });
    }

    fn is_done(&self) -> bool {
        self.wanted.last_key_value().is_none_or(|(_, described)| described.is_some())
    }
}

/// One time that a variable was set.
#[derive(Clone, Debug)]
pub struct Set {
    /// The instruction; 0 if none did, and something else has changed it.
    pub number: u64,
    /// The first instruction that saw it so.
    pub seen: u64,
    /// The line of the instruction.
    pub line: String,
    /// Its place.
    pub place: String,
    /// The value that it holds then; `None` if it was deleted.
    pub value: Option<String>,
    /// Where the value comes from.
    pub origin: Origin,
}

impl Set {
    /// As one line.
    pub fn row(&self) -> String {
        let Set { number, seen, line, place, origin, .. } = self;
        let value = self.value.as_deref().unwrap_or_default();
        if *number == 0 {
            // Of a name the instruction that saw it is the one that read it.
            let seen = match *origin {
                Origin::Made(read) => read,
                _ => *seen,
            };
            return format!(
                "  set before {seen:>4}  by what the recording does not show   {value}\n"
            );
        }
        let title = if self.value.is_some() { "set by" } else { "deleted" };
        let origin = match *origin {
            Origin::Unknown => String::new(),
            Origin::Constant(_) => "  (constant)".to_owned(),
            Origin::Argument(_) => "  (argument)".to_owned(),
            Origin::Made(by) => format!("  (made by {by})"),
        };
        format!("  {title:<9} {number:>6}  {line:<40}  {place}   {value}{origin}\n")
    }

    /// As one object.
    pub fn json(&self) -> Json {
        let Set { number, seen, line, place, value, origin } = self;
        let mut json = json!({ "value": value });
        if *number == 0 {
            json["before"] = (*seen).into();
        } else {
            json["n"] = (*number).into();
            json["text"] = line.as_str().into();
            json["place"] = place.as_str().into();
        }
        match *origin {
            Origin::Unknown => {}
            Origin::Constant(by) => json["constant"] = by.into(),
            Origin::Argument(by) => json["argument"] = by.into(),
            Origin::Made(by) => json["made"] = by.into(),
        }
        json
    }
}

/// Takes each time that a variable is set before a position.
pub struct Sets<F> {
    variable: Variable,
    bounds: Bounds,
    end: u64,
    seen: u64,
    last: Option<Slot>,
    /// The last instruction that may have set it, which takes effect after it was seen.
    candidate: (u64, String, String),
    take: F,
}

impl<F: FnMut(Set)> Sets<F> {
    /// Before the `end`th instruction.
    pub fn new(variable: Variable, bounds: Bounds, end: u64, take: F) -> Sets<F> {
        let candidate = (0, String::new(), String::new());
        Sets { variable, bounds, end, seen: 0, last: None, candidate, take }
    }

    fn may_set(&self, frame: &Frame, at: Instruction) -> bool {
        let operand = usize::try_from(at.operand).unwrap_or(usize::MAX);
        match &self.variable {
            Variable::Local(id, index) => {
                frame.id == *id
                    && matches!(at.opcode, STORE_FAST | DELETE_FAST)
                    && operand == *index
            }
            Variable::Cell(address, _) => {
                at.opcode == STORE_DEREF && frame.cells.get(operand) == Some(address)
            }
            Variable::Name(_, name) | Variable::Global(_, name) => {
                is_stored(at.opcode) && frame.code.names.get(operand) == Some(name)
            }
            Variable::Item => false,
        }
    }

    /// The instruction that set it, which is not always a store: a call, of an argument.
    fn by(&self, machine: &Machine, number: u64) -> (String, String) {
        if number == self.candidate.0 {
            return (self.candidate.1.clone(), self.candidate.2.clone());
        }
        let frame =
            machine.frames.iter().rev().find(|frame| frame.number_of_instruction() == number);
        frame.map_or_else(Default::default, |frame| {
            let at = instruction_of(frame);
            (line(&frame.code, at), place(&frame.code, at))
        })
    }
}

impl<F: FnMut(Set)> Visitor for Sets<F> {
    fn step(&mut self, machine: &Machine, number: u64, at: Instruction) {
        self.seen = number;
        if let Some(slot) = self.variable.now(machine) {
            let is_same = match self.last {
                None => slot.value == Value::Nothing && slot.set == 0,
                Some(last) => {
                    last.set == slot.set
                        && (slot.set != 0 || machine.objects.is_same(last.value, slot.value))
                }
            };
            if !is_same {
                let (line, place) = self.by(machine, slot.set);
                let is_bound = slot.value != Value::Nothing;
                (self.take)(Set {
                    number: slot.set,
                    seen: number,
                    line,
                    place,
                    value: is_bound.then(|| value(machine, &self.bounds, slot.value)),
                    origin: slot.origin,
                });
            }
            self.last = Some(slot);
        }
        if number < self.end
            && let Some(frame) = machine.running()
            && self.may_set(frame, at)
        {
            self.candidate = (number, line(&frame.code, Some(at)), place(&frame.code, Some(at)));
        }
    }

    fn is_done(&self) -> bool {
        self.seen >= self.end
    }
}
