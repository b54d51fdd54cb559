//! `info`: how many instructions a trace has, and where they went.

use std::collections::HashMap;
use std::fmt;

use serde_json::{Value, json};

use bytecode::opcode;
use trace::step::{ReadError, Steps};

/// Distinct names that are counted each for itself; a hostile trace has one on every line.
const NAMES: usize = 100_000;
/// Rows shown to people.
pub(super) const ROWS: usize = 10;

/// The figures of one trace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Info {
    /// Instructions in all.
    pub instructions: u64,
    /// Lines that belong to no instruction: a program's own output in a log.
    pub other_lines: u64,
    /// Instructions for each `co_name`, most first. Different code objects of one name are one.
    pub names: Vec<(Vec<u8>, u64)>,
    /// Instructions whose names came after too many others, or that have none.
    pub unnamed: u64,
    /// Instructions for each opcode, most first.
    pub opcodes: Vec<(u8, u64)>,
}

impl Info {
    /// Reads a whole trace, of any format. Fails where it cannot be read, or is cut short.
    pub fn read(reader: &mut impl Steps) -> Result<Info, ReadError> {
        let mut info = Info::default();
        let mut names: HashMap<Vec<u8>, u64> = HashMap::new();
        let mut opcodes = [0; 256];
        while let Some(event) = reader.next()? {
            info.instructions += 1;
            opcodes[usize::from(event.opcode)] += 1;
            match event.code.name {
                Some(name) if names.contains_key(name) || names.len() < NAMES => {
                    match names.get_mut(name) {
                        Some(count) => *count += 1,
                        None => drop(names.insert(name.to_vec(), 1)),
                    }
                }
                _ => info.unnamed += 1,
            }
        }
        info.other_lines = reader.other_lines();
        info.names = names.into_iter().collect();
        info.names.sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
        info.opcodes = (0..=255).zip(opcodes).filter(|row| row.1 > 0).collect();
        info.opcodes.sort_by_key(|&(opcode, count)| (std::cmp::Reverse(count), opcode));
        Ok(info)
    }

    /// All figures as one object. Names are bytes: what is not UTF-8 in them is replaced.
    pub fn to_json(&self) -> Value {
        let names = self.names.iter().map(
            |(name, count)| json!({ "name": String::from_utf8_lossy(name), "instructions": count }),
        );
        let opcodes = self.opcodes.iter().map(|&(number, count)| {
            json!({ "opcode": number, "opname": opcode::name(number), "instructions": count })
        });
        json!({
            "instructions": self.instructions,
            "other_lines": self.other_lines,
            "names": names.collect::<Vec<_>>(),
            "unnamed": self.unnamed,
            "opcodes": opcodes.collect::<Vec<_>>(),
        })
    }
}

impl fmt::Display for Info {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        writeln!(f, "{} instructions", self.instructions)?;
        if self.other_lines > 0 {
            writeln!(f, "{} lines that belong to none", self.other_lines)?;
        }
        let share = |count: u64| 100.0 * count as f64 / self.instructions as f64;
        writeln!(f, "\n{:>12} {:>6}  name ({} in all)", "instructions", "%", self.names.len())?;
        for (name, count) in self.names.iter().take(ROWS) {
            let name = name.escape_ascii();
            writeln!(f, "{count:>12} {:>6.2}  {name}", share(*count))?;
        }
        write_opcodes(f, &self.opcodes, self.instructions)
    }
}

/// The table of the opcodes, each with its count.
pub(super) fn write_opcodes(
    f: &mut fmt::Formatter,
    opcodes: &[(u8, u64)],
    instructions: u64,
) -> fmt::Result {
    writeln!(f, "\n{:>12} {:>6}  opcode ({} in all)", "instructions", "%", opcodes.len())?;
    for &(number, count) in opcodes.iter().take(ROWS) {
        let share = 100.0 * count as f64 / instructions.max(1) as f64;
        write!(f, "{count:>12} {share:>6.2}  ")?;
        match opcode::name(number) {
            Some(name) => writeln!(f, "{name}")?,
            None => writeln!(f, "{number}, which 2.7 does not have")?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use trace::formats::Reader;
    use trace::lines::Lines;
    use trace::step::Position;

    fn read(text: &[u8]) -> Info {
        let mut reader = Reader::new(Lines::of("t", text, Position::START), None).unwrap();
        Info::read(&mut reader).unwrap()
    }

    const TRACE: &[u8] =
        b"f> 0 LOAD_CONST (a\nb)\nf> 3 POP_TOP\ng> 0 POP_TOP\nf> 4 6 **********INVALID**********\n";

    #[test]
    fn instructions_are_counted_by_name_and_opcode() {
        let info = read(TRACE);
        assert_eq!((info.instructions, info.other_lines, info.unnamed), (4, 0, 0));
        assert_eq!(info.names, [(b"f".to_vec(), 3), (b"g".to_vec(), 1)]);
        assert_eq!(info.opcodes, [(1, 2), (6, 1), (100, 1)]);
        let shown = info.to_string();
        assert!(shown.starts_with("4 instructions\n"), "{shown}");
        assert!(shown.contains("           1  25.00  6, which 2.7 does not have\n"), "{shown}");
        assert_eq!(info.to_json()["opcodes"][0]["opname"], "POP_TOP");
    }

    #[test]
    fn a_name_on_every_line_takes_bounded_memory() {
        let lines: String = (0..NAMES + 5).map(|n| format!("f{n}> 0 POP_TOP\n")).collect();
        let info = read(lines.as_bytes());
        assert_eq!((info.names.len(), info.unnamed), (NAMES, 5));
    }
}
