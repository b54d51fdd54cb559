//! What `str()` and `repr()` give for a constant, made without running Python code.
//!
//! Works on [`View`], a plain description, so that nothing here touches the interpreter. The
//! rules are those of the types' own functions in CPython 2.7's `Objects/`, named beside each.

use std::collections::HashSet;

use crate::heap::{Heap, View};

/// Numbers.
pub mod number;
/// Strings in quotes.
pub mod quoted;

pub(crate) use quoted::push_utf8;

/// No text of a constant grows beyond this many bytes: tuples that share their items can
/// describe more text than there is memory. What is cut ends in `...`.
pub const LONGEST: usize = if cfg!(test) { 1 << 20 } else { 64 << 20 };

/// Appends what `str()` gives for `object`, a `unicode` in UTF-8.
///
/// Returns whether the text is final: not so where something in it can change (a list, a dict,
/// a set), and must be rendered again the next time.
pub fn str<H: Heap>(heap: &H, object: H::Ref, out: &mut Vec<u8>) -> bool {
    match heap.look(object) {
        View::Str(bytes) | View::Interned(bytes) => out.extend_from_slice(bytes),
        View::Unicode(units) => quoted::utf8(&units, out),
        View::Float(value) => number::float_str(value, out),
        View::Complex(real, imaginary) => number::complex_str(real, imaginary, out),
        View::Long(value) => number::long(&value, out),
        View::OldClass { name, .. } => out.extend_from_slice(&name),
        View::ByteArray(bytes) => {
            out.extend_from_slice(bytes);
            return false;
        }
        // For every other type `str()` is `repr()` (PyObject_Str).
        _ => return repr(heap, object, out),
    }
    true
}

/// A container of which some items are written.
struct Open<R> {
    object: R,
    items: std::vec::IntoIter<(R, &'static str)>,
    first: bool,
    close: &'static str,
}

fn repr<H: Heap>(heap: &H, object: H::Ref, out: &mut Vec<u8>) -> bool {
    let end = out.len().saturating_add(LONGEST);
    let mut is_final = true;
    // Containers are walked with a stack of our own: a constant can nest deeper than the
    // interpreter's C stack would bear.
    let mut open: Vec<Open<H::Ref>> = Vec::new();
    let mut inside = HashSet::new();
    let mut next = Some(object);
    loop {
        if let Some(object) = next.take() {
            open.extend(one(heap, object, out, &mut is_final, &mut inside));
        }
        let Some(container) = open.last_mut() else { return is_final };
        if out.len() > end {
            out.extend_from_slice(b"...");
            return is_final;
        }
        match container.items.next() {
            Some((item, before)) => {
                let comma = if container.first { "" } else { before };
                container.first = false;
                out.extend_from_slice(comma.as_bytes());
                next = Some(item);
            }
            None => {
                out.extend_from_slice(container.close.as_bytes());
                inside.remove(&container.object);
                open.pop();
            }
        }
    }
}

/// Writes an object that holds no others, or the opening of one that does.
fn one<H: Heap>(
    heap: &H,
    object: H::Ref,
    out: &mut Vec<u8>,
    is_final: &mut bool,
    inside: &mut HashSet<H::Ref>,
) -> Option<Open<H::Ref>> {
    let list = |items: &[H::Ref]| items.iter().map(|&item| (item, ", ")).collect::<Vec<_>>();
    let (opening, items, close) = match heap.look(object) {
        View::Tuple(items) => {
            // tuplerepr: a tuple of one has a comma.
            let close = if items.len() == 1 { ",)" } else { ")" };
            ("(", list(&items), close)
        }
        View::List(items) => ("[", list(&items), "]"),
        // set_repr writes a list between the parentheses, an empty one too.
        View::Set(items) => ("set([", list(&items), "])"),
        View::FrozenSet(items) => ("frozenset([", list(&items), "])"),
        View::Dict(pairs) => {
            let items = pairs.into_iter().flat_map(|(key, value)| [(key, ", "), (value, ": ")]);
            ("{", items.collect(), "}")
        }
        View::Slice(items) => ("slice(", list(&items), ")"),
        value => {
            *is_final &= !matches!(value, View::ByteArray(_));
            leaf(value, out);
            return None;
        }
    };
    let mutable = matches!(opening, "[" | "{" | "set([");
    *is_final &= !mutable;
    // Py_ReprEnter: a container inside itself is not entered again.
    if !inside.insert(object) {
        let cycle = match opening {
            "[" => "[...]",
            "{" => "{...}",
            "set([" => "set(...)",
            "frozenset([" => "frozenset(...)",
            _ => "(...)",
        };
        out.extend_from_slice(cycle.as_bytes());
        return None;
    }
    out.extend_from_slice(opening.as_bytes());
    Some(Open { object, items: items.into_iter(), first: true, close })
}

fn leaf<R>(value: View<R>, out: &mut Vec<u8>) {
    let text = match value {
        View::None => "None".into(),
        View::Bool(true) => "True".into(),
        View::Bool(false) => "False".into(),
        View::Ellipsis => "Ellipsis".into(),
        View::Int(value) => value.to_string(),
        View::Long(value) => {
            number::long(&value, out);
            "L".into()
        }
        View::Float(value) => return number::float_repr(value, out),
        View::Complex(real, imaginary) => return number::complex_repr(real, imaginary, out),
        View::Str(bytes) | View::Interned(bytes) => return quoted::str_repr(bytes, out),
        View::Unicode(units) => return quoted::unicode_repr(&units, out),
        View::StopIteration => "<type 'exceptions.StopIteration'>".into(),
        View::Code(code) => {
            // code_repr: "%.100s" and "%.300s"; a file of line 0 is unknown, shown as -1.
            out.extend_from_slice(b"<code object ");
            out.extend_from_slice(c_string(code.name, 100));
            out.extend_from_slice(format!(" at {:#x}, file \"", code.address).as_bytes());
            out.extend_from_slice(c_string(code.file, 300));
            let line = if code.first_line == 0 { -1 } else { code.first_line };
            format!("\", line {line}>")
        }
        View::NotImplemented => "NotImplemented".into(),
        View::ByteArray(bytes) => {
            out.extend_from_slice(b"bytearray(b");
            quoted::str_repr(bytes, out);
            ")".into()
        }
        // range_repr
        View::XRange(start, step, length) => {
            let stop = start.wrapping_add(length.wrapping_mul(step));
            match (start, step) {
                (0, 1) => format!("xrange({stop})"),
                (_, 1) => format!("xrange({start}, {stop})"),
                _ => format!("xrange({start}, {stop}, {step})"),
            }
        }
        View::BuiltinFunction(name) => {
            out.extend_from_slice(b"<built-in function ");
            out.extend_from_slice(name);
            ">".into()
        }
        View::Type { name, is_class } => {
            out.extend_from_slice(if is_class { b"<class '" } else { b"<type '" });
            out.extend_from_slice(&name);
            "'>".into()
        }
        View::OldClass { name, address } => {
            out.extend_from_slice(b"<class ");
            out.extend_from_slice(&name);
            format!(" at {address:#x}>")
        }
        View::Other { type_name, address } => {
            out.push(b'<');
            out.extend_from_slice(&type_name);
            format!(" object at {address:#x}>")
        }
        View::Tuple(_)
        | View::List(_)
        | View::Dict(_)
        | View::Set(_)
        | View::FrozenSet(_)
        | View::Slice(_) => return,
    };
    out.extend_from_slice(text.as_bytes());
}

/// What `%.Ns` of C prints: up to the first NUL, at most `most` bytes.
fn c_string(bytes: &[u8], most: usize) -> &[u8] {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    &bytes[..end.min(most)]
}

#[cfg(test)]
mod tests;
