//! A marshalled constant, and how it reads.

use std::fmt::Write;
use std::rc::Rc;

use super::Code;

/// A text of a constant is cut here, in bytes: references make small files describe large ones.
const LONGEST: usize = 200;
/// A `long` of more digits (of 15 bits) is shown by its size.
const LONG_DIGITS: usize = 64;

/// A constant of a code object.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `None`
    None,
    /// `True`, `False`
    Bool(bool),
    /// `StopIteration`, which marshal can write
    StopIteration,
    /// `Ellipsis`
    Ellipsis,
    /// An `int`
    Int(i64),
    /// A `long`: digits of 15 bits, the lowest first
    Long {
        /// Whether it is below zero
        negative: bool,
        /// The digits of its absolute value
        digits: Rc<[u16]>,
    },
    /// A `float`
    Float(f64),
    /// A `complex`: real and imaginary part
    Complex(f64, f64),
    /// A `str`
    Str(Rc<[u8]>),
    /// A `str` that the interpreter interns
    Interned(Rc<[u8]>),
    /// A `unicode`, in UTF-8 (lone surrogates too, as marshal writes them)
    Unicode(Rc<[u8]>),
    /// A `tuple`
    Tuple(Vec<Value>),
    /// A `list`
    List(Vec<Value>),
    /// A `set`
    Set(Vec<Value>),
    /// A `frozenset`
    FrozenSet(Vec<Value>),
    /// A `dict`: keys and values by turns
    Dict(Vec<Value>),
    /// A code object, by its index
    Code(usize),
    /// An object that marshal has no type for; a recording says so, a `.pyc` never does
    Unknown,
}

impl Value {
    /// Whether it is, or holds, one that marshal has no type for; code objects have constants of
    /// their own.
    pub fn holds_unknown(&self) -> bool {
        match self {
            Value::Unknown => true,
            Value::Tuple(items)
            | Value::List(items)
            | Value::Set(items)
            | Value::FrozenSet(items)
            | Value::Dict(items) => items.iter().any(Value::holds_unknown),
            _ => false,
        }
    }

    /// Appends the indices of the code objects in it, in their order.
    pub fn codes(&self, out: &mut Vec<usize>) {
        match self {
            Value::Code(index) => out.push(*index),
            Value::Tuple(items)
            | Value::List(items)
            | Value::Set(items)
            | Value::FrozenSet(items)
            | Value::Dict(items) => items.iter().for_each(|item| item.codes(out)),
            _ => {}
        }
    }

    /// One line in the manner of `repr()`, cut where it grows long. Nesting is bounded where
    /// values are read.
    pub fn show(&self, codes: &[Code]) -> String {
        let mut out = String::new();
        self.write(codes, &mut out);
        if out.len() > LONGEST {
            let end = (0..=LONGEST).rev().find(|&end| out.is_char_boundary(end));
            out.truncate(end.unwrap_or(0));
            out.push_str("...");
        }
        out
    }

    fn write(&self, codes: &[Code], out: &mut String) {
        if out.len() > LONGEST {
            return;
        }
        match self {
            Value::None => out.push_str("None"),
            Value::Bool(true) => out.push_str("True"),
            Value::Bool(false) => out.push_str("False"),
            Value::StopIteration => out.push_str("StopIteration"),
            Value::Ellipsis => out.push_str("Ellipsis"),
            Value::Int(value) => text(out, format_args!("{value}")),
            Value::Long { negative, digits } => long(*negative, digits, out),
            Value::Float(value) => float(*value, out),
            Value::Complex(real, imaginary) => {
                text(out, format_args!("({real}{imaginary:+}j)"));
            }
            Value::Str(bytes) | Value::Interned(bytes) => quoted(bytes, out),
            Value::Unicode(bytes) => {
                out.push('u');
                match std::str::from_utf8(&bytes[..bytes.len().min(LONGEST)]) {
                    Ok(chars) => unicode(chars, out),
                    Err(_) => quoted(bytes, out),
                }
            }
            Value::Tuple(items) => {
                let close = if items.len() == 1 { ",)" } else { ")" };
                sequence("(", items, close, codes, out);
            }
            Value::List(items) => sequence("[", items, "]", codes, out),
            Value::Set(items) => sequence("set([", items, "])", codes, out),
            Value::FrozenSet(items) => sequence("frozenset([", items, "])", codes, out),
            Value::Dict(items) => {
                out.push('{');
                for (index, pair) in items.chunks(2).enumerate().take(LONGEST) {
                    out.push_str(if index == 0 { "" } else { ", " });
                    sequence("", &pair[..1], ": ", codes, out);
                    sequence("", &pair[1..], "", codes, out);
                }
                out.push('}');
            }
            Value::Code(index) => match codes.get(*index) {
                Some(code) => {
                    let name = code.name[..code.name.len().min(LONGEST)].escape_ascii();
                    text(out, format_args!("<code object {name}, line {}>", code.first_line));
                }
                None => out.push_str("<code object>"),
            },
            Value::Unknown => out.push_str("<unknown>"),
        }
    }
}

fn sequence(open: &str, items: &[Value], close: &str, codes: &[Code], out: &mut String) {
    out.push_str(open);
    for (index, item) in items.iter().enumerate().take(LONGEST) {
        out.push_str(if index == 0 { "" } else { ", " });
        item.write(codes, out);
    }
    out.push_str(close);
}

fn text(out: &mut String, arguments: std::fmt::Arguments) {
    out.write_fmt(arguments).expect("writing to memory does not fail");
}

/// A `str` as `repr()` quotes it, except that a quote is always escaped.
fn quoted(bytes: &[u8], out: &mut String) {
    text(out, format_args!("'{}'", bytes[..bytes.len().min(LONGEST)].escape_ascii()));
}

fn unicode(chars: &str, out: &mut String) {
    out.push('\'');
    for char in chars.chars() {
        match char {
            '\'' | '\\' => text(out, format_args!("\\{char}")),
            ' '..='~' => out.push(char),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            _ if u32::from(char) < 0x100 => text(out, format_args!("\\x{:02x}", u32::from(char))),
            _ if u32::from(char) < 0x1_0000 => {
                text(out, format_args!("\\u{:04x}", u32::from(char)))
            }
            _ => text(out, format_args!("\\U{:08x}", u32::from(char))),
        }
    }
    out.push('\'');
}

/// `float_repr`: the shortest digits, an exponent below -4 and from 16 on.
fn float(value: f64, out: &mut String) {
    let plain = value == 0.0 || (1e-4..1e16).contains(&value.abs());
    if value.is_nan() {
        out.push_str("nan");
    } else if plain && value.fract() == 0.0 {
        text(out, format_args!("{value:.1}"));
    } else if plain || value.is_infinite() {
        text(out, format_args!("{value}"));
    } else {
        let shown = format!("{value:e}");
        let (digits, exponent) = shown.split_once('e').unwrap_or((&shown, "0"));
        let (sign, exponent) = match exponent.strip_prefix('-') {
            Some(exponent) => ('-', exponent),
            None => ('+', exponent),
        };
        text(out, format_args!("{digits}e{sign}{exponent:0>2}"));
    }
}

fn long(negative: bool, digits: &[u16], out: &mut String) {
    if digits.len() > LONG_DIGITS {
        text(out, format_args!("<long of {} bits>", digits.len() * 15));
        return;
    }
    // Parts of nine decimal digits, the lowest first.
    const PART: u64 = 1_000_000_000;
    let mut parts: Vec<u64> = vec![0];
    for &digit in digits.iter().rev() {
        let mut carry = u64::from(digit);
        for part in &mut parts {
            let value = (*part << 15) + carry;
            *part = value % PART;
            carry = value / PART;
        }
        if carry > 0 {
            parts.push(carry);
        }
    }
    out.push_str(if negative { "-" } else { "" });
    for (index, part) in parts.iter().rev().enumerate() {
        match index {
            0 => text(out, format_args!("{part}")),
            _ => text(out, format_args!("{part:09}")),
        }
    }
    out.push('L');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_read_as_repr_has_them() {
        let str = |text: &str| Value::Str(text.as_bytes().into());
        let long = |digits: &[u16]| Value::Long { negative: false, digits: digits.into() };
        for (value, wanted) in [
            (Value::Float(1.0), "1.0"),
            (Value::Float(-0.0), "-0.0"),
            (Value::Float(0.1), "0.1"),
            (Value::Float(1e16), "1e+16"),
            (Value::Float(1.5e-7), "1.5e-07"),
            (Value::Float(f64::NEG_INFINITY), "-inf"),
            (Value::Complex(0.0, -2.0), "(0-2j)"),
            (str("a'\n\u{1}"), "'a\\'\\n\\x01'"),
            (Value::Unicode("ü€😀".as_bytes().into()), "u'\\xfc\\u20ac\\U0001f600'"),
            (Value::Tuple(vec![Value::None]), "(None,)"),
            (Value::Tuple(vec![]), "()"),
            (Value::FrozenSet(vec![Value::Bool(true), str("k")]), "frozenset([True, 'k'])"),
            (Value::Dict(vec![Value::Int(1), str("v")]), "{1: 'v'}"),
            (long(&[0, 0, 0, 0, 16]), "18446744073709551616L"),
            (long(&[]), "0L"),
            (long(&[1; 65]), "<long of 975 bits>"),
        ] {
            assert_eq!(value.show(&[]), wanted);
        }
    }

    #[test]
    fn what_references_make_large_is_cut() {
        let string = Value::Str(vec![b'x'; 1 << 20].into());
        let mut value = string;
        for _ in 0..20 {
            value = Value::Tuple(vec![value.clone(), value]);
        }
        assert!(value.show(&[]).len() < 2 * LONGEST);
    }
}
