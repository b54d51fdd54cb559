//! What is still to be consumed, in the order in which the program wrote it.

use wire::control::RING;
use wire::fields::Fields;
use wire::value::{self, Item};

use super::{Fault, Objects, Value};

/// Bytes that were consumed before they are thrown away.
const CONSUMED: usize = 1 << 16;

/// Bytes that wait to be consumed, at most.
const MOST: usize = 64 << 20;

/// An item, once what it says of objects is kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Entry {
    /// A value.
    Value(Value),
    /// `FOR_ITER` found no other.
    Exhausted,
    /// The object that an instruction may have changed shows nothing of it.
    Other,
    /// An exception has reached a handler.
    Raised,
    /// All locals follow.
    Locals,
    /// The variable that is stored next is not bound.
    Unbound,
    /// The address of the running frame.
    Frame(u64),
    /// The address of a cell.
    Cell(u64),
    /// All that is in the running frame follows.
    State,
}

/// A queue of items.
#[derive(Debug, Default)]
pub struct Items {
    bytes: Vec<u8>,
    at: usize,
}

impl Items {
    /// The payload of another packet.
    pub fn add(&mut self, payload: &[u8]) -> Result<(), Fault> {
        // A run fits into the ring; and instructions consume what was recorded before.
        if payload.len() > RING || self.bytes.len() - self.at > MOST {
            return Err(Fault::TooMany);
        }
        if self.at == self.bytes.len() {
            self.bytes.clear();
            self.at = 0;
        } else if self.at > CONSUMED {
            self.bytes.drain(..self.at);
            self.at = 0;
        }
        self.bytes.extend_from_slice(payload);
        Ok(())
    }

    /// The next entry; `None` if there is none. Objects that a call has changed come before it.
    pub fn next(&mut self, objects: &mut Objects) -> Result<Option<Entry>, Fault> {
        loop {
            let entry = match self.item()? {
                None => return Ok(None),
                Some(Item::Changed) => {
                    let changed = self.item()?.ok_or(Fault::Missing)?;
                    objects.take(changed)?;
                    continue;
                }
                Some(Item::Appended) => {
                    let list = self.item()?.ok_or(Fault::Missing)?;
                    let list = objects.take(list)?;
                    let member = self.item()?.ok_or(Fault::Missing)?;
                    let member = objects.take(member)?;
                    objects.append(list, member);
                    continue;
                }
                Some(Item::Exhausted) => Entry::Exhausted,
                Some(Item::Other) => Entry::Other,
                Some(Item::Raised) => Entry::Raised,
                Some(Item::Locals) => Entry::Locals,
                Some(Item::Unbound) => Entry::Unbound,
                Some(Item::Frame(address)) => Entry::Frame(address),
                Some(Item::Cell(address)) => Entry::Cell(address),
                Some(Item::State) => Entry::State,
                Some(item) => Entry::Value(objects.take(item)?),
            };
            return Ok(Some(entry));
        }
    }

    /// Whether the next one is [`Entry::State`].
    pub fn is_state(&self) -> bool {
        self.bytes.get(self.at) == Some(&value::STATE)
    }

    /// Whether the next one is [`Entry::Raised`].
    pub fn is_raised(&self) -> bool {
        self.bytes.get(self.at) == Some(&value::RAISED)
    }

    fn item(&mut self) -> Result<Option<Item>, Fault> {
        if self.at == self.bytes.len() {
            return Ok(None);
        }
        let mut fields = Fields { bytes: &self.bytes, at: self.at };
        let item = value::read(&mut fields)?;
        self.at = fields.at;
        Ok(Some(item))
    }
}
