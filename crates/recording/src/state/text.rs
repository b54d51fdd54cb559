//! The text of a value: what `repr()` gives, made of what the recording holds.
//!
//! Bounded as the recording is: containers deeper than that, members beyond it and what is longer
//! become `...`. Objects whose `repr()` may be Python code are written as `object.__repr__` does.

use bytecode::render::{number, quoted};
use wire::value::{Content, Kind, Part};

use super::{Objects, Value};

/// How much of a value is recorded and shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of its text.
    pub size: usize,
    /// Containers inside each other.
    pub depth: usize,
    /// Members of each container.
    pub items: usize,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { size: 256, depth: 4, items: 32 }
    }
}

impl Bounds {
    /// Appends the text of a value.
    pub fn write(&self, objects: &Objects, value: Value, out: &mut Vec<u8>) {
        let start = out.len();
        let mut text =
            Text { objects, bounds: self, end: start + self.size, inside: Vec::new(), out };
        text.value(value, self.depth);
        if out.len() > start + self.size {
            out.truncate(start + self.size);
            out.extend_from_slice(b"...");
        }
    }
}

struct Text<'a> {
    objects: &'a Objects,
    bounds: &'a Bounds,
    /// What is written beyond it is not shown.
    end: usize,
    /// The containers that are being written.
    inside: Vec<u64>,
    out: &'a mut Vec<u8>,
}

impl Text<'_> {
    fn put(&mut self, text: impl AsRef<[u8]>) {
        self.out.extend_from_slice(text.as_ref());
    }

    fn value(&mut self, value: Value, depth: usize) {
        match value {
            Value::Nothing => self.put("<unbound>"),
            Value::Unknown => self.put("<unknown>"),
            Value::None => self.put("None"),
            Value::Bool(true) => self.put("True"),
            Value::Bool(false) => self.put("False"),
            Value::Ellipsis => self.put("Ellipsis"),
            Value::NotImplemented => self.put("NotImplemented"),
            Value::Int(value) => self.put(value.to_string()),
            Value::Float(value) => number::float_repr(value, self.out),
            Value::LeftOut(kind, _) => self.put(left_out(kind)),
            Value::Cell(address) => self.put(format!("<cell object at {address:#x}>")),
            Value::Object(id) => {
                let (address, content) = self.objects.get(id);
                self.object(address, content, depth);
            }
        }
    }

    fn object(&mut self, address: u64, content: &Content<Value>, depth: usize) {
        let kind = match content {
            Content::Tuple(_) => Kind::Tuple,
            Content::List(_) => Kind::List,
            Content::Set(_) => Kind::Set,
            Content::FrozenSet(_) => Kind::FrozenSet,
            Content::Dict(_) => Kind::Dict,
            Content::Slice(_) => Kind::Slice,
            Content::Exception(..) => Kind::Exception,
            Content::Method(_) => Kind::Method,
            leaf => return self.leaf(address, leaf),
        };
        if depth == 0 || self.inside.contains(&address) {
            return self.put(left_out(kind));
        }
        self.inside.push(address);
        let depth = depth - 1;
        match content {
            Content::Tuple(items) => {
                let close = if items.length == 1 { ",)" } else { ")" };
                self.items("(", items, close, depth);
            }
            Content::List(items) => self.items("[", items, "]", depth),
            Content::Set(items) => self.items("set([", items, "])", depth),
            Content::FrozenSet(items) => self.items("frozenset([", items, "])", depth),
            Content::Dict(items) => self.dict(items, depth),
            Content::Slice(parts) => {
                let start = parts.to_vec();
                self.items("slice(", &Part { length: 3, start }, ")", depth);
            }
            Content::Exception(of, arguments) => {
                let name = self.name_of(*of);
                self.put(last(&name));
                self.value(*arguments, depth);
            }
            Content::Method([function, class, of]) => {
                let (function, class) = (self.name_of(*function), self.name_of(*class));
                let is_bound = !matches!(of, Value::Nothing);
                self.put(if is_bound { "<bound method " } else { "<unbound method " });
                self.put(last(&class));
                self.put(".");
                self.put(function);
                if is_bound {
                    self.put(" of ");
                    self.value(*of, depth);
                }
                self.put(">");
            }
            _ => {}
        }
        self.inside.pop();
    }

    fn items(&mut self, open: &str, items: &Part<Value>, close: &str, depth: usize) {
        self.put(open);
        for (index, &item) in items.start.iter().enumerate() {
            if index > 0 {
                self.put(", ");
            }
            if index == self.bounds.items {
                break;
            }
            self.value(item, depth);
            if self.out.len() > self.end {
                return;
            }
        }
        self.more(items.length, items.start.len());
        self.put(close);
    }

    fn dict(&mut self, items: &Part<(Value, Value)>, depth: usize) {
        self.put("{");
        for (index, &(key, value)) in items.start.iter().enumerate() {
            if index > 0 {
                self.put(", ");
            }
            if index == self.bounds.items {
                break;
            }
            self.value(key, depth);
            self.put(": ");
            self.value(value, depth);
            if self.out.len() > self.end {
                return;
            }
        }
        self.more(items.length, items.start.len());
        self.put("}");
    }

    /// Says that a container has more members than were recorded or are shown.
    fn more(&mut self, length: u64, recorded: usize) {
        if recorded > self.bounds.items {
            self.put("...");
        } else if length > recorded as u64 {
            self.put(if recorded == 0 { "..." } else { ", ..." });
        }
    }

    fn leaf(&mut self, address: u64, content: &Content<Value>) {
        let at = format!(" at {address:#x}>");
        match content {
            Content::Str(text) => quoted::str_repr(&text.start, self.out),
            Content::Unicode(text) => quoted::units_repr(&text.start, self.out),
            Content::Long(value, bits) => {
                if value.digits.is_empty() && *bits > 0 {
                    self.put(format!("<long of {bits} bits>"));
                } else {
                    number::long(value, self.out);
                    self.put("L");
                }
            }
            Content::Complex(real, imaginary) => {
                number::complex_repr(*real, *imaginary, self.out);
            }
            Content::ByteArray(text) => {
                self.put("bytearray(b");
                quoted::str_repr(&text.start, self.out);
                self.put(")");
            }
            Content::XRange([start, step, length]) => {
                let stop = start.wrapping_add(length.wrapping_mul(*step));
                self.put(match (start, step) {
                    (0, 1) => format!("xrange({stop})"),
                    (_, 1) => format!("xrange({start}, {stop})"),
                    _ => format!("xrange({start}, {stop}, {step})"),
                });
            }
            Content::Builtin(name, None) => {
                self.put("<built-in function ");
                self.put(name);
                self.put(">");
            }
            Content::Builtin(name, Some((of, type_name))) => {
                self.put("<built-in method ");
                self.put(name);
                self.bound(type_name, *of);
            }
            Content::Wrapper(name, of, type_name) => {
                self.put("<method-wrapper '");
                self.put(name);
                self.put("'");
                self.bound(type_name, *of);
            }
            Content::Type(is_class, name) => {
                self.put(if *is_class { "<class '" } else { "<type '" });
                self.put(name);
                self.put("'>");
            }
            Content::OldClass(name) => self.named("<class ", name, &at),
            Content::Instance(class) => {
                let name = self.name_of(*class);
                self.named("<", &name, " instance");
                self.put(at);
            }
            Content::Function(name) => self.named("<function ", name, &at),
            Content::Generator(name) => self.named("<generator object ", name, &at),
            Content::Module(name, file) => {
                self.named("<module '", name, "' ");
                match file {
                    Some(file) => self.named("from '", file, "'>"),
                    None => self.put("(built-in)>"),
                }
            }
            Content::File { is_closed, name, mode } => {
                self.put(if *is_closed { "<closed file " } else { "<open file " });
                self.value(*name, 0);
                self.named(", mode '", mode, "'");
                self.put(at);
            }
            Content::Code(name, file, line) => {
                // code_repr: "%.100s" and "%.300s"; a file of line 0 is unknown, shown as -1.
                self.named("<code object ", c_string(name, 100), "");
                let line = if *line == 0 { -1 } else { *line as i32 };
                self.put(format!(" at {address:#x}, file \""));
                self.put(c_string(file, 300));
                self.put(format!("\", line {line}>"));
            }
            Content::Descriptor(sort, name, of) => {
                let sort = ["method", "slot wrapper", "member", "attribute"]
                    .get(usize::from(*sort))
                    .copied()
                    .unwrap_or("descriptor");
                self.put(format!("<{sort} '"));
                self.named("", name, "' of '");
                self.named("", of, "' objects>");
            }
            Content::Other(of) | Content::Meta(_, of) => {
                let name = self.name_of(*of);
                self.named("<", &name, " object");
                self.put(at);
            }
            _ => {}
        }
    }

    fn named(&mut self, before: &str, name: &[u8], after: &str) {
        self.put(before);
        // These functions print with `%s`.
        self.put(c_string(name, usize::MAX));
        self.put(after);
    }

    fn bound(&mut self, type_name: &[u8], address: u64) {
        self.named(" of ", type_name, " object");
        self.put(format!(" at {address:#x}>"));
    }

    /// The name of a type, a class or a function.
    fn name_of(&self, value: Value) -> Vec<u8> {
        let content = match value {
            Value::Object(id) => Some(self.objects.get(id).1),
            _ => None,
        };
        match content {
            Some(
                Content::Type(_, name)
                | Content::Meta(name, _)
                | Content::OldClass(name)
                | Content::Function(name)
                | Content::Builtin(name, _),
            ) => name.clone(),
            _ => b"?".to_vec(),
        }
    }
}

/// What `%.Ns` of C prints.
fn c_string(bytes: &[u8], most: usize) -> &[u8] {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    &bytes[..end.min(most)]
}

/// A name without the module's.
fn last(name: &[u8]) -> &[u8] {
    name.rsplit(|&byte| byte == b'.').next().unwrap_or(name)
}

/// What stands for an object whose content is not shown.
fn left_out(kind: Kind) -> &'static str {
    match kind {
        Kind::Tuple => "(...)",
        Kind::List => "[...]",
        Kind::Dict => "{...}",
        Kind::Set => "set(...)",
        Kind::FrozenSet => "frozenset(...)",
        Kind::Slice => "slice(...)",
        _ => "<...>",
    }
}
