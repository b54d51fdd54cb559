//! The text format, written and parsed side by side: one line for each instruction, made
//! before the instruction runs, as the blog's approach writes it.
//!
//! | the instruction | the line |
//! | --- | --- |
//! | without operand | `NAME> OFFSET OPNAME` |
//! | with operand | `NAME> OFFSET OPNAME (OPERAND)` |
//! | an opcode that 2.7 does not have | `NAME> OFFSET NUMBER **********INVALID**********` |
//!
//! `NAME` is `co_name` and `OFFSET` the instruction's own offset in `co_code`, in bytes.
//! `OPERAND` is the number, prefixes included, or its meaning where that is asked for. Names and
//! constants stand as they are, without escapes: bytes, not text, and they may hold newlines.

use std::io::Write;

use crate::opcode::{self, Operand};

const INVALID: &str = "**********INVALID**********";

/// One instruction as the interpreter decoded it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Its position in `co_code`, in bytes; a prefix is an instruction of its own.
    pub offset: u32,
    /// Its opcode, known to 2.7 or not.
    pub opcode: u8,
    /// Its operand with the bits of any prefixes; 0 where the opcode has none. The interpreter's
    /// `int`: prefixes can make it negative, and a relative jump then goes back.
    pub operand: i32,
}

/// The tables of a code object that operands index. Each method appends what `str()` gives
/// for the entry, or leaves `out` as it is and returns false where there is no such entry.
pub trait Tables {
    /// `co_consts[index]`
    fn constant(&self, index: i32, out: &mut Vec<u8>) -> bool;
    /// `co_names[index]`
    fn name(&self, index: i32, out: &mut Vec<u8>) -> bool;
    /// `co_varnames[index]`
    fn local(&self, index: i32, out: &mut Vec<u8>) -> bool;
}

/// Appends the line of one instruction, its newline included. With `tables` the operand
/// is written as its meaning, `None` where the look-up fails; without, as its number.
pub fn write(out: &mut Vec<u8>, name: &[u8], of: Instruction, tables: Option<&dyn Tables>) {
    write_line(out, name, of.offset, of.opcode, |out| match tables {
        Some(tables) => meaning(out, of, tables),
        None => write_number(out, of.operand.into()),
    });
}

/// Appends the line of an instruction whose operand, if the format lists it, `operand` appends.
pub fn write_line(
    out: &mut Vec<u8>,
    name: &[u8],
    offset: u32,
    opcode: u8,
    operand: impl FnOnce(&mut Vec<u8>),
) {
    out.extend_from_slice(name);
    out.extend_from_slice(b"> ");
    write_number(out, offset.into());
    out.push(b' ');
    match opcode::name(opcode) {
        None => {
            write_number(out, opcode.into());
            out.push(b' ');
            out.extend_from_slice(INVALID.as_bytes());
        }
        Some(opname) => {
            out.extend_from_slice(opname.as_bytes());
            if has_operand(opcode) {
                out.extend_from_slice(b" (");
                operand(out);
                out.push(b')');
            }
        }
    }
    out.push(b'\n');
}

/// Whether the format lists an operand for this opcode.
pub fn has_operand(opcode: u8) -> bool {
    opcode >= opcode::HAVE_ARGUMENT && opcode::name(opcode).is_some()
}

/// Appends a number in decimal.
pub fn write_number(out: &mut Vec<u8>, value: i64) {
    write!(out, "{value}").expect("writing to memory does not fail");
}

/// Appends what an operand means; `None` where the look-up fails.
pub fn meaning(out: &mut Vec<u8>, of: Instruction, tables: &dyn Tables) {
    let found = match opcode::operand(of.opcode) {
        Operand::Const => tables.constant(of.operand, out),
        Operand::Name => tables.name(of.operand, out),
        Operand::Local => tables.local(of.operand, out),
        Operand::Compare => {
            match usize::try_from(of.operand).ok().and_then(|index| opcode::COMPARE.get(index)) {
                Some(comparison) => {
                    out.extend_from_slice(comparison.as_bytes());
                    true
                }
                None => false,
            }
        }
        Operand::JumpRelative => {
            write_number(out, i64::from(of.operand) + i64::from(of.offset) + 3);
            true
        }
        Operand::JumpAbsolute | Operand::Free | Operand::Plain | Operand::None => {
            write_number(out, of.operand.into());
            true
        }
    };
    if !found {
        out.extend_from_slice(b"None");
    }
}

/// One parsed line, borrowed from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// `co_name`, whatever bytes it holds.
    pub name: &'a [u8],
    /// The instruction's offset, in bytes.
    pub offset: u32,
    /// The opcode, known to 2.7 or not.
    pub opcode: u8,
    /// What stands in the parentheses; `None` where the line has none.
    pub operand: Option<&'a [u8]>,
    /// Whether the line ends here: false where a constant with a newline goes on in the next.
    pub complete: bool,
}

/// Parses a line without its newline. `None` where it is not the start of an instruction's
/// line: the rest of a constant, or of a name, that holds newlines.
pub fn parse(line: &[u8]) -> Option<Line<'_>> {
    // A name may itself hold `> `, so the first place that reads as a line decides.
    let mut from = 0;
    while let Some(found) = line.get(from..)?.iter().position(|&byte| byte == b'>') {
        let end = from + found;
        if line.get(end + 1) == Some(&b' ')
            && let Some((offset, opcode, operand, complete)) = after_name(&line[end + 2..])
        {
            return Some(Line { name: &line[..end], offset, opcode, operand, complete });
        }
        from = end + 1;
    }
    None
}

fn after_name(rest: &[u8]) -> Option<(u32, u8, Option<&[u8]>, bool)> {
    let (offset, rest) = word(rest);
    let offset = decimal(offset)?;
    let (opname, rest) = word(rest?);
    let Some(number) = opcode::by_bytes(opname) else {
        let number = u8::try_from(decimal(opname)?).ok()?;
        let invalid = opcode::name(number).is_none() && rest == Some(INVALID.as_bytes());
        return invalid.then_some((offset, number, None, true));
    };
    match rest {
        None => (number < opcode::HAVE_ARGUMENT).then_some((offset, number, None, true)),
        Some(rest) => {
            let operand = rest.strip_prefix(b"(")?;
            let (operand, complete) = match operand.strip_suffix(b")") {
                Some(operand) => (operand, true),
                None => (operand, false),
            };
            (number >= opcode::HAVE_ARGUMENT).then_some((offset, number, Some(operand), complete))
        }
    }
}

/// The bytes up to the first space, and those after it where there is one.
#[inline]
fn word(bytes: &[u8]) -> (&[u8], Option<&[u8]>) {
    match bytes.iter().position(|&byte| byte == b' ') {
        Some(space) => (&bytes[..space], Some(&bytes[space + 1..])),
        None => (bytes, None),
    }
}

/// A number as the writer writes it: digits alone, no zero before others.
#[inline]
fn decimal(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || digits.len() > 10 || (digits[0] == b'0' && digits.len() > 1) {
        return None;
    }
    let mut number = 0u64;
    for digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number * 10 + u64::from(digit);
    }
    u32::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Factorial;

    impl Tables for Factorial {
        fn constant(&self, index: i32, out: &mut Vec<u8>) -> bool {
            index == 0 && out.write_all(b"a\nb").is_ok()
        }
        fn name(&self, index: i32, out: &mut Vec<u8>) -> bool {
            index == 1 && out.write_all(b"range").is_ok()
        }
        fn local(&self, index: i32, out: &mut Vec<u8>) -> bool {
            index == 0 && out.write_all(b"n").is_ok()
        }
    }

    fn line(name: &[u8], offset: u32, opname: &str, operand: i32, resolve: bool) -> String {
        let of = Instruction { offset, opcode: opcode::by_name(opname).unwrap(), operand };
        let mut out = Vec::new();
        write(&mut out, name, of, resolve.then_some(&Factorial as &dyn Tables));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn lines_are_those_of_the_blog() {
        assert_eq!(
            line(b"recur_factorial", 9, "POP_JUMP_IF_FALSE", 16, false),
            "recur_factorial> 9 POP_JUMP_IF_FALSE (16)\n"
        );
        assert_eq!(line(b"f", 3, "RETURN_VALUE", 0, true), "f> 3 RETURN_VALUE\n");
        assert_eq!(line(b"", 0, "SLICE+3", 0, false), "> 0 SLICE+3\n");
    }

    #[test]
    fn meanings_follow_the_kind_of_operand() {
        for (opname, operand, wanted) in [
            ("LOAD_CONST", 0, "a\nb"),
            ("LOAD_CONST", 7, "None"),
            ("LOAD_GLOBAL", 1, "range"),
            ("LOAD_FAST", 0, "n"),
            ("LOAD_FAST", 1, "None"),
            ("COMPARE_OP", 10, "exception match"),
            ("COMPARE_OP", 12, "None"),
            ("JUMP_ABSOLUTE", 6, "6"),
            ("FOR_ITER", 4, "13"),
            ("JUMP_FORWARD", -4, "5"),
            ("COMPARE_OP", -1, "None"),
            ("LOAD_DEREF", 2, "2"),
            ("CALL_FUNCTION", 257, "257"),
        ] {
            assert_eq!(line(b"f", 6, opname, operand, true), format!("f> 6 {opname} ({wanted})\n"));
        }
    }

    #[test]
    fn an_unknown_opcode_has_no_operand() {
        let mut out = Vec::new();
        let of = Instruction { offset: 12, opcode: 200, operand: 5 };
        write(&mut out, b"f", of, Some(&Factorial));
        assert_eq!(out, b"f> 12 200 **********INVALID**********\n");
        let parsed = parse(&out[..out.len() - 1]).unwrap();
        assert_eq!((parsed.opcode, parsed.operand, parsed.complete), (200, None, true));
    }

    #[test]
    fn what_is_written_is_parsed() {
        for number in 0..=255u8 {
            for name in [&b"f"[..], b"", b"<module>", b"a> 3 b", b"\xff \x00", b"1> 2 3"] {
                let of = Instruction { offset: 70_000, opcode: number, operand: 65_536 };
                let mut out = Vec::new();
                write(&mut out, name, of, None);
                let line = parse(&out[..out.len() - 1]).unwrap();
                let known = opcode::name(number).is_some();
                let operand = known && number >= opcode::HAVE_ARGUMENT;
                assert_eq!((line.name, line.offset, line.opcode), (name, 70_000, number));
                assert_eq!(line.operand, operand.then_some(&b"65536"[..]));
                assert!(line.complete);
            }
        }
    }

    #[test]
    fn a_constant_with_a_newline_goes_on() {
        let line = parse(b"f> 0 LOAD_CONST (a").unwrap();
        assert_eq!((line.operand, line.complete), (Some(&b"a"[..]), false));
    }

    #[test]
    fn other_text_is_no_instruction() {
        for text in [
            &b""[..],
            b"f> ",
            b"f> x POP_TOP",
            b"f> 1",
            b"f> 1 POP_TOP (1)",
            b"f> 1 LOAD_CONST",
            b"f> 1 LOAD_CONST x",
            b"f> 1 100 **********INVALID**********",
            b"f> 1 6 INVALID",
            b"f> 1 256 **********INVALID**********",
            b"f> 99999999999 POP_TOP",
            b"f> 4294967296 POP_TOP",
            b"f> +1 POP_TOP",
            b"f> 01 POP_TOP",
            b"f>1 POP_TOP",
        ] {
            assert_eq!(parse(text), None, "{}", String::from_utf8_lossy(text));
        }
    }
}
