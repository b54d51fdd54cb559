//! What `str()` and `repr()` give for a constant, made without running Python code.
//!
//! Works on [`Value`], a plain description, so that nothing here touches the interpreter. The
//! rules are those of the types' own functions in CPython 2.7's `Objects/`, named beside each.

use std::collections::HashSet;

mod number;
mod quoted;

pub use number::Long;

/// What a constant is, as far as its text goes. `R` stands for a reference to another object.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a, R> {
    /// `None`
    None,
    /// `True`, `False`
    Bool(bool),
    /// An `int`
    Int(i64),
    /// A `long`
    Long(Long),
    /// A `float`
    Float(f64),
    /// A `complex`: real and imaginary part
    Complex(f64, f64),
    /// A `str`
    Str(&'a [u8]),
    /// A `unicode`: code points, or code units on a UCS2 build
    Unicode(Vec<u32>),
    /// A `tuple`
    Tuple(Vec<R>),
    /// A `list`
    List(Vec<R>),
    /// A `dict`, in the order of its table
    Dict(Vec<(R, R)>),
    /// A `set`, in the order of its table
    Set(Vec<R>),
    /// A `frozenset`, in the order of its table
    FrozenSet(Vec<R>),
    /// `Ellipsis`
    Ellipsis,
    /// A code object
    Code {
        /// `co_name`
        name: &'a [u8],
        /// `co_filename`
        file: &'a [u8],
        /// `co_firstlineno`
        line: i32,
        /// Where the object stands in memory
        address: usize,
    },
    /// `NotImplemented`
    NotImplemented,
    /// A `bytearray`
    ByteArray(&'a [u8]),
    /// A `slice`: start, stop, step
    Slice([R; 3]),
    /// An `xrange`: start, step, length
    XRange(i64, i64, i64),
    /// A function of C code that is bound to nothing, by its name
    BuiltinFunction(&'a [u8]),
    /// A type whose own type is `type`
    Type {
        /// Its name, the module's before it
        name: Vec<u8>,
        /// Whether a class statement made it
        is_class: bool,
    },
    /// A class of the old style
    OldClass {
        /// Its name, the module's before it
        name: Vec<u8>,
        /// Where the object stands in memory
        address: usize,
    },
    /// Any other object. Its own `__str__` may be Python code and is not asked: it is written as
    /// `object.__repr__` does.
    Other {
        /// The name of its type, the module's before it
        type_name: Vec<u8>,
        /// Where the object stands in memory
        address: usize,
    },
}

/// Looks at objects. A reference must tell objects apart, so that a cycle is seen.
pub trait Heap {
    /// A reference to an object.
    type Ref: Copy + Eq + std::hash::Hash;

    /// Describes one object; those inside it stay references.
    fn look(&self, object: Self::Ref) -> Value<'_, Self::Ref>;
}

/// No text of a constant grows beyond this many bytes: tuples that share their items can
/// describe more text than there is memory. What is cut ends in `...`.
pub const LONGEST: usize = if cfg!(test) { 1 << 20 } else { 64 << 20 };

/// Appends what `str()` gives for `object`, a `unicode` in UTF-8.
///
/// Returns whether the text is final: not so where something in it can change (a list, a dict,
/// a set), and must be rendered again the next time.
pub fn str<H: Heap>(heap: &H, object: H::Ref, out: &mut Vec<u8>) -> bool {
    match heap.look(object) {
        Value::Str(bytes) => out.extend_from_slice(bytes),
        Value::Unicode(units) => quoted::utf8(&units, out),
        Value::Float(value) => number::float_str(value, out),
        Value::Complex(real, imaginary) => number::complex_str(real, imaginary, out),
        Value::Long(value) => value.write(out),
        Value::OldClass { name, .. } => out.extend_from_slice(&name),
        Value::ByteArray(bytes) => {
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
    let list = |items: Vec<H::Ref>| items.into_iter().map(|item| (item, ", ")).collect::<Vec<_>>();
    let (opening, items, close) = match heap.look(object) {
        Value::Tuple(items) => {
            // tuplerepr: a tuple of one has a comma.
            let close = if items.len() == 1 { ",)" } else { ")" };
            ("(", list(items), close)
        }
        Value::List(items) => ("[", list(items), "]"),
        // set_repr writes a list between the parentheses, an empty one too.
        Value::Set(items) => ("set([", list(items), "])"),
        Value::FrozenSet(items) => ("frozenset([", list(items), "])"),
        Value::Dict(pairs) => {
            let items = pairs.into_iter().flat_map(|(key, value)| [(key, ", "), (value, ": ")]);
            ("{", items.collect(), "}")
        }
        Value::Slice(items) => ("slice(", list(items.into()), ")"),
        value => {
            *is_final &= !matches!(value, Value::ByteArray(_));
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

fn leaf<R>(value: Value<R>, out: &mut Vec<u8>) {
    let text = match value {
        Value::None => "None".into(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::Ellipsis => "Ellipsis".into(),
        Value::Int(value) => value.to_string(),
        Value::Long(value) => {
            value.write(out);
            "L".into()
        }
        Value::Float(value) => return number::float_repr(value, out),
        Value::Complex(real, imaginary) => return number::complex_repr(real, imaginary, out),
        Value::Str(bytes) => return quoted::str_repr(bytes, out),
        Value::Unicode(units) => return quoted::unicode_repr(&units, out),
        Value::Code { name, file, line, address } => {
            // code_repr: "%.100s" and "%.300s"; a file of line 0 is unknown, shown as -1.
            out.extend_from_slice(b"<code object ");
            out.extend_from_slice(c_string(name, 100));
            out.extend_from_slice(format!(" at {address:#x}, file \"").as_bytes());
            out.extend_from_slice(c_string(file, 300));
            format!("\", line {}>", if line == 0 { -1 } else { line })
        }
        Value::NotImplemented => "NotImplemented".into(),
        Value::ByteArray(bytes) => {
            out.extend_from_slice(b"bytearray(b");
            quoted::str_repr(bytes, out);
            ")".into()
        }
        // range_repr
        Value::XRange(start, step, length) => {
            let stop = start.wrapping_add(length.wrapping_mul(step));
            match (start, step) {
                (0, 1) => format!("xrange({stop})"),
                (_, 1) => format!("xrange({start}, {stop})"),
                _ => format!("xrange({start}, {stop}, {step})"),
            }
        }
        Value::BuiltinFunction(name) => {
            out.extend_from_slice(b"<built-in function ");
            out.extend_from_slice(name);
            ">".into()
        }
        Value::Type { name, is_class } => {
            out.extend_from_slice(if is_class { b"<class '" } else { b"<type '" });
            out.extend_from_slice(&name);
            "'>".into()
        }
        Value::OldClass { name, address } => {
            out.extend_from_slice(b"<class ");
            out.extend_from_slice(&name);
            format!(" at {address:#x}>")
        }
        Value::Other { type_name, address } => {
            out.push(b'<');
            out.extend_from_slice(&type_name);
            format!(" object at {address:#x}>")
        }
        Value::Tuple(_)
        | Value::List(_)
        | Value::Dict(_)
        | Value::Set(_)
        | Value::FrozenSet(_)
        | Value::Slice(_) => return,
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
