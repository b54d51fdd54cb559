//! The bodies of the last code infos, of which later ones may be parts.
//!
//! Writer and readers keep the same ones, by one rule, however long the code objects live: a module's
//! code object dies when the module is imported, its functions run afterwards.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use bytecode::marshal::nested_codes;
use wire::code::{KEPT_BODIES, Part, body_of, part_of};

/// The last bodies that were written whole.
#[derive(Debug, Default)]
pub struct Bodies {
    /// By code object, ascending.
    kept: VecDeque<(u32, Arc<[u8]>)>,
    bytes: usize,
}

impl Bodies {
    /// Keeps a body for as long as the rule says; `dropped` is given those that are kept no more.
    fn keep(&mut self, code: u32, body: Arc<[u8]>, mut dropped: impl FnMut(u32, &[u8])) {
        self.bytes += body.len();
        self.kept.push_back((code, body));
        while self.bytes > KEPT_BODIES {
            let Some((code, body)) = self.kept.pop_front() else { break };
            self.bytes -= body.len();
            dropped(code, &body);
        }
    }

    /// Keeps the body of a code info that was read, if it has one.
    pub fn add(&mut self, code: u32, info: &[u8]) {
        if let Some(body) = body_of(info) {
            self.keep(code, info[body].into(), |_, _| ());
        }
    }

    /// The bytes of a part.
    pub fn find(&self, part: Part) -> Option<&[u8]> {
        let at = self.kept.binary_search_by_key(&part.code, |(code, _)| *code).ok()?;
        self.kept[at].1.get(part.start..part.start.checked_add(part.length)?)
    }
}

/// Makes code infos parts of those before them.
#[derive(Debug, Default)]
pub struct Sharing {
    bodies: Bodies,
    /// By length and checksum: where code objects are.
    parts: HashMap<(usize, u32), Part>,
}

impl Sharing {
    /// The bytes of a code info that is a part of one before; `None` for one that is written whole,
    /// and of which others may be parts.
    pub fn share(&mut self, code: u32, info: &[u8]) -> Option<Vec<u8>> {
        let range = body_of(info)?;
        let body = &info[range.clone()];
        let part = self.parts.get(&key(body)).copied();
        if let Some(part) = part.filter(|&part| self.bodies.find(part) == Some(body)) {
            return Some(part_of(info, &range, part));
        }
        for place in places(body) {
            let part = Part { code, start: place.start, length: place.len() };
            self.parts.insert(key(&body[place]), part);
        }
        let parts = &mut self.parts;
        self.bodies.keep(code, body.into(), |code, body| {
            for place in places(body) {
                // A later one may have the same bytes.
                let key = key(&body[place]);
                if parts.get(&key).is_some_and(|part| part.code == code) {
                    parts.remove(&key);
                }
            }
        });
        None
    }
}

/// Where a body has code objects: all of it is one. A module that is imported again has the same.
fn places(body: &[u8]) -> impl Iterator<Item = Range<usize>> {
    nested_codes(body).into_iter().chain(std::iter::once(0..body.len()))
}

fn key(body: &[u8]) -> (usize, u32) {
    (body.len(), crc32fast::hash(body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::code::{CodeInfo, Marshalled};

    fn code(name: &str, constants: &[&[u8]]) -> CodeInfo {
        let mut bytes = vec![b'('];
        bytes.extend_from_slice(&(constants.len() as u32).to_le_bytes());
        bytes.extend(constants.concat());
        CodeInfo {
            name: name.into(),
            code: b"S".to_vec(),
            names: vec![b"x".to_vec()],
            marshalled: Some(Marshalled::new(bytes, Vec::new(), vec![7])),
            ..CodeInfo::default()
        }
    }

    fn bytes(info: &CodeInfo) -> Vec<u8> {
        let mut bytes = Vec::new();
        info.write(&mut bytes);
        bytes
    }

    fn body(info: &CodeInfo) -> Vec<u8> {
        let bytes = bytes(info);
        bytes[body_of(&bytes).unwrap()].to_vec()
    }

    #[test]
    fn a_nested_code_object_is_a_part_and_read_as_it_was() {
        let inner = CodeInfo { module: Some(b"m".to_vec()), ..code("inner", &[b"N"]) };
        let outer = code("outer", &[b"T", &body(&inner), b"N"]);
        let other = code("inner", &[b"T"]);
        let again = CodeInfo { module: Some(b"n".to_vec()), ..outer.clone() };
        let (mut sharing, mut bodies) = (Sharing::default(), Bodies::default());
        for (number, info, is_part) in
            [(1, &outer, false), (2, &inner, true), (3, &other, false), (4, &inner, true)]
                .into_iter()
                .chain([(5, &again, true)])
        {
            let whole = bytes(info);
            let shared = sharing.share(number, &whole);
            assert_eq!(shared.is_some(), is_part, "{number}");
            let written = shared.unwrap_or(whole);
            assert!(!is_part || written.len() < 20);
            bodies.add(number, &written);
            let read = CodeInfo::read_part(&written, |part| bodies.find(part));
            assert_eq!(read.as_ref(), Ok(info));
            assert!(!is_part || CodeInfo::read(&written).is_err());
        }
    }

    #[test]
    fn only_the_last_ones_are_kept() {
        let inner = code("inner", &[b"N"]);
        let long = |byte| [&b"s\0\0\x40\0"[..], &vec![byte; 4 << 20]].concat();
        let outer = code("outer", &[&body(&inner)]);
        let mut sharing = Sharing::default();
        assert_eq!(sharing.share(1, &bytes(&outer)), None);
        for number in 2..4 {
            assert_eq!(sharing.share(number, &bytes(&code("long", &[&long(number as u8)]))), None);
            assert!(sharing.share(9, &bytes(&inner)).is_some());
        }
        for number in 4..7 {
            assert_eq!(sharing.share(number, &bytes(&code("long", &[&long(number as u8)]))), None);
        }
        assert_eq!(sharing.share(9, &bytes(&inner)), None);
        assert!(sharing.bodies.bytes <= KEPT_BODIES && sharing.parts.len() <= 4);
    }
}
