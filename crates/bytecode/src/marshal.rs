//! Writes objects as `marshal.dumps(object, 2)` does (`w_object` in `Python/marshal.c`).
//!
//! In a recording interned strings are never written as references, so the bytes of a nested object
//! are those of the object alone. An object that marshal cannot write becomes [`UNKNOWN`], which no interpreter loads: a
//! reader can say what is missing, and where.

mod nested;

use std::collections::HashMap;

use crate::heap::{CodeView, Heap, View};
use crate::render::push_utf8;

pub use nested::nested_codes;

/// Deepest nesting, as in `Python/marshal.c` (MAX_MARSHAL_STACK_DEPTH).
pub const DEEPEST: usize = 2000;

/// TYPE_UNKNOWN: an object that marshal has no type for.
pub const UNKNOWN: u8 = b'?';

/// What may still be written. Tuples that share their items describe more than there is memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Bytes
    pub bytes: usize,
    /// Objects
    pub objects: usize,
}

/// An object that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Whether nothing in it can change. What nested code objects hold does not count, here and
    /// below.
    pub is_final: bool,
    /// Whether nothing in it is [`UNKNOWN`].
    pub is_whole: bool,
    /// The addresses of the code objects in it, in their order.
    pub codes: Vec<usize>,
}

/// More than the budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

/// What is still to be written, the next one last.
enum Task<'a, R> {
    Object { object: R, depth: usize, is_nested: bool },
    Bytes(&'a [u8]),
    Interned(&'a [u8]),
    Number(i32),
    Raw(&'static [u8]),
}

/// Appends an object that is inside `depth` others. `out` may hold a part of it after an error.
///
/// # Errors
///
/// More than the budget, which what was written is taken from in any case.
pub fn write<H: Heap>(
    heap: &H,
    object: H::Ref,
    depth: usize,
    budget: &mut Budget,
    out: &mut Vec<u8>,
) -> Result<Written, TooLarge> {
    write_with(heap, object, depth, None, budget, out)
}

/// The same for an object that is inside no other, each interned string once.
///
/// # Errors
///
/// More than the budget.
pub fn write_once<H: Heap>(
    heap: &H,
    object: H::Ref,
    budget: &mut Budget,
    out: &mut Vec<u8>,
) -> Result<Written, TooLarge> {
    write_with(heap, object, 0, Some(HashMap::new()), budget, out)
}

/// By their bytes, the places of interned strings among those that were written.
type Strings = HashMap<Vec<u8>, u32>;

fn write_with<H: Heap>(
    heap: &H,
    object: H::Ref,
    depth: usize,
    mut strings: Option<Strings>,
    budget: &mut Budget,
    out: &mut Vec<u8>,
) -> Result<Written, TooLarge> {
    let mut written = Written { is_final: true, is_whole: true, codes: Vec::new() };
    // Most constants hold no others, and need no list.
    let mut tasks = Vec::new();
    let mut first = Some(Task::Object { object, depth: depth + 1, is_nested: false });
    while let Some(task) = first.take().or_else(|| tasks.pop()) {
        let start = out.len();
        let (object, depth, is_nested) = match task {
            Task::Object { object, depth, is_nested } => (object, depth, is_nested),
            Task::Bytes(bytes) => {
                spend(budget, bytes.len() + 5, 1)?;
                string(b's', bytes, out);
                continue;
            }
            Task::Interned(bytes) => {
                interned(bytes, strings.as_mut(), budget.bytes, out)?;
                spend(budget, out.len() - start, 1)?;
                continue;
            }
            Task::Number(number) => {
                spend(budget, 4, 0)?;
                out.extend_from_slice(&number.to_le_bytes());
                continue;
            }
            Task::Raw(bytes) => {
                spend(budget, bytes.len(), 1)?;
                out.extend_from_slice(bytes);
                continue;
            }
        };
        let mut items = |kind: u8, items: Vec<H::Ref>, out: &mut Vec<u8>| {
            if items.len() > budget.objects {
                return Err(TooLarge);
            }
            out.push(kind);
            length(items.len(), out);
            let depth = depth + 1;
            let tasks_of = |object| Task::Object { object, depth, is_nested };
            tasks.extend(items.into_iter().rev().map(tasks_of));
            Ok(())
        };
        let view = heap.look(object);
        if !is_nested {
            use View::{ByteArray, Dict, List, Set};
            written.is_final &= !matches!(view, List(_) | Set(_) | Dict(_) | ByteArray(_));
            if let View::Code(code) = &view {
                written.codes.push(code.address);
            }
        }
        let is_known = match view {
            // r_object counts the null at the end of a dict as an object inside it.
            View::Dict(_) if depth >= DEEPEST => false,
            _ if depth > DEEPEST => false,
            View::Tuple(all) => items(b'(', all, out).map(|()| true)?,
            View::List(all) => items(b'[', all, out).map(|()| true)?,
            View::Set(all) => items(b'<', all, out).map(|()| true)?,
            View::FrozenSet(all) => items(b'>', all, out).map(|()| true)?,
            View::Dict(pairs) => {
                if pairs.len() > budget.objects / 2 {
                    return Err(TooLarge);
                }
                out.push(b'{');
                tasks.push(Task::Raw(b"0"));
                for (key, value) in pairs.into_iter().rev() {
                    for object in [value, key] {
                        tasks.push(Task::Object { object, depth: depth + 1, is_nested });
                    }
                }
                true
            }
            View::Code(code) if code.code.len() > budget.bytes => return Err(TooLarge),
            View::Code(code) => {
                open_code(*code, depth + 1, &mut tasks, out);
                true
            }
            View::Interned(bytes) => {
                interned(bytes, strings.as_mut(), budget.bytes, out)?;
                true
            }
            leaf => write_leaf(&leaf, budget.bytes, out)?,
        };
        if !is_known {
            out.push(UNKNOWN);
            written.is_whole &= is_nested;
        }
        spend(budget, out.len() - start, 1)?;
    }
    Ok(written)
}

fn spend(budget: &mut Budget, bytes: usize, objects: usize) -> Result<(), TooLarge> {
    let is_enough = bytes <= budget.bytes && objects <= budget.objects;
    budget.bytes = budget.bytes.saturating_sub(bytes);
    budget.objects = budget.objects.saturating_sub(objects);
    if is_enough { Ok(()) } else { Err(TooLarge) }
}

/// Writes the numbers of a code object, and leaves the rest to be done.
fn open_code<'a, R: Copy>(
    code: CodeView<'a, R>,
    depth: usize,
    tasks: &mut Vec<Task<'a, R>>,
    out: &mut Vec<u8>,
) {
    out.push(b'c');
    code.numbers.iter().for_each(|number| out.extend_from_slice(&number.to_le_bytes()));
    string(b's', code.code, out);
    tasks.push(Task::Bytes(code.lines));
    tasks.push(Task::Number(code.first_line));
    tasks.push(Task::Interned(code.name));
    tasks.push(Task::Bytes(code.file));
    for table in code.names.into_iter().rev().chain([code.constants]) {
        match table {
            Some(object) => tasks.push(Task::Object { object, depth, is_nested: true }),
            None => tasks.push(Task::Raw(b"(\0\0\0\0")),
        }
    }
}

/// Writes an object that holds no others; false if marshal has no type for it.
fn write_leaf<R>(view: &View<R>, most: usize, out: &mut Vec<u8>) -> Result<bool, TooLarge> {
    match view {
        View::None => out.push(b'N'),
        View::Bool(false) => out.push(b'F'),
        View::Bool(true) => out.push(b'T'),
        View::StopIteration => out.push(b'S'),
        View::Ellipsis => out.push(b'.'),
        View::Int(value) => match i32::try_from(*value) {
            Ok(value) => number(b'i', &value.to_le_bytes(), out),
            Err(_) => number(b'I', &value.to_le_bytes(), out),
        },
        View::Long(long) => {
            let count = i32::try_from(long.digits.len()).map_err(|_| TooLarge)?;
            let count = if long.negative { -count } else { count };
            number(b'l', &count.to_le_bytes(), out);
            long.digits.iter().for_each(|digit| out.extend_from_slice(&digit.to_le_bytes()));
        }
        View::Float(value) => number(b'g', &value.to_le_bytes(), out),
        View::Complex(real, imaginary) => {
            number(b'y', &real.to_le_bytes(), out);
            out.extend_from_slice(&imaginary.to_le_bytes());
        }
        View::Str(bytes) if bytes.len() > most => return Err(TooLarge),
        View::Str(bytes) => string(b's', bytes, out),
        View::Unicode(points) if points.len() > most => return Err(TooLarge),
        View::Unicode(points) => {
            out.push(b'u');
            let start = out.len();
            length(0, out);
            // PyUnicode_EncodeUTF8 would join surrogates: here two of them stay two when a UCS4
            // build loads them.
            points.iter().for_each(|&point| push_utf8(point, out));
            let count = out.len() - start - 4;
            let count = i32::try_from(count).map_err(|_| TooLarge)?;
            out[start..start + 4].copy_from_slice(&count.to_le_bytes());
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn interned(
    bytes: &[u8],
    strings: Option<&mut Strings>,
    most: usize,
    out: &mut Vec<u8>,
) -> Result<(), TooLarge> {
    if bytes.len() > most {
        return Err(TooLarge);
    }
    if let Some(strings) = strings {
        if let Some(&index) = strings.get(bytes) {
            number(b'R', &index.to_le_bytes(), out);
            return Ok(());
        }
        let next = strings.len() as u32;
        strings.insert(bytes.to_vec(), next);
    }
    string(b't', bytes, out);
    Ok(())
}

fn number(kind: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(kind);
    out.extend_from_slice(bytes);
}

/// What is longer than the field was over the budget before.
fn length(length: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&(length as u32).to_le_bytes());
}

fn string(kind: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(kind);
    length(bytes.len(), out);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests;
