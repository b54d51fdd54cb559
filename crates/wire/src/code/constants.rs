//! The constants of a recorded code object: marshalled, with what marshal does not hold beside.
//!
//! The hook renders no text here. A reader makes it of the marshalled bytes when it asks for it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::OnceLock;

use bytecode::pyc::{Item, Objects, Place, Pyc};
use bytecode::render;

use super::{
    Body, CodeInfo, LARGEST_CONSTANTS, MOST_ENTRIES, MOST_OBJECTS, Recorded, take_entries,
};
use crate::fields::Fields;
use crate::packet::Fault;

/// `co_consts` of one code object.
#[derive(Clone, Debug, Default)]
pub struct Marshalled {
    /// The tuple, nested code objects included, as `marshal.dumps` writes it; [`UNKNOWN`](bytecode::marshal::UNKNOWN) is
    /// where it has no type for an object.
    bytes: Vec<u8>,
    /// By index, ascending: `str()` of the constants that hold such an object.
    texts: Vec<(u32, Vec<u8>)>,
    /// The addresses of the code objects among the constants, in their order.
    addresses: Vec<u64>,
    /// Each constant. `None` if the bytes are damaged.
    constants: OnceLock<Option<Box<[Constant]>>>,
}

#[derive(Clone, Debug)]
struct Constant {
    place: Place,
    /// `str()` of it, once asked for, unless that is far longer than the constant.
    text: OnceLock<Box<[u8]>>,
}

/// Bytes of text that are kept for each constant, and for each of its bytes.
const KEPT: (usize, usize) = (64, 4);

impl PartialEq for Marshalled {
    fn eq(&self, other: &Self) -> bool {
        let fields = |of: &Self| (of.bytes.clone(), of.texts.clone(), of.addresses.clone());
        fields(self) == fields(other)
    }
}

impl Eq for Marshalled {}

impl Marshalled {
    /// Of the tuple's bytes, the texts of constants that those do not hold by index, and the
    /// addresses of the code objects among the constants.
    pub fn new(bytes: Vec<u8>, texts: Vec<(u32, Vec<u8>)>, addresses: Vec<u64>) -> Marshalled {
        Marshalled { bytes, texts, addresses, constants: OnceLock::new() }
    }

    /// The code info that has these constants, with its body.
    pub(super) fn recorded<'a>(&'a self, info: &'a CodeInfo, body: Body<'a>) -> Recorded<'a> {
        Recorded {
            is_watched: info.is_watched,
            module: info.module.as_deref(),
            constants: self.bytes.len(),
            body,
            texts: &self.texts,
            addresses: &self.addresses,
        }
    }

    /// Reads what [`Recorded::write`] wrote behind the body, which has the tuple's bytes.
    pub(super) fn read(
        bytes: &[u8],
        fields: &mut Fields,
        left: &mut u64,
    ) -> Result<Marshalled, Fault> {
        if bytes.len() > LARGEST_CONSTANTS && *left <= MOST_ENTRIES {
            return Err(Fault::Number);
        }
        // These grow with the bytes that are there, not with what the counts say.
        let (mut texts, mut addresses) = (Vec::new(), Vec::new());
        for _ in 0..take_entries(fields, left)? {
            texts.push((fields.small()?, fields.text()?.to_vec()));
        }
        for _ in 0..take_entries(fields, left)? {
            addresses.push(fields.number()?);
        }
        if !texts.is_sorted_by_key(|(index, _)| *index) {
            return Err(Fault::Number);
        }
        Ok(Marshalled::new(bytes.to_vec(), texts, addresses))
    }

    /// The tuple's bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many constants there are.
    pub(super) fn count(&self) -> usize {
        // The tuple's length, and a constant takes a byte at least.
        let count = self.bytes.get(1..).and_then(<[u8]>::first_chunk).copied();
        (u32::from_le_bytes(count.unwrap_or_default()) as usize).min(self.bytes.len())
    }

    /// Bytes of the texts of constants that are not whole.
    pub(super) fn text_size(&self) -> usize {
        self.texts.iter().map(|(_, text)| text.len()).sum()
    }

    /// About how many bytes of memory it takes at most, once text was asked for.
    pub(super) fn size(&self) -> usize {
        let count = self.count();
        let texts = self.texts.iter().map(|(_, text)| text.len() + size_of::<(u32, Vec<u8>)>());
        let constants = count * (size_of::<Constant>() + KEPT.0) + self.bytes.len() * KEPT.1;
        self.bytes.len()
            + constants
            + texts.sum::<usize>()
            + self.addresses.len() * size_of::<u64>()
    }

    /// `str()` of a constant; `None` if there is no such constant, or the bytes are damaged.
    pub fn text(&self, index: usize) -> Option<Cow<'_, [u8]>> {
        let index_of = u32::try_from(index).ok()?;
        if let Ok(at) = self.texts.binary_search_by_key(&index_of, |(index, _)| *index) {
            return Some(Cow::Borrowed(&self.texts[at].1));
        }
        let constants = self.constants.get_or_init(|| {
            let places = Pyc::constant_places(&self.bytes, MOST_OBJECTS).ok()?.into_iter();
            Some(places.map(|place| Constant { place, text: OnceLock::new() }).collect())
        });
        let Constant { place, text } = constants.as_ref()?.get(index)?;
        if let Some(text) = text.get() {
            return Some(Cow::Borrowed(text));
        }
        let made = self.make(place)?;
        if made.len() > KEPT.0 + (place.end - place.start) * KEPT.1 {
            return Some(Cow::Owned(made));
        }
        Some(Cow::Borrowed(text.get_or_init(|| made.into())))
    }

    fn make(&self, place: &Place) -> Option<Vec<u8>> {
        let (value, codes) = Pyc::read_constant(&self.bytes, place).ok()?;
        let mut direct = Vec::new();
        value.codes(&mut direct);
        let known = self.addresses.get(place.codes..).unwrap_or_default();
        let addresses: HashMap<usize, usize> =
            direct.into_iter().zip(known.iter().map(|&address| address as usize)).collect();
        let mut text = Vec::new();
        render::str(&Objects::new(&codes, addresses), Item::Value(&value), &mut text);
        Some(text)
    }
}
