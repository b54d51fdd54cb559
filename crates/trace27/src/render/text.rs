//! The report of a comparison as text for people.
//!
//! Prints what `analysis` found; finds out nothing.

use std::fmt::{self, Write};

use trace::analysis::diff::report::{Disassembly, Divergence, Frames, Report, SIDES, text};
use trace::analysis::diff::rules::Field;
use trace::analysis::diff::stat::{Stat, opname};
use trace::step::{Operand, Saved, Step};

/// Rows of a statistic that are shown.
const ROWS: usize = 20;

/// Colours, or none of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Paint {
    /// Whether there are colours.
    pub on: bool,
}

const LEFT: &str = "31";
const RIGHT: &str = "32";
const BOLD: &str = "1";
const DIM: &str = "2";

impl Paint {
    fn with(self, code: &str, text: &str) -> String {
        if self.on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Writes a report.
///
/// # Errors
///
/// Those of `out`.
pub fn write(report: &Report, out: &mut dyn Write, paint: Paint) -> fmt::Result {
    for divergence in &report.divergences {
        write_divergence(report, divergence, out, paint)?;
    }
    if let Some(why) = &report.gave_up {
        writeln!(out, "stopped: {why}")?;
    }
    for omitted in &report.omissions {
        writeln!(
            out,
            "the {} leaves out {}: {}, the first is step {} of the {}",
            SIDES[omitted.side],
            omitted.omission.text(),
            counted(omitted.steps, "step"),
            omitted.first,
            SIDES[1 - omitted.side]
        )?;
    }
    for (name, side) in SIDES.iter().zip(&report.sides) {
        if side.skipped > 0 {
            let lines = counted(side.skipped, "line");
            writeln!(out, "skipped on the {name} (--lenient): {lines} that are no step")?;
        }
        if side.trimmed > 0 {
            let lines = counted(side.trimmed, "line");
            writeln!(out, "left out on the {name} (--lenient): text around the step of {lines}")?;
        }
    }
    if report.addresses > 0 {
        let steps = counted(report.addresses, "step");
        writeln!(out, "ignored: memory addresses that differ, in {steps}")?;
    }
    for (rule, count) in &report.waived {
        writeln!(out, "ignored by `{rule}`: {}", counted(*count, "difference"))?;
    }
    listed("compared:", &report.compared(), out)?;
    let not = report.not_compared();
    let mut reasons: Vec<&str> = not.iter().map(|(_, why)| why.as_str()).collect();
    reasons.dedup();
    for reason in reasons {
        let names = not.iter().filter(|(_, why)| why == reason).map(|(name, _)| *name);
        listed(&format!("not compared, {reason}:"), &names.collect::<Vec<_>>(), out)?;
    }
    if let Some(stat) = &report.stat {
        statistic(stat, report.common, out)?;
    }
    if report.is_identical() {
        let title = format!("identical: {}", counted(report.common, "step"));
        writeln!(out, "{}", paint.with(BOLD, &title))?;
    } else if report.divergences.len() > 1 {
        let (found, common) = (report.divergences.len(), counted(report.common, "step"));
        writeln!(out, "{found} divergences, {common} in common")?;
    }
    Ok(())
}

/// A number of things.
pub fn counted(count: u64, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

fn listed(title: &str, names: &[&str], out: &mut dyn Write) -> fmt::Result {
    writeln!(out, "{title} {}", names.join(", "))
}

fn write_divergence(
    report: &Report,
    of: &Divergence,
    out: &mut dyn Write,
    paint: Paint,
) -> fmt::Result {
    let title = format!("the traces diverge after {} in common", counted(of.common_steps, "step"));
    writeln!(out, "{}\n", paint.with(BOLD, &title))?;
    for (index, steps) in [&of.left, &of.right].into_iter().enumerate() {
        let side = &report.sides[index];
        write!(out, "  {:<5}  `{}` ({}), ", SIDES[index], side.name, side.format)?;
        match steps.first().map(Saved::step) {
            Some(step) => {
                let place = step.position;
                match place.line {
                    0 => writeln!(out, "step {}, byte {}", place.step, place.offset)?,
                    line => writeln!(out, "step {}, line {line}", place.step)?,
                }
            }
            None => writeln!(out, "at its end")?,
        }
    }
    paths(&of.paths, out)?;
    writeln!(out, "\n  {:>10} {:>10}", SIDES[0], SIDES[1])?;
    let shown = of.common.len().min(of.context);
    let common = &of.common[of.common.len() - shown..];
    for (index, (left, right)) in common.iter().enumerate() {
        let (left, right) = (left.step(), right.step());
        let (l, r) = (left.position.step, right.position.step);
        let line = Row::new(&left, &right).text;
        let last = if index + 1 == common.len() { "   <- last in common" } else { "" };
        writeln!(out, "  {l:>10} {r:>10}  {line}{last}")?;
    }
    for (steps, mark, color) in [(&of.left, '-', LEFT), (&of.right, '+', RIGHT)] {
        for (index, saved) in steps.iter().enumerate() {
            let step = saved.step();
            let line = Row::new(&step, &step);
            let number = step.position.step;
            let numbers = match mark {
                '-' => format!("{number:>10} {:>10}", ""),
                _ => format!("{:>10} {number:>10}", ""),
            };
            let row = format!("{mark} {numbers}  {}", line.text);
            writeln!(out, "{}", paint.with(color, &row))?;
            if index == 0 {
                line.marked(of.field, out, (paint, color))?;
            }
        }
        if steps.is_empty() {
            writeln!(out, "{}", paint.with(color, &format!("{mark} {:>23} (the end)", "")))?;
        }
    }
    differing(of, out)?;
    if let Some((steps, all)) = of.left_over {
        let more = if all { "" } else { "more than " };
        let side = if of.left.is_empty() { SIDES[1] } else { SIDES[0] };
        writeln!(out, "  left over on the {side}: {more}{}", counted(steps, "step"))?;
    }
    writeln!(out)?;
    wrapped(&format!("hint: {}", of.hint.text), out, paint)?;
    if let Some(disassembly) = &of.disassembly {
        disassembled(disassembly, out, paint)?;
    }
    writeln!(out)
}

/// A sentence on lines of a terminal's width, the first word in bold.
fn wrapped(text: &str, out: &mut dyn Write, paint: Paint) -> fmt::Result {
    const WIDTH: usize = 96;
    let (mut line, mut first) = (String::new(), true);
    for word in text.split(' ') {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > WIDTH {
            writeln!(out, "{}", line.trim_end())?;
            line = "     ".to_owned();
        }
        let lead = if line.is_empty() { "" } else { " " };
        line.push_str(lead);
        line.push_str(&if first { paint.with(BOLD, word) } else { word.to_owned() });
        first = false;
    }
    writeln!(out, "{line}")
}

/// A step as `line` writes it, and where its fields are, in characters.
struct Row {
    text: String,
    pc: (usize, usize),
    opcode: (usize, usize),
    operand: (usize, usize),
}

impl Row {
    /// The step `event`; what it lacks is taken from `other`.
    fn new(event: &Step<'_>, other: &Step<'_>) -> Row {
        let mut text_ = match event.code.name.or(other.code.name) {
            Some(name) => format!("{}> ", text(name)),
            None => "> ".to_owned(),
        };
        let mut field = |part: &str| {
            let start = text_.chars().count();
            text_.push_str(part);
            (start, part.chars().count())
        };
        let pc = field(&event.pc.to_string());
        field(" ");
        let opcode = field(&opname(event.opcode));
        let shown = |operand: Operand<'_>| match operand {
            Operand::Absent => None,
            Operand::Number(number) => Some(number.to_string()),
            Operand::Both(_, meaning) | Operand::Meaning(meaning) | Operand::Either(meaning) => {
                Some(text(meaning))
            }
        };
        let operand = match shown(event.operand).or_else(|| shown(other.operand)) {
            Some(operand) => {
                field(" (");
                let place = field(&operand);
                field(")");
                place
            }
            None => (opcode.0, 0),
        };
        Row { text: text_, pc, opcode, operand }
    }

    /// Underlines the field that differs.
    fn marked(&self, field: Option<Field>, out: &mut dyn Write, ink: (Paint, &str)) -> fmt::Result {
        let (start, length) = match field {
            Some(Field::Code) => (0, self.pc.0.saturating_sub(2)),
            Some(Field::Pc) => self.pc,
            Some(Field::Opcode) => self.opcode,
            Some(Field::Operand) => self.operand,
            _ => (0, 0),
        };
        if length == 0 {
            return Ok(());
        }
        let marks = ink.0.with(ink.1, &"^".repeat(length));
        writeln!(out, "{:1$}{marks}", "", 25 + start)
    }
}

/// The call path once where both sides have the same.
fn paths(paths: &[Frames; 2], out: &mut dyn Write) -> fmt::Result {
    let shown: Vec<String> = paths
        .iter()
        .map(|frames| {
            let names: Vec<_> = frames.names.iter().map(|name| text(name)).collect();
            let hidden = match frames.hidden {
                0 => String::new(),
                more => format!("({more} more) > "),
            };
            if names.concat().is_empty() { String::new() } else { hidden + &names.join(" > ") }
        })
        .collect();
    let [of_left, of_right] = paths.each_ref().map(|frames| match frames.derived {
        true => " (derived)",
        false => "",
    });
    match (shown[0].as_str(), shown[1].as_str()) {
        ("", "") => Ok(()),
        (left, right) if left == right || right.is_empty() => {
            writeln!(out, "  call path{of_left}: {left}")
        }
        ("", right) => writeln!(out, "  call path{of_right}: {right}"),
        (left, right) => {
            writeln!(out, "  call path of the left{of_left}: {left}")?;
            writeln!(out, "  call path of the right{of_right}: {right}")
        }
    }
}

/// What differs, with both values.
fn differing(of: &Divergence, out: &mut dyn Write) -> fmt::Result {
    let (Some(field), Some(left), Some(right)) = (of.field, of.left.first(), of.right.first())
    else {
        return Ok(());
    };
    let value = |event: &Step<'_>| match field {
        Field::Code => text(event.code.name.unwrap_or_default()),
        Field::Pc => event.pc.to_string(),
        Field::Opcode => opname(event.opcode),
        Field::Operand => match event.operand {
            Operand::Absent => String::new(),
            Operand::Number(number) => number.to_string(),
            Operand::Both(number, meaning) => format!("{number} ({})", text(meaning)),
            Operand::Meaning(meaning) | Operand::Either(meaning) => text(meaning),
        },
        Field::Stack => text(event.stack.unwrap_or_default()),
        Field::Blocks => text(event.blocks.unwrap_or_default()),
    };
    let (left, right) = (value(&left.step()), value(&right.step()));
    writeln!(out, "\n  differs: {}\n    left   {left}\n    right  {right}", field.name())
}

fn disassembled(of: &Disassembly, out: &mut dyn Write, paint: Paint) -> fmt::Result {
    writeln!(out, "\n  {} in {}", text(&of.code.0), text(&of.code.1))?;
    for (row, sides) in &of.rows {
        let arrow = match sides {
            [true, true] => "both ->",
            [true, false] => "left ->",
            [false, true] => "right ->",
            [false, false] => "",
        };
        let line = row.line.map(|line| line.to_string()).unwrap_or_default();
        let mut shown = format!("  {arrow:>8} {line:>6} {:>7} {:<20}", row.offset, row.opname);
        if let Some(operand) = row.operand {
            write!(shown, " {operand}")?;
        }
        if let Some(meaning) = &row.meaning {
            write!(shown, " ({meaning})")?;
        }
        shown.push_str(if row.cut { " the code ends here" } else { "" });
        shown.push_str(if row.overlaps { " inside the one above" } else { "" });
        let shown = shown.trim_end();
        let color = match sides {
            [true, false] => LEFT,
            [false, true] => RIGHT,
            [true, true] => BOLD,
            [false, false] => DIM,
        };
        writeln!(out, "{}", paint.with(color, shown))?;
    }
    Ok(())
}

fn statistic(stat: &Stat, common: u64, out: &mut dyn Write) -> fmt::Result {
    for (what, rows) in [("code object", stat.codes()), ("opcode", stat.opcodes())] {
        writeln!(out, "\n{:>12} {:>6}  {what} ({} in all)", "steps", "%", rows.len())?;
        for (name, count) in rows.iter().take(ROWS) {
            let share = 100.0 * *count as f64 / common.max(1) as f64;
            writeln!(out, "{count:>12} {share:>6.2}  {name}")?;
        }
    }
    writeln!(out)
}
