//! The objects of a program, as far as the recording says.
//!
//! An object that cannot change is what it was when it was recorded. Of one that can, the newest
//! content at its address counts: the state refers to what is alive in the program, and of all
//! objects that were at an address only the last one can be alive.

use std::collections::{HashMap, HashSet};

use wire::value::{Content, Item, Kind, SLOTS};

use super::Fault;

/// What is on a stack, in a local or in a cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// Nothing: not bound.
    Nothing,
    /// The recording does not say: it was there before it began.
    Unknown,
    /// `None`
    None,
    /// `True`, `False`
    Bool(bool),
    /// `Ellipsis`
    Ellipsis,
    /// `NotImplemented`
    NotImplemented,
    /// An `int`
    Int(i64),
    /// A `float`
    Float(f64),
    /// An object.
    Object(Id),
    /// The cell at an address.
    Cell(u64),
    /// An object inside another whose content was left out.
    LeftOut(Kind, u64),
}

/// Where a value comes from. The numbers are those of instructions, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The recording does not say.
    Unknown,
    /// A constant, which this instruction loaded.
    Constant(u64),
    /// An argument of the frame that this instruction entered.
    Argument(u64),
    /// This instruction produced it.
    Made(u64),
}

/// A value in its place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slot {
    /// The value.
    pub value: Value,
    /// Where it comes from.
    pub origin: Origin,
    /// The instruction that put it there, of a local or a cell; 0 if none did.
    pub set: u64,
}

impl Slot {
    /// Nothing is known of it.
    pub const UNKNOWN: Slot = Slot { value: Value::Unknown, origin: Origin::Unknown, set: 0 };
    /// Nothing is there.
    pub const NOTHING: Slot = Slot { value: Value::Nothing, origin: Origin::Unknown, set: 0 };
}

/// An object as it was recorded at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Id(u32);

#[derive(Debug)]
struct Object {
    address: u64,
    content: Content<Value>,
}

/// Objects that are kept before those that nothing refers to any more are given up.
const MOST: usize = 1 << 17;

/// Cells of which is kept what they hold, though no frame has them.
const MOST_CELLS: usize = 1 << 17;

/// All objects.
#[derive(Debug)]
pub struct Objects {
    all: Vec<Object>,
    /// The numbers of objects that were given up.
    free: Vec<Id>,
    /// How many there may be before others are given up.
    limit: usize,
    /// By slot.
    slots: Box<[Option<Id>]>,
    /// The newest of those that can change, by address.
    newest: HashMap<u64, Id>,
    /// What cells hold, by address, and the frame for which each was made.
    cells: HashMap<u64, (Slot, u64)>,
    /// Members of a container that are recorded.
    most_items: u64,
}

impl Default for Objects {
    fn default() -> Objects {
        let slots = vec![None; SLOTS].into();
        Objects {
            all: Vec::new(),
            free: Vec::new(),
            limit: MOST,
            slots,
            newest: HashMap::new(),
            cells: HashMap::new(),
            most_items: 0,
        }
    }
}

impl Objects {
    /// No objects; so many members of a container are recorded.
    pub(super) fn new(most_items: u64) -> Objects {
        Objects { most_items, ..Objects::default() }
    }

    /// The address of an object, and what it is and holds now.
    pub fn get(&self, id: Id) -> (u64, &Content<Value>) {
        let object = &self.all[id.0 as usize];
        let newest = match is_mutable(&object.content) {
            true => self.newest.get(&object.address).map(|id| &self.all[id.0 as usize]),
            false => None,
        };
        (object.address, &newest.unwrap_or(object).content)
    }

    /// Whether two values are the same object, or equal where they are none.
    pub fn is_same(&self, one: Value, other: Value) -> bool {
        match (one, other) {
            (Value::Object(one), Value::Object(other)) => {
                self.all[one.0 as usize].address == self.all[other.0 as usize].address
            }
            _ => one == other,
        }
    }

    /// What a cell holds.
    pub fn cell(&self, address: u64) -> Slot {
        self.cells.get(&address).map_or(Slot::UNKNOWN, |cell| cell.0)
    }

    /// [`super::Frame::id`] of the frame for which the cell was made that is at an address now; 0 if
    /// that is not known.
    pub fn maker_of_cell(&self, address: u64) -> u64 {
        self.cells.get(&address).map_or(0, |cell| cell.1)
    }

    pub(super) fn set_cell(&mut self, address: u64, slot: Slot) {
        self.cells.entry(address).or_insert((slot, 0)).0 = slot;
    }

    /// A frame has a cell of its own, at an address where another may have been.
    pub(super) fn new_cell(&mut self, address: u64, frame: u64, slot: Slot) {
        self.cells.insert(address, (slot, frame));
    }

    /// Takes an item that is a value, and keeps what it says of objects.
    pub(super) fn take(&mut self, item: Item) -> Result<Value, Fault> {
        Ok(match item {
            Item::Nothing => Value::Nothing,
            Item::None => Value::None,
            Item::Bool(truth) => Value::Bool(truth),
            Item::Ellipsis => Value::Ellipsis,
            Item::NotImplemented => Value::NotImplemented,
            Item::Int(value) => Value::Int(value),
            Item::Float(value) => Value::Float(value),
            Item::Reference(slot) => {
                let id = self.slots.get(slot as usize).copied().flatten();
                Value::Object(id.ok_or(Fault::Unexpected)?)
            }
            Item::Object(object) => {
                let (address, slot) = (object.address, object.slot);
                let id = self.add(address)?;
                // The items inside may name it already.
                self.slots[slot as usize] = Some(id);
                let mut fault = None;
                let content = object.content.map(|item| match self.take(item) {
                    Ok(value) => value,
                    Err(found) => {
                        fault.get_or_insert(found);
                        Value::Unknown
                    }
                });
                if let Some(fault) = fault {
                    return Err(fault);
                }
                if is_mutable(&content) {
                    self.newest.insert(address, id);
                }
                self.all[id.0 as usize].content = content;
                Value::Object(id)
            }
            Item::LeftOut { kind, address } => Value::LeftOut(kind, address),
            _ => return Err(Fault::Unexpected),
        })
    }

    /// A number for an object whose content is still to come.
    fn add(&mut self, address: u64) -> Result<Id, Fault> {
        let object = Object { address, content: NO_CONTENT };
        if let Some(id) = self.free.pop() {
            self.all[id.0 as usize] = object;
            return Ok(id);
        }
        let id = Id(u32::try_from(self.all.len()).map_err(|_| Fault::TooMany)?);
        self.all.push(object);
        Ok(id)
    }

    /// Whether so many objects are kept that it is time to give some up.
    pub(super) fn is_full(&self) -> bool {
        self.all.len() - self.free.len() >= self.limit || self.cells.len() >= 2 * MOST_CELLS
    }

    /// Gives up all objects but those that these values refer to, that slots have, and that are inside
    /// others; and the cells that are not among `cells`, if there are many.
    pub(super) fn give_up(&mut self, values: Vec<Value>, cells: &HashSet<u64>) {
        if self.cells.len() >= MOST_CELLS {
            self.cells.retain(|address, _| cells.contains(address));
        }
        let mut is_kept = vec![false; self.all.len()];
        let mut left: Vec<Id> = self.slots.iter().copied().flatten().collect();
        let id_of = |value: &Value| match value {
            Value::Object(id) => Some(*id),
            _ => None,
        };
        left.extend(values.iter().filter_map(id_of));
        left.extend(self.cells.values().filter_map(|(slot, _)| id_of(&slot.value)));
        while let Some(id) = left.pop() {
            if std::mem::replace(&mut is_kept[id.0 as usize], true) {
                continue;
            }
            let object = &self.all[id.0 as usize];
            left.extend(self.newest.get(&object.address));
            inside(&object.content, |value| left.extend(id_of(value)));
        }
        self.newest.retain(|_, id| is_kept[id.0 as usize]);
        self.free.clear();
        for (index, is_kept) in is_kept.into_iter().enumerate() {
            if !is_kept {
                self.all[index].content = NO_CONTENT;
                self.free.push(Id(index as u32));
            }
        }
        self.limit = MOST.max(2 * (self.all.len() - self.free.len()));
    }

    /// A list has one item more.
    pub(super) fn append(&mut self, list: Value, value: Value) {
        let most = self.most_items;
        let Value::Object(id) = list else { return };
        let address = self.all[id.0 as usize].address;
        let id = self.newest.get(&address).copied().unwrap_or(id);
        if let Content::List(part) = &mut self.all[id.0 as usize].content {
            if part.length < most && part.start.len() as u64 == part.length {
                part.start.push(value);
            }
            part.length += 1;
        }
    }
}

/// The content of what has none yet, or any more.
const NO_CONTENT: Content<Value> = Content::Function(Vec::new());

/// The values inside an object.
fn inside(content: &Content<Value>, mut each: impl FnMut(&Value)) {
    match content {
        Content::Other(value) | Content::Instance(value) | Content::Meta(_, value) => each(value),
        Content::Tuple(part)
        | Content::List(part)
        | Content::Set(part)
        | Content::FrozenSet(part) => part.start.iter().for_each(each),
        Content::Dict(part) => part.start.iter().for_each(|(key, value)| {
            each(key);
            each(value);
        }),
        Content::Slice(values) | Content::Method(values) => values.iter().for_each(each),
        Content::File { name, .. } => each(name),
        Content::Exception(of, arguments) => {
            each(of);
            each(arguments);
        }
        _ => {}
    }
}

/// Whether an object's content can change without its being another one.
fn is_mutable(content: &Content<Value>) -> bool {
    !matches!(
        content,
        Content::Str(_)
            | Content::Unicode(_)
            | Content::Long(..)
            | Content::Complex(..)
            | Content::Tuple(_)
            | Content::FrozenSet(_)
            | Content::Slice(_)
            | Content::XRange(_)
            | Content::Method(_)
            | Content::Builtin(..)
            | Content::Code(..)
            | Content::Descriptor(..)
            | Content::Wrapper(..)
            | Content::Generator(_)
    )
}
