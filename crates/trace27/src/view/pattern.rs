//! What `find` looks for, and whether a value is one of those.
//!
//! The recording decides, no code runs: a number equals a number as in Python, text equals text
//! whether it is a `str`, a `unicode` or a `bytearray`.

use std::cmp::Ordering;
use std::str::FromStr;

use bytecode::heap::Long;
use recording::state::{Bounds, Machine, Value};
use regex::bytes::Regex;
use wire::value::{Content, Part};

/// What `--help` says of it.
pub const HELP: &str = "\
What to look for:
  42  -1.5  0xff     an int, a long or a float that is equal
  10..20             one in a range, both ends included; `10..` and `..20` have one end
  'text'  \"text\"     a str, a unicode or a bytearray that is equal; with `\\n`, `\\t`, `\\xff`, `\\\\`, `\\'`
  ~'text'            one that contains it; `contains 'text'` is the same
  /REGEX/            any value whose text, as `state` prints it, matches
  None, True, False";

/// What is looked for.
#[derive(Clone, Debug)]
pub enum Pattern {
    /// `None`
    None,
    /// `True` or `False`
    Bool(bool),
    /// A number in a range, with both ends.
    Range(Number, Number),
    /// Equal text.
    Text(Text),
    /// Text that contains this.
    Contains(Text),
    /// The text of any value matches.
    Regex(Regex),
}

/// A number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// Of an `int` or a `long`
    Int(i128),
    /// Of a `float`; infinite for a `long` that is larger than any other number here
    Float(f64),
}

/// A text as each type has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    bytes: Vec<u8>,
    units: Vec<u32>,
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Pattern, String> {
        let text = text.trim();
        let fail = || {
            format!(
                "`{text}` is nothing to look for; give a number, `10..20`, `'text'`, `~'text'`, \
                 `/REGEX/`, None, True or False, in quotes for the shell"
            )
        };
        if let Some(inner) = text.strip_prefix('/') {
            let inner = inner.strip_suffix('/').ok_or_else(fail)?;
            return Regex::new(inner).map(Pattern::Regex).map_err(|error| error.to_string());
        }
        if let Some(part) = text.strip_prefix('~').or_else(|| text.strip_prefix("contains ")) {
            return Text::quoted(part.trim_start()).map(Pattern::Contains).ok_or_else(fail);
        }
        if let Some(text) = Text::quoted(text) {
            return Ok(Pattern::Text(text));
        }
        if let Some((low, high)) = text.split_once("..") {
            let infinite = Number::Float(f64::INFINITY);
            let end = |text: &str, open: Number| match text.trim() {
                "" => Some(open),
                text => Number::parse(text),
            };
            let low = end(low, Number::Float(f64::NEG_INFINITY)).ok_or_else(fail)?;
            let high = end(high, infinite).ok_or_else(fail)?;
            return match low.compare(high) {
                Some(Ordering::Less | Ordering::Equal) if text != ".." => {
                    Ok(Pattern::Range(low, high))
                }
                _ => Err(format!("`{text}` is a range of no number")),
            };
        }
        match text {
            "None" => Ok(Pattern::None),
            "True" => Ok(Pattern::Bool(true)),
            "False" => Ok(Pattern::Bool(false)),
            _ => {
                let number = Number::parse(text).ok_or_else(fail)?;
                Ok(Pattern::Range(number, number))
            }
        }
    }
}

impl Pattern {
    /// Whether a value is one of those that are looked for.
    pub fn matches(&self, machine: &Machine, bounds: &Bounds, value: Value) -> bool {
        let content = match value {
            Value::Object(id) => Some(machine.objects.get(id).1),
            _ => None,
        };
        match self {
            Pattern::None => value == Value::None,
            Pattern::Bool(truth) => value == Value::Bool(*truth),
            Pattern::Range(low, high) => {
                let Some(number) = Number::of(value, content) else { return false };
                let is_from = |order| matches!(order, Some(Ordering::Less | Ordering::Equal));
                is_from(low.compare(number)) && is_from(number.compare(*high))
            }
            Pattern::Text(text) => match content {
                Some(Content::Str(part) | Content::ByteArray(part)) => equals(part, &text.bytes),
                Some(Content::Unicode(part)) => equals(part, &text.units),
                _ => false,
            },
            Pattern::Contains(text) => match content {
                Some(Content::Str(part) | Content::ByteArray(part)) => {
                    contains(&part.start, &text.bytes)
                }
                Some(Content::Unicode(part)) => contains(&part.start, &text.units),
                _ => false,
            },
            Pattern::Regex(regex) => {
                let mut text = Vec::new();
                bounds.write(&machine.objects, value, &mut text);
                regex.is_match(&text)
            }
        }
    }
}

fn equals<T: PartialEq>(part: &Part<T>, text: &[T]) -> bool {
    part.length == text.len() as u64 && part.start == text
}

fn contains<T: PartialEq>(text: &[T], part: &[T]) -> bool {
    part.is_empty() || text.windows(part.len()).any(|window| window == part)
}

impl Number {
    fn parse(text: &str) -> Option<Number> {
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => (-1, digits),
            None => (1, text),
        };
        if !digits.starts_with(|char: char| char.is_ascii_digit() || char == '.') {
            return None;
        }
        let hexadecimal = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
        if let Some(digits) = hexadecimal {
            let is_plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            let number = i128::from_str_radix(digits, 16).ok().filter(|_| is_plain)?;
            return Some(Number::Int(sign * number));
        }
        if digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return digits.parse().ok().map(|number: i128| Number::Int(sign * number));
        }
        text.parse().ok().map(Number::Float)
    }

    fn of(value: Value, content: Option<&Content<Value>>) -> Option<Number> {
        match (value, content) {
            (Value::Int(number), _) => Some(Number::Int(number.into())),
            (Value::Float(number), _) => Some(Number::Float(number)),
            (_, Some(Content::Long(long, bits))) => Some(Number::of_long(long, *bits)),
            _ => None,
        }
    }

    fn of_long(long: &Long, bits: u64) -> Number {
        let sign = if long.negative { -1 } else { 1 };
        if long.digits.len() > 8 || (long.digits.is_empty() && bits > 0) {
            return Number::Float(f64::INFINITY * f64::from(sign));
        }
        let digits = long.digits.iter().rev();
        let absolute = digits.fold(0i128, |sum, &digit| sum << 15 | i128::from(digit & 0x7fff));
        Number::Int(absolute * i128::from(sign))
    }

    /// As Python compares, without rounding; `None` where one is no number.
    fn compare(self, other: Number) -> Option<Ordering> {
        match (self, other) {
            (Number::Int(one), Number::Int(other)) => Some(one.cmp(&other)),
            (Number::Float(one), Number::Float(other)) => one.partial_cmp(&other),
            (Number::Int(one), Number::Float(other)) => {
                if other.is_nan() {
                    return None;
                }
                // 2**127, which every `i128` is below.
                const LIMIT: f64 = 170_141_183_460_469_231_731_687_303_715_884_105_728.0;
                if !(-LIMIT..LIMIT).contains(&other) {
                    return 0.0.partial_cmp(&other);
                }
                let floor = other.floor();
                let rest = if other > floor { Ordering::Less } else { Ordering::Equal };
                Some(one.cmp(&(floor as i128)).then(rest))
            }
            (Number::Float(_), Number::Int(_)) => other.compare(self).map(Ordering::reverse),
        }
    }
}

impl Text {
    /// A literal of Python, in quotes; `None` if it is none.
    fn quoted(text: &str) -> Option<Text> {
        let text = text.strip_prefix(['u', 'b']).unwrap_or(text);
        let quote = text.chars().next().filter(|&char| matches!(char, '\'' | '"'))?;
        let mut chars = text[1..].strip_suffix(quote)?.chars();
        let mut found = Text { bytes: Vec::new(), units: Vec::new() };
        while let Some(char) = chars.next() {
            if char == quote {
                return None;
            }
            if char != '\\' {
                found.push(char);
                continue;
            }
            match chars.next()? {
                'n' => found.push('\n'),
                't' => found.push('\t'),
                'r' => found.push('\r'),
                '0' => found.push('\0'),
                char @ ('\\' | '\'' | '"') => found.push(char),
                'x' => {
                    let byte = chars.next()?.to_digit(16)? * 16 + chars.next()?.to_digit(16)?;
                    found.bytes.push(byte as u8);
                    found.units.push(byte);
                }
                // As Python has it.
                char => {
                    found.push('\\');
                    found.push(char);
                }
            }
        }
        Some(found)
    }

    /// The interpreter has UTF-16 in a `unicode`.
    fn push(&mut self, char: char) {
        self.bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
        self.units.extend(char.encode_utf16(&mut [0; 2]).iter().map(|&unit| u32::from(unit)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, value: Value) -> bool {
        let pattern: Pattern = pattern.parse().unwrap();
        pattern.matches(&Machine::new(32), &Bounds::default(), value)
    }

    #[test]
    fn numbers_are_equal_or_in_a_range() {
        let (int, float) = (Value::Int, Value::Float);
        for (pattern, value, wanted) in [
            ("42", int(42), true),
            ("42", int(43), false),
            ("42", float(42.0), true),
            ("42", float(42.5), false),
            ("0x2a", int(42), true),
            ("-1.5", float(-1.5), true),
            ("1e3", int(1000), true),
            ("10..20", int(10), true),
            ("10..20", float(20.0), true),
            ("10..20", float(20.1), false),
            ("10 .. 20", int(9), false),
            ("-5..-1", int(-3), true),
            ("10..", int(i64::MAX), true),
            ("..10", int(i64::MIN), true),
            ("0.5..1.5", int(1), true),
            ("..5", float(f64::NAN), false),
            // 2**53 + 1 is no float.
            ("9007199254740993", float(9_007_199_254_740_992.0), false),
            ("1", Value::Bool(true), false),
            ("True", Value::Bool(true), true),
            ("None", Value::None, true),
            ("None", Value::Bool(false), false),
            ("/^4.$/", int(42), true),
            ("/^4.$/", int(4), false),
        ] {
            assert_eq!(matches(pattern, value), wanted, "{pattern} {value:?}");
        }
    }

    #[test]
    fn a_long_is_what_its_digits_say() {
        let long = |negative, digits: &[u16]| Long { negative, digits: digits.to_vec() };
        assert_eq!(Number::of_long(&long(true, &[1, 1]), 16), Number::Int(-32769));
        assert_eq!(Number::of_long(&long(false, &[]), 0), Number::Int(0));
        let large = Number::of_long(&long(false, &[1; 9]), 121);
        assert_eq!(large.compare(Number::Int(i128::MAX)), Some(Ordering::Greater));
    }

    #[test]
    fn text_is_read_as_python_reads_it() {
        let text = |pattern: &str| Text::quoted(pattern).map(|text| text.bytes);
        for (pattern, wanted) in [
            ("'a'", Some(&b"a"[..])),
            ("u\"a'b\"", Some(b"a'b")),
            (r"'a\n\x00\'\d'", Some(b"a\n\0'\\d")),
            ("''", Some(b"")),
            ("'", None),
            ("'a'b'", None),
            (r"'a\'", None),
            (r"'\x4'", None),
            ("a", None),
        ] {
            assert_eq!(text(pattern).as_deref(), wanted, "{pattern}");
        }
        assert_eq!(Text::quoted("'ä'").unwrap().units, [0xe4]);
        assert!(contains(b"a FLAG{1}", b"FLAG{") && !contains(b"FLA", b"FLAG{"));
        assert!(contains(b"", b""));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in
            ["", "x", "~x", "'", "/(/", "/a", "2..1", "..", "1..x", "0x", "--1", "nan", "+1"]
        {
            let error = text.parse::<Pattern>().unwrap_err();
            assert!(!error.is_empty(), "{text}");
        }
    }
}
