//! The instructions that produce a value that is looked for.

use bytecode::text::Instruction;
use recording::state::{Bounds, Frame, Machine, Origin, Slot, Value, Visitor};
use serde_json::{Value as Json, json};

use super::pattern::Pattern;
use super::place::{escaped, line, place, value};

/// Values of the caller's stack among which an argument is looked for.
const MOST_CALLED_WITH: usize = 1024;

/// One place at which a value appears.
#[derive(Clone, Debug)]
pub struct Match {
    /// The instruction that produced it, or the first one of the frame that it was an argument of.
    pub number: u64,
    line: String,
    place: String,
    value: String,
    /// The name of the argument.
    argument: Option<String>,
}

impl Match {
    /// As one line.
    pub fn row(&self) -> String {
        let Match { number, line, place, value, argument } = self;
        let name = argument.as_ref().map_or(String::new(), |name| format!("  (argument {name})"));
        format!("{number:>8}  {line:<40}  {place}   {value}{name}\n")
    }

    /// As one object.
    pub fn json(&self) -> Json {
        let Match { number, line, place, value, argument } = self;
        let mut json = json!({ "n": number, "text": line, "place": place, "value": value });
        if let Some(argument) = argument {
            json["argument"] = argument.as_str().into();
        }
        json
    }
}

/// Finds matches, until whatever takes them wants no more.
pub struct Find<F> {
    pattern: Pattern,
    bounds: Bounds,
    /// The last instruction whose values were looked at.
    completed: u64,
    /// [`Frame::id`] of the newest frame whose arguments were looked at.
    newest: u64,
    /// By depth: the last instruction of the frame there, and its number.
    last: Vec<(u64, Option<Instruction>)>,
    /// Takes a match unless only the number matters; true if it wants more.
    take: F,
    is_done: bool,
}

impl<F: FnMut(&dyn Fn() -> Match) -> bool> Find<F> {
    /// Finds what matches.
    pub fn new(pattern: Pattern, bounds: Bounds, take: F) -> Find<F> {
        Find { pattern, bounds, completed: 0, newest: 0, last: Vec::new(), take, is_done: false }
    }

    fn look(&mut self, machine: &Machine, slot: Slot, describe: &dyn Fn(String) -> Match) {
        let is_wanted = !matches!(slot.value, Value::Nothing | Value::Unknown | Value::Cell(_))
            && self.pattern.matches(machine, &self.bounds, slot.value);
        if is_wanted && !self.is_done {
            let bounds = self.bounds;
            self.is_done = !(self.take)(&|| describe(value(machine, &bounds, slot.value)));
        }
    }

    /// What the last instruction of the frame has left on the stack.
    fn produced(&mut self, machine: &Machine, frame: &Frame, before: (u64, Option<Instruction>)) {
        let now = machine.last_completed();
        if std::mem::replace(&mut self.completed, now) == now {
            return;
        }
        let is_new = |slot: &&Slot| matches!(slot.origin, Origin::Made(by) | Origin::Constant(by) if by == now);
        let count = frame.stack.iter().rev().take_while(is_new).count();
        let at = before.1.filter(|_| before.0 == now);
        for &slot in &frame.stack[frame.stack.len() - count..] {
            self.look(machine, slot, &|value| Match {
                number: now,
                line: line(&frame.code, at),
                place: place(&frame.code, at),
                value,
                argument: None,
            });
        }
    }

    /// What a new frame was given that was not on the caller's stack, as C code called it.
    fn arguments(&mut self, machine: &Machine, frame: &Frame, number: u64, at: Instruction) {
        let caller = machine.frames.len().checked_sub(2).map(|caller| &machine.frames[caller]);
        let called_with = |slot: &Slot| {
            caller.is_some_and(|caller| {
                let values = caller.stack.iter().rev().take(MOST_CALLED_WITH);
                values.into_iter().any(|other| machine.objects.is_same(other.value, slot.value))
            })
        };
        for (name, &slot) in frame.code.locals.iter().zip(&frame.locals) {
            if slot.value == Value::Nothing || called_with(&slot) {
                continue;
            }
            self.look(machine, slot, &|value| Match {
                number,
                line: line(&frame.code, Some(at)),
                place: place(&frame.code, Some(at)),
                value,
                argument: Some(escaped(name)),
            });
        }
    }
}

impl<F: FnMut(&dyn Fn() -> Match) -> bool> Visitor for Find<F> {
    fn step(&mut self, machine: &Machine, number: u64, instruction: Instruction) {
        let Some(frame) = machine.running() else { return };
        let depth = machine.frames.len();
        self.last.resize(depth, (0, None));
        let before = std::mem::replace(&mut self.last[depth - 1], (number, Some(instruction)));
        self.produced(machine, frame, before);
        if frame.id > self.newest {
            self.newest = frame.id;
            self.arguments(machine, frame, number, instruction);
        }
    }

    fn is_done(&self) -> bool {
        self.is_done
    }
}
