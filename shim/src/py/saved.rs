//! A copy of what a code object is recorded as, to be compared with what it is.
//!
//! Compared are the bytes of `co_code` and, where operands are shown by their meaning, the tables that
//! they are looked up in and what those hold. The evaluation loop compares them, sixteen bytes at a
//! time. Where code objects are compared often, only a few of their instructions run in between:
//! then the contents are divided into what can run before the next jump.

mod blocks;

use std::ptr;

use bytecode::cfg::{Reach, Successors, successors};
use bytecode::decode::{Instruction, decode};
use bytecode::opcode::{self, Operand, numbers};

use super::{Code, raw};
use crate::recorder::Subject;
use blocks::{Blocks, type_of};

/// Constants that are longer are compared only if an instruction loads them.
const LONG: usize = 64;

/// No instruction begins at this offset.
const NOWHERE: u32 = u32::MAX;

/// What one code object was.
#[repr(C)]
pub struct Saved {
    /// What the evaluation loop reads; it points to what follows.
    shown: raw::_PyTraced_Saved,
    tables: Box<[raw::_PyTraced_Block]>,
    contents: Box<[raw::_PyTraced_Block]>,
    until_jump: Box<[raw::_PyTraced_Block]>,
    starts: Box<[u32]>,
}

impl Saved {
    /// What a code object is now; `reach` has the offsets of its instructions. With `meanings` also
    /// what operands stand for.
    pub fn of(code: &Code, reach: &Reach, meanings: bool) -> Box<Saved> {
        let fields = code.fields();
        let (mut tables, mut contents) = (Blocks::default(), Blocks::default());
        tables.string(fields.co_code);
        if meanings {
            let used = used_constants(code.bytes(), reach);
            let constants = tables.tuple(fields.co_consts).into_iter().enumerate();
            let mut objects: Vec<_> = constants
                .filter(|(index, item)| {
                    used.get(*index).is_some_and(|&used| used) || !is_long(*item)
                })
                .map(|(_, item)| item)
                .collect();
            objects.extend(tables.tuple(fields.co_names));
            objects.extend(tables.tuple(fields.co_varnames));
            contents.contents(objects);
        }
        tables.end();
        contents.end();
        let shown = raw::_PyTraced_Saved {
            pointers: [fields.co_code, fields.co_consts, fields.co_names, fields.co_varnames]
                .map(|pointer| pointer.cast_const().cast()),
            tables: ptr::null(),
            contents: ptr::null(),
            until_jump: ptr::null(),
            starts: ptr::null(),
            length: 0,
            size: contents.count() as u32,
            epoch: 0,
            spent: 0,
            times: 0,
            spent_before: 0,
            epochs: 0,
        };
        let (tables, contents) = (tables.into_boxed_slice(), contents.into_boxed_slice());
        let mut saved = Box::new(Saved {
            shown,
            tables,
            contents,
            until_jump: Box::default(),
            starts: Box::default(),
        });
        saved.shown.tables = saved.tables.as_ptr();
        saved.shown.contents = saved.contents.as_ptr();
        saved
    }

    /// Divides the contents of a code object that was found to be what it was a moment ago.
    pub fn divide(&mut self, code: &Code, reach: &Reach) {
        let bytes = code.bytes();
        let stretches = stretches(bytes, reach);
        if stretches.is_empty() {
            return;
        }
        let tables = Tables::of(code);
        let mut blocks = Blocks::default();
        let mut starts = vec![NOWHERE; bytes.len() + 1].into_boxed_slice();
        for stretch in stretches {
            // The last instruction that needs an object has it: so does each part of the stretch that
            // is left where the frame goes on.
            let mut seen = Vec::new();
            let mut needed = vec![None; stretch.len()];
            for (index, at) in stretch.iter().enumerate().rev() {
                let object = tables.object(at).filter(|object| !seen.contains(object));
                seen.extend(object);
                needed[index] = object;
            }
            for (at, object) in stretch.iter().zip(needed) {
                starts[at.lasti as usize] = blocks.count() as u32;
                blocks.contents(object.into_iter().collect());
            }
            blocks.end();
        }
        self.until_jump = blocks.into_boxed_slice();
        self.starts = starts;
        self.shown.until_jump = self.until_jump.as_ptr();
        self.shown.length = self.starts.len() as u32;
        self.shown.starts = self.starts.as_ptr();
    }
}

/// Instructions that run one after the other: only the last one may go on elsewhere. None at all where
/// instructions overlap.
fn stretches(code: &[u8], reach: &Reach) -> Vec<Vec<Instruction>> {
    let offsets = (0..=code.len() as u32).filter(|&offset| reach.has(offset));
    let (mut stretches, mut open, mut next) = (Vec::new(), Vec::new(), 0);
    for at in offsets.filter_map(|offset| decode(code, offset)) {
        if at.lasti < next || !open.is_empty() && at.lasti != next {
            return Vec::new();
        }
        next = at.next;
        open.push(at);
        if successors(&at) != Successors::On(next.into()) {
            stretches.push(std::mem::take(&mut open));
        }
    }
    // The last instruction of all goes nowhere else.
    if open.is_empty() { stretches } else { Vec::new() }
}

/// The tables whose items operands stand for.
struct Tables([Vec<*mut raw::PyObject>; 3]);

impl Tables {
    fn of(code: &Code) -> Tables {
        let fields = code.fields();
        let tables = [fields.co_consts, fields.co_names, fields.co_varnames];
        Tables(tables.map(|table| Blocks::default().tuple(table)))
    }

    /// The object that an instruction's operand stands for.
    fn object(&self, at: &Instruction) -> Option<*mut raw::PyObject> {
        let table = match opcode::operand(at.opcode) {
            Operand::Const => &self.0[0],
            Operand::Name => &self.0[1],
            Operand::Local => &self.0[2],
            _ => return None,
        };
        table.get(usize::try_from(at.operand).ok()?).copied()
    }
}

/// Whether comparing it takes long.
fn is_long(object: *mut raw::PyObject) -> bool {
    let this = type_of(object);
    let length = if this == &raw const raw::PyUnicode_Type {
        // SAFETY: a live unicode string.
        unsafe { (*object.cast::<raw::PyUnicodeObject>()).length }
    } else if this == &raw const raw::PyString_Type || this == &raw const raw::PyLong_Type {
        // SAFETY: both start as every object of variable size does.
        unsafe { (*object.cast::<raw::PyVarObject>()).ob_size }
    } else {
        0
    };
    length.unsigned_abs() > LONG
}

/// Which constants are loaded by the instructions at these offsets.
fn used_constants(code: &[u8], reach: &Reach) -> Vec<bool> {
    let mut used = Vec::new();
    for offset in (0..code.len() as u32).filter(|&offset| reach.has(offset)) {
        let Some(at) = decode(code, offset).filter(|at| at.opcode == numbers::LOAD_CONST) else {
            continue;
        };
        let Ok(index) = usize::try_from(at.operand) else { continue };
        if index < code.len() {
            used.resize(used.len().max(index + 1), false);
            used[index] = true;
        }
    }
    used
}
