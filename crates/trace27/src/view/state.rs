//! The state before one instruction, for people and for programs.

use bytecode::opcode;
use bytecode::text::Instruction;
use recording::state::{Block, Bounds, Frame, Machine, Names, Origin, Slot, Value, Visitor};
use serde_json::{Value as Json, json};

use super::place::{escaped, instruction_of, line, place};
use super::position::Search;

/// Which frames are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frames {
    /// The `n`th from the running one, which is 0.
    One(usize),
    /// All, the running one first.
    All,
}

/// Takes the state before one instruction.
#[derive(Debug)]
pub struct StateAt {
    /// Looks for the instruction.
    pub search: Search,
    frames: Frames,
    bounds: Bounds,
    is_json: bool,
    /// Whether the instruction was there.
    pub is_found: bool,
    /// What is printed, if it was there and the frame too.
    pub text: Option<String>,
}

impl StateAt {
    /// Before the instruction that is looked for.
    pub fn new(search: Search, frames: Frames, bounds: Bounds, is_json: bool) -> StateAt {
        StateAt { search, frames, bounds, is_json, is_found: false, text: None }
    }

    fn value(&self, machine: &Machine, value: Value) -> String {
        super::place::value(machine, &self.bounds, value)
    }

    /// The frames that are shown: how far each is from the running one, and the instruction that
    /// it is in.
    fn shown<'a>(&self, machine: &'a Machine, running: Instruction) -> Vec<Shown<'a>> {
        let outer = machine.frames.iter().rev().skip(1);
        let outer =
            outer.map(|frame| (frame, instruction_of(frame), frame.number_of_instruction()));
        let inner = machine.frames.last().map(|frame| (frame, Some(running), self.search.seen));
        let all = inner.into_iter().chain(outer).enumerate();
        let wanted = |index: usize| match self.frames {
            Frames::One(one) => index == one,
            Frames::All => true,
        };
        all.filter(|(index, _)| wanted(*index))
            .map(|(index, (frame, at, number))| Shown { index, frame, at, number })
            .collect()
    }

    fn print(&self, machine: &Machine, running: Instruction) -> Option<String> {
        let shown = self.shown(machine, running);
        if shown.is_empty() {
            return None;
        }
        if self.is_json {
            let frames: Vec<Json> = shown.iter().map(|frame| self.json(machine, frame)).collect();
            let all = json!({ "instruction": self.search.seen, "frames": frames });
            return Some(format!("{all:#}\n"));
        }
        let mut out = String::new();
        for frame in &shown {
            self.frame(machine, frame, &mut out);
        }
        let callers = machine.frames.len() > 1 && self.frames == Frames::One(0);
        if callers && let Some(outer) = machine.frames.iter().rev().nth(1) {
            let number = outer.number_of_instruction();
            let at = instruction_of(outer);
            out.push_str(&format!("called from  {}  ({number})\n", line(&outer.code, at)));
        }
        Some(out)
    }

    fn frame(&self, machine: &Machine, shown: &Shown, out: &mut String) {
        let Shown { index, frame, at, number } = *shown;
        let what = if index == 0 { "instruction" } else { "called from instruction" };
        let place = place(&frame.code, at);
        out.push_str(&format!("{what} {number}  {}      {place}\n", line(&frame.code, at)));
        if !frame.is_known {
            out.push_str("  it was there before the recording; not all of it is known\n");
        }
        let stack = frame.stack.iter().enumerate();
        row(
            out,
            "stack",
            stack.map(|(index, slot)| {
                format!("[{index}] {}{}", self.value(machine, slot.value), origin(slot))
            }),
        );
        row(
            out,
            "blocks",
            frame.blocks.iter().map(|block| {
                let Block { handler, level, .. } = block;
                format!("{} to {handler}, level {level}", name(block))
            }),
        );
        let named = |name: &[u8], slot: &Slot| {
            (slot.value != Value::Nothing).then(|| {
                let set =
                    if slot.set == 0 { String::new() } else { format!("  (set by {})", slot.set) };
                format!("{} = {}{set}", escaped(name), self.value(machine, slot.value))
            })
        };
        let locals = frame.code.locals.iter().zip(&frame.locals);
        row(out, "locals", locals.filter_map(|(name, slot)| named(name, slot)));
        let cells = frame.code.cells.iter().chain(&frame.code.free).zip(&frame.cells);
        let cells = cells.filter_map(|(name, &cell)| named(name, &machine.objects.cell(cell)));
        row(out, "cells", cells);
        for (title, names) in [
            ("names", self.names(frame, Some(&frame.names))),
            ("globals", self.names(frame, globals(machine, frame))),
        ] {
            if !names.is_empty() {
                row(
                    out,
                    title,
                    names.into_iter().map(|(name, slot)| {
                        let (name, value) = (escaped(name), self.value(machine, slot.value));
                        match (slot.set, slot.origin) {
                            (0, Origin::Made(by)) => format!("{name} = {value}  (read by {by})"),
                            (set, _) => format!("{name} = {value}  (set by {set})"),
                        }
                    }),
                );
            }
        }
    }

    /// Those of the names in a dictionary that the frame's code uses and that are bound, in the order of
    /// `co_names`.
    fn names<'a>(&self, frame: &'a Frame, known: Option<&Names>) -> Vec<(&'a [u8], Slot)> {
        let Some(known) = known else { return Vec::new() };
        let bound = frame.code.names.iter().filter_map(|name| {
            let slot = known.get(name).filter(|slot| slot.value != Value::Nothing)?;
            Some((name.as_slice(), *slot))
        });
        bound.collect()
    }

    fn json(&self, machine: &Machine, shown: &Shown) -> Json {
        let Shown { index, frame, at, number } = *shown;
        let slot = |slot: &Slot| {
            let mut value = json!({ "value": self.value(machine, slot.value) });
            match slot.origin {
                Origin::Unknown => {}
                Origin::Constant(by) => value["constant"] = by.into(),
                Origin::Argument(by) => value["argument"] = by.into(),
                Origin::Made(by) => value["made"] = by.into(),
            }
            if slot.set != 0 {
                value["set"] = slot.set.into();
            }
            value
        };
        let named = |name: &[u8], found: &Slot| {
            (found.value != Value::Nothing).then(|| {
                let mut value = slot(found);
                value["name"] = escaped(name).into();
                value
            })
        };
        // A name that was only read has the instruction that read it.
        let known = |known: Option<&Names>| {
            let names = self.names(frame, known).into_iter().map(|(name, found)| {
                let mut value = slot(&found);
                value["name"] = escaped(name).into();
                if let (0, Origin::Made(by)) = (found.set, found.origin) {
                    value["read"] = by.into();
                    value.as_object_mut().map(|value| value.remove("made"));
                }
                value
            });
            names.collect::<Vec<_>>()
        };
        let locals = frame.code.locals.iter().zip(&frame.locals);
        let cells = frame.code.cells.iter().chain(&frame.code.free).zip(&frame.cells);
        json!({
            "frame": index,
            "n": number,
            "in": escaped(&frame.code.name),
            "file": escaped(&frame.code.file),
            "line": at.map(|at| frame.code.line(at.offset)),
            "pc": at.map(|at| at.offset),
            "op": at.map(|at| at.opcode),
            "known": frame.is_known,
            "stack": frame.stack.iter().map(slot).collect::<Vec<_>>(),
            "blocks": frame.blocks.iter().map(|b| json!([name(b), b.handler, b.level]))
                .collect::<Vec<_>>(),
            "locals": locals.filter_map(|(name, slot)| named(name, slot)).collect::<Vec<_>>(),
            "cells": cells
                .filter_map(|(name, &cell)| named(name, &machine.objects.cell(cell)))
                .collect::<Vec<_>>(),
            "names": known(Some(&frame.names)),
            "globals": known(globals(machine, frame)),
        })
    }
}

/// The globals of a frame's module.
fn globals<'a>(machine: &'a Machine, frame: &Frame) -> Option<&'a Names> {
    machine.globals.of(frame.code.module.as_ref()?)
}

/// A frame that is shown.
#[derive(Clone, Copy)]
struct Shown<'a> {
    index: usize,
    frame: &'a Frame,
    at: Option<Instruction>,
    number: u64,
}

impl Visitor for StateAt {
    fn step(&mut self, machine: &Machine, number: u64, instruction: Instruction) {
        if self.search.is_here(machine, number, instruction) {
            self.text = self.print(machine, instruction);
            self.is_found = true;
        }
    }

    fn is_done(&self) -> bool {
        self.is_found
    }
}

fn name(block: &Block) -> &'static str {
    opcode::name(block.opcode).unwrap_or("?")
}

fn origin(slot: &Slot) -> String {
    match slot.origin {
        Origin::Unknown => String::new(),
        Origin::Constant(_) => "  (constant)".to_owned(),
        Origin::Argument(by) => format!("  (argument of {by})"),
        Origin::Made(by) => format!("  (made by {by})"),
    }
}

fn row(out: &mut String, title: &str, parts: impl Iterator<Item = String>) {
    let parts: Vec<String> = parts.collect();
    let text = if parts.is_empty() { "(none)".to_owned() } else { parts.join("    ") };
    out.push_str(&format!("  {title:<8} {text}\n"));
}
