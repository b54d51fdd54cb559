//! Where in a recording: what `--at` says, and the instruction that it means.

use std::str::FromStr;

use bytecode::text::Instruction;
use recording::state::Machine;

/// Frames whose last line is remembered; deeper ones begin a line at each instruction.
const MOST_FRAMES: usize = 1 << 16;

/// What `--at` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Position {
    /// The instruction of this number, from 1.
    Number(u64),
    /// Counted from the end; 1 is the last instruction.
    FromEnd(u64),
    /// The instruction at an offset of the code objects of a name.
    Offset {
        /// `co_name`
        name: String,
        /// Its offset.
        offset: u32,
        /// Which time it runs, from 1.
        time: u64,
    },
    /// Where a line of the program's own file begins.
    Line {
        /// The line, from 1.
        line: u32,
        /// Which time it runs, from 1.
        time: u64,
    },
}

/// The forms of `--at`, as `--help` has them.
pub const HELP: &str = "\
Which instruction:
  N                  the one of this number, from 1, as in `expand --from`
  end, -N            the last one; the Nth from the end (`-1` is `end`)
  NAME:OFFSET[#K]    the one at this offset of code objects of this name, the Kth time that it runs
  line:LINE[#K]      where the program's own file begins this line, the Kth time
K is 1 if it is not given";

/// What is printed where `--at` is none of the forms.
const FORMS: &str = "give a number from 1, `end`, `-N` from the end, `NAME:OFFSET`, `line:LINE`, \
                     or one of these two with `#K` for the Kth time";

impl FromStr for Position {
    type Err = String;

    fn from_str(text: &str) -> Result<Position, String> {
        let fail = || format!("`{text}` is no place in a recording; {FORMS}");
        let positive = |text: &str| match number(text) {
            Some(number) if number > 0 => Ok(number),
            _ => Err(fail()),
        };
        if text == "end" {
            return Ok(Position::FromEnd(1));
        }
        if let Some(number) = text.strip_prefix('-') {
            return positive(number).map(Position::FromEnd);
        }
        // Names may hold `:`, offsets do not.
        let Some((name, place)) = text.rsplit_once(':') else {
            return positive(text).map(Position::Number);
        };
        let (place, time) = match place.split_once('#') {
            Some((place, time)) => (place, positive(time)?),
            None => (place, 1),
        };
        let place = number(place).and_then(|place| u32::try_from(place).ok()).ok_or_else(fail)?;
        match name {
            "" => Err(fail()),
            "line" => Ok(Position::Line { line: place, time }),
            name => Ok(Position::Offset { name: name.to_owned(), offset: place, time }),
        }
    }
}

/// A number without a sign.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

/// Looks for a position among the instructions of a recording.
#[derive(Debug)]
pub struct Search {
    position: Position,
    /// How many instructions it has seen.
    pub seen: u64,
    /// How often it was at the place.
    times: u64,
    /// The file of the first instruction.
    file: Option<Vec<u8>>,
    /// Where each frame was last: the number of its code object, the line and the offset.
    last: Vec<(u32, u32, u32)>,
}

impl Search {
    /// Looks for a position, which is not from the end: that depends on how many there are.
    pub fn new(position: Position) -> Search {
        Search { position, seen: 0, times: 0, file: None, last: Vec::new() }
    }

    /// Whether the position is before this instruction of the running frame, the `number`th of all.
    pub fn is_here(&mut self, machine: &Machine, number: u64, at: Instruction) -> bool {
        self.seen = number;
        let time = match &self.position {
            Position::Number(wanted) => return number == *wanted,
            // A search does not know where the end is.
            Position::FromEnd(_) => return false,
            Position::Offset { name, offset, time } => {
                let Some(frame) = machine.running() else { return false };
                if at.offset != *offset || frame.code.name != name.as_bytes() {
                    return false;
                }
                *time
            }
            &Position::Line { line, time } => {
                if !self.begins(machine, at, line) {
                    return false;
                }
                time
            }
        };
        self.times += 1;
        self.times == time
    }

    /// Whether the program's own file begins this line: the frame was on another, or jumps back.
    fn begins(&mut self, machine: &Machine, at: Instruction, line: u32) -> bool {
        let Some(frame) = machine.running() else { return false };
        let file = self.file.get_or_insert_with(|| frame.code.file.clone());
        let now = frame.code.line(at.offset);
        let is_own = *file == frame.code.file && now == line;
        let depth = machine.frames.len();
        if depth > MOST_FRAMES {
            return is_own;
        }
        self.last.resize(depth, (0, 0, u32::MAX));
        let here = (frame.number, now, at.offset);
        let before = std::mem::replace(&mut self.last[depth - 1], here);
        is_own && ((before.0, before.1) != (here.0, here.1) || here.2 <= before.2)
    }

    /// Why it was not found, once all instructions were seen.
    pub fn missing(&self) -> String {
        let times = |place: String, time: u64| match self.times {
            0 => format!("it never runs {place}"),
            1 => format!("it runs {place} once; `--at` is time {time}"),
            times => format!("it runs {place} {times} times; `--at` is time {time}"),
        };
        match &self.position {
            Position::Number(number) | Position::FromEnd(number) => {
                format!("it has {} instructions; `--at` is {number}", self.seen)
            }
            Position::Offset { name, offset, time } => times(format!("`{name}:{offset}`"), *time),
            Position::Line { line, time } => {
                let file = super::place::escaped(self.file.as_deref().unwrap_or_default());
                times(format!("line {line} of `{file}`"), *time)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_read() {
        let offset =
            |name: &str, offset, time| Ok(Position::Offset { name: name.to_owned(), offset, time });
        for (text, wanted) in [
            ("19", Ok(Position::Number(19))),
            ("end", Ok(Position::FromEnd(1))),
            ("-3", Ok(Position::FromEnd(3))),
            ("<module>:0", offset("<module>", 0, 1)),
            ("total:25#2", offset("total", 25, 2)),
            ("a:b:3", offset("a:b", 3, 1)),
            ("line:4", Ok(Position::Line { line: 4, time: 1 })),
            ("line:4#7", Ok(Position::Line { line: 4, time: 7 })),
        ] {
            assert_eq!(text.parse::<Position>(), wanted, "{text}");
        }
    }

    #[test]
    fn what_is_no_form_is_refused_with_the_forms() {
        for text in [
            "",
            "0",
            "-0",
            "-",
            "+1",
            "1.5",
            "f",
            "f:",
            ":3",
            "f:x",
            "f:3#0",
            "f:3#",
            "f:-3",
            "line:4294967296",
            "18446744073709551616",
            "1 2",
        ] {
            let error = text.parse::<Position>().unwrap_err();
            assert!(error.starts_with(&format!("`{text}` is no place")), "{error}");
            assert!(error.contains("`NAME:OFFSET`"), "{error}");
        }
    }
}
