//! One line of a py27-trace: which keys it has, and what they may hold.

use std::ops::Range;

use crate::formats::json::{self, Text, Value};
use crate::step::About;
use bytecode::opcode;

/// The only version that there is.
pub(super) const VERSION: i64 = 1;

/// A line, by its kind.
pub(super) enum Line<'a> {
    Header(About),
    Code(CodeRecord<'a>),
    Step(StepLine),
    Summary { steps: Option<u64>, exit: Option<i32> },
}

/// What a code record says.
pub(super) struct CodeRecord<'a> {
    pub number: u32,
    pub name: Option<Text<'a>>,
    pub file: Option<Text<'a>>,
    pub first_line: Option<u32>,
    pub sha256: Option<[u8; 32]>,
}

/// What a step says. Ranges are in its line.
pub(super) struct StepLine {
    pub n: Option<u64>,
    pub depth: Option<u32>,
    pub code: Option<u32>,
    pub pc: u32,
    pub opcode: u8,
    pub operand: Option<i32>,
    /// And whether it has escapes.
    pub meaning: Option<(Range<usize>, bool)>,
    pub stack: Option<Range<usize>>,
    pub blocks: Option<Range<usize>>,
    pub locals: Option<Range<usize>>,
    pub cells: Option<Range<usize>>,
}

/// Declares the keys, in the order in which they are written.
macro_rules! keys {
    ($($field:ident $key:literal $bytes:literal,)*) => {
        /// The values of the keys that we know; others are passed over.
        #[derive(Default)]
        struct Known<'a> {
            $($field: Option<Value<'a>>,)*
        }

        impl<'a> Known<'a> {
            #[inline]
            fn slot(&mut self, key: &[u8]) -> Option<(&'static str, &mut Option<Value<'a>>)> {
                // A match, not comparisons: it looks at the length once.
                match key {
                    $($bytes => Some(($key, &mut self.$field)),)*
                    _ => None,
                }
            }
        }
    };
}

keys! {
    n "n" b"n",
    d "d" b"d",
    c "c" b"c",
    pc "pc" b"pc",
    op "op" b"op",
    op_name "opName" b"opName",
    arg "arg" b"arg",
    arg_repr "argRepr" b"argRepr",
    stack "stack" b"stack",
    blocks "blocks" b"blocks",
    locals "locals" b"locals",
    cells "cells" b"cells",
    version "py27trace" b"py27trace",
    python "python" b"python",
    program "program" b"program",
    sha256 "sha256" b"sha256",
    code "code" b"code",
    name "name" b"name",
    file "file" b"file",
    first_line "firstLine" b"firstLine",
    steps "steps" b"steps",
    exit "exit" b"exit",
}

impl<'a> Line<'a> {
    /// Parses a line without its newline.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words.
    pub fn parse(line: &'a [u8]) -> Result<Line<'a>, String> {
        let mut known = Known::default();
        json::object(line, |key, value| {
            let Some((key, slot)) = known.slot(key) else { return Ok(()) };
            if value == Value::Null {
                return Err(format!("`{key}` is null; leave it out"));
            }
            if slot.replace(value).is_some() {
                return Err(format!("`{key}` is there twice"));
            }
            Ok(())
        })?;
        if known.pc.is_some() {
            return step(line, &known).map(Line::Step);
        }
        if known.version.is_some() {
            return header(&known).map(Line::Header);
        }
        if let Some(code) = known.code {
            return Ok(Line::Code(CodeRecord {
                number: integer("code", code)?,
                name: optional("name", known.name, text)?,
                file: optional("file", known.file, text)?,
                first_line: optional("firstLine", known.first_line, integer)?,
                sha256: optional("sha256", known.sha256, digest)?,
            }));
        }
        if known.steps.is_some() || known.exit.is_some() {
            let steps = optional("steps", known.steps, integer)?;
            return Ok(Line::Summary { steps, exit: optional("exit", known.exit, integer)? });
        }
        if known.op.is_some() || known.op_name.is_some() {
            return Err("a step needs `pc`".to_owned());
        }
        Err("this object is none of ours: a step has `pc`, a code record `code`, the header \
             `py27trace`, the summary `steps`"
            .to_owned())
    }
}

fn header(known: &Known<'_>) -> Result<About, String> {
    let version: Option<i64> = optional("py27trace", known.version, integer)?;
    if version != Some(VERSION) {
        return Err(format!("`py27trace` must be {VERSION}, the version that this trace27 reads"));
    }
    let python = optional("python", known.python, text)?;
    if python.is_some_and(|python| !python.raw.starts_with(b"2.7")) {
        return Err("`python` must be 2.7 or one of its releases".to_owned());
    }
    let program = optional("program", known.program, text)?.map(|text| {
        let mut program = Vec::new();
        json::unescape(text, &mut program);
        program
    });
    let sha256 = optional("sha256", known.sha256, digest)?;
    Ok(About { program, sha256, ..About::default() })
}

fn step(line: &[u8], known: &Known<'_>) -> Result<StepLine, String> {
    let opcode = match (known.op, known.op_name) {
        (None, None) => return Err("a step needs `op` or `opName`".to_owned()),
        (None, Some(name)) => opcode_of(name)?,
        (Some(op), None) => integer("op", op)?,
        (Some(op), Some(name)) => {
            let op: u8 = integer("op", op)?;
            // An opcode that 2.7 does not have has whatever name the emulator gives it.
            if let Some(wanted) = opcode::name(op)
                && text("opName", name)?.raw != wanted.as_bytes()
            {
                return Err(format!("`op` {op} is `{wanted}`, and `opName` says otherwise"));
            }
            op
        }
    };
    let operand = optional("arg", known.arg, integer)?;
    let meaning = optional("argRepr", known.arg_repr, text)?;
    if opcode < opcode::HAVE_ARGUMENT && (operand.is_some() || meaning.is_some()) {
        let name = opcode::name(opcode).unwrap_or("an opcode below 90");
        return Err(format!("{name} has no operand; leave `arg` and `argRepr` out"));
    }
    // A piece of the line, so that its address says where in the line it is.
    let range = |raw: &[u8]| {
        let start = raw.as_ptr() as usize - line.as_ptr() as usize;
        start..start + raw.len()
    };
    Ok(StepLine {
        n: optional("n", known.n, integer)?,
        depth: optional("d", known.d, integer)?,
        code: optional("c", known.c, integer)?,
        pc: known.pc.map_or(Ok(0), |value| integer("pc", value))?,
        opcode,
        operand,
        meaning: meaning.map(|text| (range(text.raw), text.escaped)),
        stack: optional("stack", known.stack, array)?.map(range),
        blocks: optional("blocks", known.blocks, array)?.map(range),
        locals: optional("locals", known.locals, array)?.map(range),
        cells: optional("cells", known.cells, array)?.map(range),
    })
}

/// The opcode of a name: one of 2.7's, or `<N>`, as `dis.opname` has for the others.
fn opcode_of(name: Value<'_>) -> Result<u8, String> {
    let name = text("opName", name)?.raw;
    let number = || -> Option<u8> {
        let digits = name.strip_prefix(b"<")?.strip_suffix(b">")?;
        let number = std::str::from_utf8(digits).ok()?.parse().ok()?;
        opcode::name(number).is_none().then_some(number)
    };
    opcode::by_bytes(name).or_else(number).ok_or_else(|| {
        let name = String::from_utf8_lossy(&name[..name.len().min(40)]);
        format!("`opName` `{name}` is no opcode of 2.7; give its number as `op`")
    })
}

fn optional<'a, T>(
    key: &'static str,
    value: Option<Value<'a>>,
    read: impl FnOnce(&'static str, Value<'a>) -> Result<T, String>,
) -> Result<Option<T>, String> {
    value.map(|value| read(key, value)).transpose()
}

/// An integer that is written as one, and fits.
#[inline]
fn integer<T: TryFrom<i64>>(key: &str, value: Value<'_>) -> Result<T, String> {
    let number = match value {
        Value::Number(raw) => decimal(raw),
        _ => None,
    };
    number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| {
        let range = match key {
            "op" => " from 0 to 255",
            "arg" | "exit" => " of 32 bits",
            "py27trace" => "",
            _ => ", not negative",
        };
        format!("`{key}` must be an integer{range}")
    })
}

/// The value of a number of the JSON grammar; `None` with a fraction or an exponent, or of more
/// than 18 digits.
#[inline]
fn decimal(raw: &[u8]) -> Option<i64> {
    let (negative, digits) = match raw.strip_prefix(b"-") {
        Some(digits) => (true, digits),
        None => (false, raw),
    };
    if digits.len() > 18 {
        return None;
    }
    let mut number = 0;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        number = 10 * number + i64::from(digit - b'0');
    }
    Some(if negative { -number } else { number })
}

fn text<'a>(key: &str, value: Value<'a>) -> Result<Text<'a>, String> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(format!("`{key}` must be a string")),
    }
}

fn array<'a>(key: &str, value: Value<'a>) -> Result<&'a [u8], String> {
    match value {
        Value::Array(array) => Ok(array),
        _ => Err(format!("`{key}` must be an array")),
    }
}

fn digest(key: &str, value: Value<'_>) -> Result<[u8; 32], String> {
    let wrong = || format!("`{key}` must be 64 hexadecimal digits, lower case");
    let raw = text(key, value)?.raw;
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        _ => Err(wrong()),
    };
    if raw.len() != 64 {
        return Err(wrong());
    }
    let mut digest = [0; 32];
    for (byte, pair) in digest.iter_mut().zip(raw.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Ok(digest)
}
