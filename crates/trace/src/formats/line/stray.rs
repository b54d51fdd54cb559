//! Lines that are no step: what to say about them, and what is left of one without its decoration.

use bytecode::opcode;
use bytecode::text;

/// Characters of a line that are quoted.
const SHOWN: usize = 60;
/// What to do about it.
const ADVICE: &str = "; `--lenient` skips such lines";

/// Why a line with an operand that no line closes is no step.
pub(super) const OPEN: &str = "the operand is not closed: a `)` is missing at the end of this line; `--lenient` skips such \
     lines";

/// Why a line is no step.
pub(super) fn explain(line: &[u8]) -> String {
    format!("{}{ADVICE}", reason(line))
}

fn reason(line: &[u8]) -> String {
    if line.trim_ascii().is_empty() {
        return "this line is blank and no step".to_owned();
    }
    if is_coloured_step(line) {
        return "this line has colour codes (ANSI escapes), so it is no step".to_owned();
    }
    almost(line).unwrap_or_else(|| format!("this line is no step: `{}`", quoted(line)))
}

/// What is wrong with a line that starts as a step does: `NAME> OFFSET WORD`.
fn almost(line: &[u8]) -> Option<String> {
    let line = line.trim_ascii_end();
    let found = memchr::memmem::find_iter(line, b"> ").find_map(|at| {
        let mut words = line[at + 2..].splitn(3, |&byte| byte == b' ');
        let offset = words.next().filter(|offset| !offset.is_empty())?;
        let opname =
            words.next().filter(|name| name.first().is_some_and(u8::is_ascii_uppercase))?;
        offset.iter().all(u8::is_ascii_digit).then_some((opname, words.next()))
    });
    let (name, rest) = found?;
    let opname = quoted(name);
    Some(match (opcode::by_bytes(name), rest) {
        (None, _) => format!("this line is no step: Python 2.7 has no opcode `{opname}`"),
        (Some(number), Some(rest)) if number < opcode::HAVE_ARGUMENT => {
            let rest = quoted(rest);
            format!("this line is no step: text after `{opname}`, which has no operand: `{rest}`")
        }
        (Some(_), _) => {
            format!("this line is no step: `{opname}` needs its operand in parentheses")
        }
    })
}

/// Why a line with text after its operand is no step.
pub(super) fn after_operand(text: &[u8]) -> String {
    let shown = quoted(text.trim_ascii());
    format!("text after the operand's `)`: `{shown}`; `--lenient` leaves it out")
}

/// A piece of a line for a message, on one line and without control characters.
fn quoted(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(&line[..line.len().min(4 * SHOWN)]);
    let mut shown: String = text.chars().take(SHOWN).flat_map(escaped).collect();
    if text.chars().count() > SHOWN || line.len() > 4 * SHOWN {
        shown.push_str("...");
    }
    shown
}

fn escaped(char: char) -> impl Iterator<Item = char> {
    let escape = char.is_control().then(|| char.escape_default());
    let plain = escape.is_none().then_some(char);
    escape.into_iter().flatten().chain(plain)
}

/// Where the parenthesis is closed that opens before `operand`: with text after it, on one line.
pub(super) fn closing(operand: &[u8]) -> Option<usize> {
    let mut depth = 1;
    operand.iter().position(|byte| {
        depth += match byte {
            b'(' => 1,
            b')' => -1,
            _ => 0,
        };
        depth == 0
    })
}

/// How many more parentheses a line closes than it opens.
pub(super) fn excess(line: &[u8]) -> i64 {
    let count = |byte| memchr::memchr_iter(byte, line).count() as i64;
    count(b')') - count(b'(')
}

/// How much of a name is not the name: a time stamp, a level, a logger. Python's own names hold no
/// blanks, colons, brackets or bars.
pub(super) fn prefix(name: &[u8]) -> usize {
    let last = name.iter().rposition(|byte| matches!(byte, b' ' | b'\t' | b':' | b']' | b'|'));
    last.map_or(0, |at| at + 1)
}

/// Whether a line is a step once its colour codes are gone.
pub(super) fn is_coloured_step(line: &[u8]) -> bool {
    if !line.contains(&0x1b) {
        return false;
    }
    let mut plain = line.to_vec();
    crate::input::remove_colours(&mut plain);
    text::parse(plain.trim_ascii_end()).is_some()
}
