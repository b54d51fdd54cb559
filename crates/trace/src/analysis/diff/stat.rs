//! `--stat`: how many steps agreed, by code object and by opcode.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::step::Step;
use bytecode::opcode;

/// Distinct code objects that are counted each for itself.
const CODES: usize = 100_000;
/// Bytes of a name that distinguish it from others.
const LONGEST: usize = 1000;

/// Counts of steps that are the same on both sides.
#[derive(Clone, Debug)]
pub struct Stat {
    codes: HashMap<Vec<u8>, u64>,
    /// Steps of code objects that came after too many others.
    others: u64,
    opcodes: [u64; 256],
}

impl Default for Stat {
    fn default() -> Stat {
        Stat { codes: HashMap::new(), others: 0, opcodes: [0; 256] }
    }
}

impl Stat {
    /// Counts one step; `right` may know the name where `left` does not.
    pub fn count(&mut self, left: &Step<'_>, right: &Step<'_>) {
        self.opcodes[usize::from(left.opcode)] += 1;
        let name = left.code.name.or(right.code.name).unwrap_or_default();
        let name = &name[..name.len().min(LONGEST)];
        if let Some(count) = self.codes.get_mut(name) {
            *count += 1;
        } else if self.codes.len() < CODES {
            self.codes.insert(name.to_vec(), 1);
        } else {
            self.others += 1;
        }
    }

    /// Code objects by name and their steps, most first.
    pub fn codes(&self) -> Vec<(String, u64)> {
        let text = |name: &[u8]| name.escape_ascii().to_string();
        let mut rows: Vec<_> = self.codes.iter().map(|(name, &n)| (text(name), n)).collect();
        rows.sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
        if self.others > 0 {
            rows.push(("(others)".to_owned(), self.others));
        }
        rows
    }

    /// Opcodes and their steps, most first.
    pub fn opcodes(&self) -> Vec<(String, u64)> {
        let mut rows: Vec<_> =
            (0..=255).zip(self.opcodes).filter(|row: &(u8, u64)| row.1 > 0).collect();
        rows.sort_by_key(|&(opcode, count)| (std::cmp::Reverse(count), opcode));
        rows.into_iter().map(|(number, count)| (opname(number), count)).collect()
    }

    /// All of it as an object.
    pub fn to_json(&self) -> Value {
        let rows = |rows: Vec<(String, u64)>| -> Vec<Value> {
            rows.into_iter().map(|(name, steps)| json!({ "name": name, "steps": steps })).collect()
        };
        json!({ "codes": rows(self.codes()), "opcodes": rows(self.opcodes()) })
    }
}

/// The opcode's name, or its number where 2.7 has none.
pub fn opname(number: u8) -> String {
    opcode::name(number).map_or_else(|| number.to_string(), str::to_owned)
}
