//! `info` of a recording: what was recorded, when, and where its instructions went.
//!
//! Makes no text and no steps. A recording that is damaged or cut is read up to there.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt;

use serde_json::{Value, json};

use super::info::{ROWS, write_opcodes};
use bytecode::opcode;
use recording::block::Code;
use recording::count::{BlockCounts, Tally};
use recording::file::{INSTRUCTIONS, LIMIT};
use recording::replay::replay;
use trace::formats::flow::Flow;
use trace::step::ReadError;

/// Code objects that are counted each for itself.
const CODES: usize = 100_000;
/// Code objects that are looked up by number before they are put in their places.
const RECENT: usize = 4_096;
/// Bytes of a name or a file that are shown.
const SHOWN: usize = 200;
/// A code object as people know it; several of one name, file and line are one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// `co_name`
    pub name: Vec<u8>,
    /// `co_filename`
    pub file: Vec<u8>,
    /// `co_firstlineno`
    pub first_line: u32,
}

/// The figures of a recording, as far as it could be read.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// What it says of itself.
    pub about: Value,
    /// Instructions that were left out, as far as their number is known, and in how many gaps.
    pub left_out: (u64, u64),
    /// What it says of its end; nothing if that was not reached.
    pub end: Value,
    /// Instructions, those beyond a limit included.
    pub instructions: u64,
    /// Code objects that ran.
    pub codes: u32,
    /// Bytes of the file, if they are known.
    pub size: Option<u64>,
    /// Bytes that were read, once decompressed.
    pub bytes: u64,
    /// Instructions for each code object, most first.
    pub places: Vec<(Place, u64)>,
    /// Instructions of code objects that came after too many others.
    pub unnamed: u64,
    /// Instructions for each opcode, most first.
    pub opcodes: Vec<(u8, u64)>,
}

impl Recording {
    /// Reads a whole recording, whose file has that many bytes. The error is that at which it ends.
    pub fn read(flow: Flow<'_>, size: Option<u64>) -> (Recording, Result<(), ReadError>) {
        let (name, mut cursor, about) = flow.into_parts();
        let mut counts = BlockCounts::new(Counts::new());
        let result = replay(&mut cursor, &mut counts);
        let found = counts.tally.finish(Recording {
            about,
            end: cursor.end().clone(),
            codes: cursor.codes().count(),
            size,
            left_out: cursor.sections().left_out(),
            bytes: cursor.sections().offset(),
            ..Recording::default()
        });
        (found, result.map_err(|broken| ReadError::of_recording(broken, &name)))
    }

    /// All figures as one object. Names are bytes: what is not UTF-8 in them is replaced.
    pub fn to_json(&self) -> Value {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let places = self.places.iter().map(|(place, count)| {
            json!({
                "name": text(&place.name),
                "file": text(&place.file),
                "firstLine": place.first_line,
                "instructions": count,
            })
        });
        let opcodes = self.opcodes.iter().map(|&(number, count)| {
            json!({ "opcode": number, "opname": opcode::name(number), "instructions": count })
        });
        json!({
            "format": "flow",
            "about": self.about,
            "end": self.end,
            "instructions": self.instructions,
            "left_out": { "instructions": self.left_out.0, "gaps": self.left_out.1 },
            "code_objects": self.codes,
            "size": self.size,
            "bytes": self.bytes,
            "codes": places.collect::<Vec<_>>(),
            "unnamed": self.unnamed,
            "opcodes": opcodes.collect::<Vec<_>>(),
        })
    }
}

/// Adds up what was counted.
struct Counts {
    all: u64,
    /// By the number of the code object, those that were counted last.
    codes: HashMap<u32, (Place, u64)>,
    /// The code object that was counted last, and what is not in `codes` yet.
    last: (u32, u64),
    places: HashMap<Place, u64>,
    unnamed: u64,
    opcodes: [u64; 256],
}

impl Counts {
    fn new() -> Counts {
        let (codes, places) = (HashMap::new(), HashMap::new());
        Counts { all: 0, codes, last: (0, 0), places, unnamed: 0, opcodes: [0; 256] }
    }

    /// Another code object is counted.
    #[cold]
    fn change(&mut self, code: &Code) {
        self.settle();
        self.last.0 = code.number;
        if self.codes.len() == RECENT && !self.codes.contains_key(&code.number) {
            self.place_all();
        }
        self.codes.entry(code.number).or_insert_with(|| {
            let definition = &code.definition;
            let cut = |text: &[u8]| text[..text.len().min(SHOWN)].to_vec();
            let (name, file) = (cut(&definition.name), cut(&definition.file));
            (Place { name, file, first_line: definition.first_line }, 0)
        });
    }

    fn settle(&mut self) {
        if let Some(known) = self.codes.get_mut(&self.last.0) {
            known.1 += std::mem::take(&mut self.last.1);
        }
    }

    /// Those of one place become one, in the order of their numbers.
    fn place_all(&mut self) {
        let mut codes: Vec<_> = std::mem::take(&mut self.codes).into_iter().collect();
        codes.sort_unstable_by_key(|(number, _)| *number);
        for (_, (place, count)) in codes {
            if self.places.len() == CODES && !self.places.contains_key(&place) {
                self.unnamed += count;
            } else {
                *self.places.entry(place).or_default() += count;
            }
        }
    }

    fn finish(mut self, recording: Recording) -> Recording {
        self.settle();
        self.place_all();
        let mut places: Vec<_> = self.places.into_iter().collect();
        places.sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
        let mut opcodes: Vec<_> =
            (0..=255).zip(self.opcodes).filter(|&(_, count)| count > 0).collect();
        opcodes.sort_by_key(|&(opcode, count)| (Reverse(count), opcode));
        let (instructions, unnamed) = (self.all, self.unnamed);
        Recording { instructions, places, unnamed, opcodes, ..recording }
    }
}

impl Tally for Counts {
    fn add(&mut self, code: &Code, _: u32, opcode: u8, count: u64) {
        self.all += count;
        self.opcodes[usize::from(opcode)] += count;
        if self.last.0 != code.number {
            self.change(code);
        }
        self.last.1 += count;
    }
}

impl fmt::Display for Recording {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let text = |key: &str| self.about[key].as_str().unwrap_or("unknown");
        writeln!(f, "flow recording, {}", text("format"))?;
        writeln!(f, "program      sha256 {}", text("program_sha256"))?;
        writeln!(f, "interpreter  {}, build {}", text("interpreter"), text("build"))?;
        if let Some(time) = self.about["time"].as_u64() {
            writeln!(f, "recorded     {}", moment(time))?;
        }
        if let Some(process) = self.about["process"].as_u64() {
            writeln!(f, "process      {process}")?;
        }
        if let Some(options) = self.about["options"].as_array() {
            let words: Vec<&str> = options.iter().filter_map(Value::as_str).collect();
            writeln!(f, "options      {}", words.join(", "))?;
        }
        if let Some(limit) = self.about[LIMIT].as_u64() {
            writeln!(f, "limit        {limit} instructions")?;
        }
        let counted = self.end[INSTRUCTIONS].as_u64();
        let end = self.end["end"].as_str().unwrap_or("not reached");
        writeln!(f, "end          {end}")?;
        let instructions =
            counted.map_or(self.instructions, |counted| counted - self.left_out.0.min(counted));
        writeln!(f, "instructions {instructions}")?;
        if self.left_out.1 > 0 {
            writeln!(
                f,
                "left out     {} instructions, in {} gaps",
                self.left_out.0, self.left_out.1
            )?;
        }
        writeln!(f, "code objects {}", self.codes)?;
        let each = |bytes: u64| match instructions {
            0 => bytes.to_string(),
            count => format!("{bytes}, {:.4} for each instruction", bytes as f64 / count as f64),
        };
        match self.size {
            Some(size) if size < self.bytes => {
                writeln!(f, "bytes        {}", each(size))?;
                writeln!(f, "decompressed {}", each(self.bytes))?;
            }
            _ => writeln!(f, "bytes        {}", each(self.bytes))?,
        }
        let share = |count: u64| 100.0 * count as f64 / self.instructions.max(1) as f64;
        let places = self.places.len();
        writeln!(f, "\n{:>12} {:>6}  code object ({places} in all)", "instructions", "%")?;
        for (place, count) in self.places.iter().take(ROWS) {
            let (name, file) = (place.name.escape_ascii(), place.file.escape_ascii());
            let line = place.first_line;
            writeln!(f, "{count:>12} {:>6.2}  {name} ({file}:{line})", share(*count))?;
        }
        write_opcodes(f, &self.opcodes, self.instructions)
    }
}

/// Seconds since 1970 as date and time, UTC: the days are counted in eras of 400 years that begin in
/// March, so that leap days come last.
fn moment(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let days = days.saturating_add(719_468);
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_told() {
        for (seconds, wanted) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_399, "2000-02-28 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (1_735_689_599, "2024-12-31 23:59:59 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
        ] {
            assert_eq!(moment(seconds), wanted);
        }
        moment(u64::MAX);
    }
}
