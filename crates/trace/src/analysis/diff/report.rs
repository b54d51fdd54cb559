//! What a comparison found, as data and as one JSON object.

use serde_json::{Map, Value, json};

use super::hint::Hint;
use super::omissions::Omitted;
use super::rules::{Field, Level};
use super::stat::{Stat, opname};
use crate::step::{Fields, Format, Operand, Saved, Step};
use bytecode::disassemble::{Row, around};
use bytecode::pyc::{Code, Pyc};

/// Frames of a call path that are shown.
pub const FRAMES: usize = 20;
/// Instructions around a divergence that are disassembled.
const AROUND: usize = 4;
/// What the sides are called.
pub const SIDES: [&str; 2] = ["left", "right"];

/// What came of a comparison.
#[derive(Clone, Debug)]
pub struct Report {
    /// Left and right.
    pub sides: [SideReport; 2],
    /// How much was compared.
    pub level: Level,
    /// Fields that were compared at least once, apart from `pc` and the opcode.
    pub compared: Fields,
    /// Steps that differ in memory addresses.
    pub addresses: u64,
    /// Each rule, and how many differences it waived.
    pub waived: Vec<(String, u64)>,
    /// What a side leaves out.
    pub omissions: Vec<Omitted>,
    /// Steps that are the same on both sides.
    pub common: u64,
    /// Where the traces part, in order.
    pub divergences: Vec<Divergence>,
    /// Why the comparison ended before the traces did.
    pub gave_up: Option<String>,
    /// Counts of common steps.
    pub stat: Option<Stat>,
}

/// A trace that was compared.
#[derive(Clone, Debug)]
pub struct SideReport {
    /// What messages call it.
    pub name: String,
    /// Its format.
    pub format: Format,
    /// What the format can carry.
    pub fields: Fields,
    /// Steps that were passed over.
    pub steps: u64,
    /// Lines that are no step and were skipped.
    pub skipped: u64,
    /// Lines of which text before or after the step was left out.
    pub trimmed: u64,
}

/// A place where the traces part.
#[derive(Clone, Debug)]
pub struct Divergence {
    /// The last steps in common, left and right; one at least, if there is any.
    pub common: Vec<(Saved, Saved)>,
    /// All steps in common up to here.
    pub common_steps: u64,
    /// How many of `common` are to be shown.
    pub context: usize,
    /// The first steps of the left side that are not in common; none at its end.
    pub left: Vec<Saved>,
    /// Those of the right side.
    pub right: Vec<Saved>,
    /// What differs; `None` where one side has ended.
    pub field: Option<Field>,
    /// Why.
    pub hint: Hint,
    /// The frames of either side.
    pub paths: [Frames; 2],
    /// Where one side has ended: the steps that the other still has, and whether those are all.
    pub left_over: Option<(u64, bool)>,
    /// The code around, if the program has it.
    pub disassembly: Option<Disassembly>,
}

/// A call path, innermost last.
#[derive(Clone, Debug)]
pub struct Frames {
    /// Whether names and offsets show it; else the trace does.
    pub derived: bool,
    /// Frames further out that are not listed.
    pub hidden: usize,
    /// The names.
    pub names: Vec<Vec<u8>>,
}

/// Instructions around a divergence.
#[derive(Clone, Debug)]
pub struct Disassembly {
    /// `co_name` and `co_filename`.
    pub code: (Vec<u8>, Vec<u8>),
    /// The instructions, and for each whether it is the next of the left and of the right side.
    pub rows: Vec<(Row, [bool; 2])>,
}

impl Report {
    /// Whether no difference was found.
    pub fn is_identical(&self) -> bool {
        self.divergences.is_empty()
    }

    /// Names of the fields that were compared.
    pub fn compared(&self) -> Vec<&'static str> {
        ["pc", "op"].into_iter().chain(self.compared.names()).collect()
    }

    /// Names of the fields that one side has and were not compared, and why.
    pub fn not_compared(&self) -> Vec<(&'static str, String)> {
        let [left, right] = [self.sides[0].fields, self.sides[1].fields];
        let all = Fields::NAME
            | Fields::FIRST_LINE
            | Fields::SHA256
            | Fields::OPERAND
            | Fields::MEANING
            | Fields::STACK
            | Fields::BLOCKS;
        let operands = Fields::OPERAND | Fields::MEANING;
        let names = ((left | right) & all).without(self.compared);
        let mut rows = Vec::new();
        for bit in [
            Fields::NAME,
            Fields::FIRST_LINE,
            Fields::SHA256,
            Fields::OPERAND,
            Fields::MEANING,
            Fields::STACK,
            Fields::BLOCKS,
        ] {
            if !names.contains(bit) {
                continue;
            }
            // One form of the operand is enough.
            let is_shown = operands.contains(bit) && !(self.compared & operands).is_empty();
            let by_level = match self.level {
                Level::Flow => operands.contains(bit) || !carried(bit),
                Level::Operand => !carried(bit),
                Level::Stack => false,
            };
            let why = match (left.contains(bit), right.contains(bit)) {
                _ if by_level => "by `--level`",
                (true, false) => "the right lacks it",
                (false, true) => "the left lacks it",
                _ if is_shown => continue,
                _ => "no step of both has it",
            };
            rows.extend(bit.names().map(|name| (name, why.to_owned())));
        }
        rows
    }

    /// All of it as one object.
    pub fn to_json(&self) -> Value {
        let mut object = Map::new();
        let mut put = |key: &str, value: Value| object.insert(key.to_owned(), value);
        put("identical", self.is_identical().into());
        put("common_steps", self.common.into());
        for (name, side) in SIDES.iter().zip(&self.sides) {
            let mut about = json!({ "name": side.name, "format": side.format.name() });
            for (key, count) in [("skipped_lines", side.skipped), ("trimmed_lines", side.trimmed)] {
                if count > 0 {
                    about[key] = count.into();
                }
            }
            put(name, about);
        }
        put("compared", self.compared().into());
        let rows = self.not_compared().into_iter();
        put(
            "not_compared",
            rows.map(|(field, why)| json!({ "field": field, "why": why })).collect(),
        );
        let rules = self.waived.iter().map(|(rule, n)| json!({ "rule": rule, "count": n }));
        put("waived", json!({ "addresses": self.addresses, "rules": rules.collect::<Vec<_>>() }));
        let omitted = self.omissions.iter().map(|omitted| {
            json!({
                "side": SIDES[omitted.side],
                "leaves_out": omitted.omission.text(),
                "first_step": omitted.first,
                "steps": omitted.steps,
            })
        });
        put("omissions", omitted.collect());
        put("divergences", self.divergences.iter().map(Divergence::to_json).collect());
        if let Some(why) = &self.gave_up {
            put("gave_up", why.as_str().into());
        }
        if let Some(stat) = &self.stat {
            put("stat", stat.to_json());
        }
        Value::Object(object)
    }
}

/// Whether a field is not of the stack.
fn carried(bit: Fields) -> bool {
    bit != Fields::STACK && bit != Fields::BLOCKS
}

impl Divergence {
    fn to_json(&self) -> Value {
        let mut object = Map::new();
        let mut put = |key: &str, value: Value| object.insert(key.to_owned(), value);
        put("common_steps", self.common_steps.into());
        if let Some(field) = self.field {
            put("differs", field.name().into());
        }
        put("hint", json!({ "class": self.hint.class.name(), "text": self.hint.text }));
        let shown = self.common.len().min(self.context);
        let common = self.common[self.common.len() - shown..].iter();
        put(
            "common",
            common
                .map(|(left, right)| json!({ "left": step(&left.step()), "right": step(&right.step()) }))
                .collect(),
        );
        for (name, steps) in SIDES.iter().zip([&self.left, &self.right]) {
            put(name, steps.iter().map(|saved| step(&saved.step())).collect());
        }
        let path = |frames: &Frames| {
            let names: Vec<_> = frames.names.iter().map(|name| text(name)).collect();
            json!({ "derived": frames.derived, "hidden": frames.hidden, "names": names })
        };
        put("call_path", json!({ "left": path(&self.paths[0]), "right": path(&self.paths[1]) }));
        if let Some((steps, all)) = self.left_over {
            put("left_over", json!({ "steps": steps, "all": all }));
        }
        if let Some(disassembly) = &self.disassembly {
            put("disassembly", disassembly.to_json());
        }
        Value::Object(object)
    }
}

impl Disassembly {
    fn to_json(&self) -> Value {
        let rows = self.rows.iter().map(|(row, sides)| {
            let mut object = Map::new();
            let mut put = |key: &str, value: Value| object.insert(key.to_owned(), value);
            put("pc", row.offset.into());
            put("op_name", row.opname.as_str().into());
            if let Some(line) = row.line {
                put("line", line.into());
            }
            if let Some(operand) = row.operand {
                put("arg", operand.into());
            }
            if let Some(meaning) = &row.meaning {
                put("arg_repr", meaning.as_str().into());
            }
            let next = SIDES.iter().zip(sides).filter(|side| *side.1).map(|side| *side.0);
            put("next_of", next.collect::<Vec<_>>().into());
            Value::Object(object)
        });
        json!({ "code": text(&self.code.0), "file": text(&self.code.1), "rows": rows.collect::<Vec<_>>() })
    }
}

fn step(event: &Step<'_>) -> Value {
    let mut object = Map::new();
    let mut put = |key: &str, value: Value| object.insert(key.to_owned(), value);
    put("n", event.position.step.into());
    match event.position.line {
        0 => put("byte", event.position.offset.into()),
        line => put("line", line.into()),
    };
    if let Some(depth) = event.depth {
        put("d", depth.into());
    }
    if let Some(name) = event.code.name {
        put("name", text(name).into());
    }
    put("pc", event.pc.into());
    put("op", event.opcode.into());
    put("op_name", opname(event.opcode).into());
    if let Some(number) = event.operand.number() {
        put("arg", number.into());
    }
    if let Operand::Meaning(meaning) | Operand::Both(_, meaning) | Operand::Either(meaning) =
        event.operand
    {
        put("arg_repr", text(meaning).into());
    }
    for (key, value) in [("stack", event.stack), ("blocks", event.blocks)] {
        if let Some(value) = value {
            put(key, serde_json::from_slice(value).unwrap_or_else(|_| text(value).into()));
        }
    }
    Value::Object(object)
}

/// Bytes as text on one line, cut where they grow long.
pub fn text(bytes: &[u8]) -> String {
    const LONGEST: usize = 200;
    let mut out = String::new();
    for char in String::from_utf8_lossy(&bytes[..bytes.len().min(4 * LONGEST)]).chars() {
        if out.len() >= LONGEST {
            out.push_str("...");
            break;
        }
        match char {
            '\\' => out.push('\\'),
            _ if char.is_control() => out.extend(char.escape_default()),
            _ => out.push(char),
        }
    }
    out
}

/// The code around a divergence: the first code object of the program that fits the steps.
pub fn disassembly(pyc: &Pyc, divergence: &Divergence) -> Option<Disassembly> {
    let next = [divergence.left.first(), divergence.right.first()].map(|s| s.map(Saved::step));
    let last = divergence.common.last().map(|(left, _)| left.step());
    let anchor = last.or(next[0]).or(next[1])?;
    let fits = |code: &Code| {
        let holds = |event: &Step<'_>| {
            event.code.name.is_none_or(|name| name == &*code.name)
                && code.code.get(event.pc as usize) == Some(&event.opcode)
        };
        let near = divergence.common.iter().map(|(left, _)| left.step());
        let near = near.filter(|event| event.code.name == anchor.code.name);
        holds(&anchor).then(|| near.filter(|event| !holds(event)).count())
    };
    let fitting = pyc.codes.iter().filter_map(|code| Some((fits(code)?, code)));
    let code = fitting.min_by_key(|(misses, _)| *misses)?.1;
    let here = |event: &Step<'_>| event.code.name.is_none_or(|name| name == &*code.name);
    let offsets = next.map(|event| event.filter(here).map(|event| event.pc));
    let mut wanted: Vec<u32> = offsets.iter().copied().flatten().collect();
    if wanted.is_empty() {
        wanted.push(anchor.pc);
    }
    let rows = around(pyc, code, &wanted, AROUND).into_iter().map(|row| {
        let sides = offsets.map(|offset| offset == Some(row.offset));
        (row, sides)
    });
    Some(Disassembly { code: (code.name.to_vec(), code.file.to_vec()), rows: rows.collect() })
}
