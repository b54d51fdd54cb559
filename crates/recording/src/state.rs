//! The state before each instruction: value stack, block stack, locals and cells of every frame.
//!
//! A recording with values holds what each instruction produced. [`Machine`] executes the moves
//! between: what the instructions do to stack, locals and blocks by themselves. It sees what the
//! decoder decodes ([`StateSink`]) and hands each instruction to a [`Visitor`] before it takes effect.

mod effect;
mod event;
mod items;
mod machine;
mod names;
mod objects;
mod sink;
mod text;

pub use event::Event;
pub use machine::{Block, Frame, Machine};
pub use names::{Globals, Names, is_stored};
pub use objects::{Id, Objects, Origin, Slot, Value};
pub use sink::{StateSink, Visitor, replay};
pub use text::Bounds;

/// Why values contradict the instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Bytes that are no item.
    Item(wire::packet::Fault),
    /// An item that the instruction at hand does not have.
    Unexpected,
    /// An instruction has no value.
    Missing,
    /// More than any interpreter records.
    TooMany,
}

impl From<wire::packet::Fault> for Fault {
    fn from(fault: wire::packet::Fault) -> Fault {
        Fault::Item(fault)
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            Fault::Item(wire::packet::Fault::Kind(kind)) => {
                write!(f, "a value of kind {kind}, which this version of `trace27` does not know")
            }
            Fault::Item(_) => f.write_str("the values are damaged"),
            Fault::Unexpected => f.write_str("a value is not one that the instruction produces"),
            Fault::Missing => f.write_str("the value of an instruction is missing"),
            Fault::TooMany => f.write_str("there are too many values"),
        }
    }
}
