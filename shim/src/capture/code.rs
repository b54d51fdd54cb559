//! Code info: what is recorded of a code object when it first runs.
//!
//! A recording gets the body: the code object marshalled, nested code objects included, whether
//! those ever run or not, so each code info is enough for its `.pyc`, wherever the process is killed.
//! A nested code object that runs later gets a number and an info of its own then, which says where
//! in the outer one's body it was marshalled before.

use bytecode::heap::{CodeView, Heap, View};
use bytecode::marshal::{self, Budget, Nested, UNKNOWN};
use bytecode::render;
use wire::code::{
    CodeInfo, LARGEST_CONSTANT, LARGEST_CONSTANTS, MOST_OBJECTS, close_body, open_body, write_names,
};

/// What is recorded of constants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Constants {
    /// Nothing: operands are numbers.
    #[default]
    Absent,
    /// `str()` of each, for text.
    Text,
    /// All that they are, for recordings.
    Marshalled,
}

/// The code info of a code object for text, and whether one of its constants can change, as far as
/// those are recorded.
pub fn info<H: Heap>(
    heap: &H,
    code: &CodeView<H::Ref>,
    module: Option<&[u8]>,
    constants: Constants,
) -> (CodeInfo, bool) {
    let texts =
        |tuple: Option<H::Ref>, is_final: &mut bool| match tuple.map(|tuple| heap.look(tuple)) {
            Some(View::Tuple(items)) => table(heap, &items, is_final),
            _ => Vec::new(),
        };
    let mut is_final = true;
    let constants = match constants {
        Constants::Absent => Vec::new(),
        _ => texts(code.constants, &mut is_final),
    };
    let [names, locals, free, cells] = code.names.map(|tuple| texts(tuple, &mut true));
    let info = CodeInfo {
        module: module.map(<[u8]>::to_vec),
        name: code.name.to_vec(),
        file: code.file.to_vec(),
        first_line: code.first_line as u32,
        numbers: code.numbers.map(|number| number as u32),
        code: code.code.to_vec(),
        lines: code.lines.to_vec(),
        constants,
        marshalled: None,
        names,
        locals,
        free,
        cells,
        is_watched: false,
    };
    (info, !is_final)
}

/// What a body does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captured {
    /// How many bytes of it are constants.
    pub constants: usize,
    /// By index, ascending: `str()` of the constants that marshal has no type for, and of those that
    /// are too large.
    pub texts: Vec<(u32, Vec<u8>)>,
    /// The addresses of the code objects among the constants, in their order.
    pub addresses: Vec<u64>,
    /// Whether a constant can change.
    pub can_change: bool,
    /// All code objects inside, with their places in the body.
    pub nested: Vec<Nested>,
}

/// Writes the body of a code object, for a recording.
pub fn body<H: Heap>(heap: &H, code: &CodeView<H::Ref>, out: &mut Vec<u8>) -> Captured {
    out.clear();
    open_body(code.numbers.map(|number| number as u32), code.code, out);
    let start = out.len();
    let mut captured = Captured::default();
    match code.constants.map(|tuple| heap.look(tuple)) {
        Some(View::Tuple(items)) => write_constants(heap, &items, &mut captured, out),
        _ => write_constants(heap, &[], &mut captured, out),
    }
    captured.constants = out.len() - start;
    for tuple in code.names {
        match tuple.map(|tuple| heap.look(tuple)) {
            Some(View::Tuple(items)) => names(heap, &items, out),
            _ => names(heap, &[], out),
        }
    }
    close_body(code.file, code.name, code.first_line as u32, code.lines, out);
    captured
}

/// A table of names. They are strings, unless foreign code put something else there.
fn names<H: Heap>(heap: &H, items: &[H::Ref], out: &mut Vec<u8>) {
    let string = |item| match heap.look(item) {
        View::Str(bytes) | View::Interned(bytes) => Some(bytes),
        _ => None,
    };
    match items.iter().map(|&item| string(item)).collect::<Option<Vec<_>>>() {
        Some(names) => write_names(names.into_iter(), out),
        None => write_names(table(heap, items, &mut true).iter().map(Vec::as_slice), out),
    }
}

/// `str()` of each item of a tuple.
fn table<H: Heap>(heap: &H, items: &[H::Ref], is_final: &mut bool) -> Vec<Vec<u8>> {
    let texts = items.iter().map(|&item| {
        let mut text = Vec::new();
        *is_final &= render::str(heap, item, &mut text);
        text
    });
    texts.collect()
}

/// The tuple of constants. Those that marshal has no type for, and those that are too large, are
/// unknown there and have a text beside.
fn write_constants<H: Heap>(
    heap: &H,
    items: &[H::Ref],
    captured: &mut Captured,
    out: &mut Vec<u8>,
) {
    let first = out.len();
    out.push(b'(');
    out.extend_from_slice(&(items.len() as u32).to_le_bytes());
    let mut is_final = true;
    // Each constant takes a byte and is an object in any case.
    let mut left = Budget {
        bytes: (LARGEST_CONSTANTS - (out.len() - first)).saturating_sub(items.len()),
        objects: (MOST_OBJECTS - 1).saturating_sub(items.len()),
    };
    for (index, &item) in items.iter().enumerate() {
        let start = out.len();
        let whole = Budget { bytes: left.bytes.min(LARGEST_CONSTANT), ..left };
        let mut rest = whole;
        // It is inside a tuple that is inside a code object.
        let written = marshal::write(heap, item, 2, &mut rest, out);
        left.bytes -= whole.bytes - rest.bytes;
        left.objects -= whole.objects - rest.objects;
        match written {
            Ok(written) => {
                is_final &= written.is_final;
                captured.addresses.extend(written.codes.iter().map(|&address| address as u64));
                captured.nested.extend(written.nested);
                if written.is_whole {
                    continue;
                }
            }
            Err(marshal::TooLarge) => {
                out.truncate(start);
                out.push(UNKNOWN);
            }
        }
        let mut text = Vec::new();
        is_final &= render::str(heap, item, &mut text);
        captured.texts.push((index as u32, text));
    }
    captured.can_change = !is_final;
}

#[cfg(test)]
mod tests;
