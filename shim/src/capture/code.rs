//! Code info: what is recorded of a code object when it first runs.
//!
//! A recording gets the constants marshalled, nested code objects included, whether those ever run
//! or not: each code info alone is enough for its `.pyc`, wherever the process is killed. Nested
//! code objects that run get a number and an info of their own then, and no number before.

use bytecode::heap::{CodeView, Heap, View};
use bytecode::marshal::{self, Budget, UNKNOWN};
use bytecode::render;
use wire::code::{CodeInfo, LARGEST_CONSTANT, LARGEST_CONSTANTS, MOST_OBJECTS, Marshalled};

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

/// The code info of a code object, and whether one of its constants can change.
pub fn info<H: Heap>(
    heap: &H,
    code: &CodeView<H::Ref>,
    module: Option<&[u8]>,
    constants: Constants,
) -> (CodeInfo, bool) {
    let items = match code.constants.map(|tuple| heap.look(tuple)) {
        Some(View::Tuple(items)) => items,
        _ => Vec::new(),
    };
    let (mut texts, mut marshalled, mut is_final) = (Vec::new(), None, true);
    match constants {
        Constants::Absent => {}
        Constants::Text => texts = table(heap, &items, &mut is_final),
        Constants::Marshalled => marshalled = Some(constants_of(heap, &items, &mut is_final)),
    }
    let names = |tuple: Option<H::Ref>| match tuple.map(|tuple| heap.look(tuple)) {
        Some(View::Tuple(items)) => table(heap, &items, &mut true),
        _ => Vec::new(),
    };
    let [names, locals, free, cells] = code.names.map(names);
    let info = CodeInfo {
        module: module.map(<[u8]>::to_vec),
        name: code.name.to_vec(),
        file: code.file.to_vec(),
        first_line: code.first_line as u32,
        numbers: code.numbers.map(|number| number as u32),
        code: code.code.to_vec(),
        lines: code.lines.to_vec(),
        constants: texts,
        marshalled,
        names,
        locals,
        free,
        cells,
        is_watched: false,
    };
    (info, !is_final)
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

/// The tuple of constants, marshalled. Those that marshal has no type for, and those that are too
/// large, are unknown there and have a text beside.
fn constants_of<H: Heap>(heap: &H, items: &[H::Ref], is_final: &mut bool) -> Marshalled {
    let mut bytes = vec![b'('];
    bytes.extend_from_slice(&(items.len() as u32).to_le_bytes());
    let (mut texts, mut addresses) = (Vec::new(), Vec::new());
    // Each constant takes a byte and is an object in any case.
    let mut left = Budget {
        bytes: (LARGEST_CONSTANTS - bytes.len()).saturating_sub(items.len()),
        objects: (MOST_OBJECTS - 1).saturating_sub(items.len()),
    };
    for (index, &item) in items.iter().enumerate() {
        let start = bytes.len();
        let whole = Budget { bytes: left.bytes.min(LARGEST_CONSTANT), ..left };
        let mut rest = whole;
        // It is inside a tuple that is inside a code object.
        let written = marshal::write(heap, item, 2, &mut rest, &mut bytes);
        left.bytes -= whole.bytes - rest.bytes;
        left.objects -= whole.objects - rest.objects;
        match written {
            Ok(written) => {
                *is_final &= written.is_final;
                addresses.extend(written.codes.iter().map(|&address| address as u64));
                if written.is_whole {
                    continue;
                }
            }
            Err(marshal::TooLarge) => {
                bytes.truncate(start);
                bytes.push(UNKNOWN);
            }
        }
        let mut text = Vec::new();
        *is_final &= render::str(heap, item, &mut text);
        texts.push((index as u32, text));
    }
    Marshalled::new(bytes, texts, addresses)
}

#[cfg(test)]
mod tests;
