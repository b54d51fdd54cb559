//! Where two traces of the same program part, and why.
//!
//! Streams both sides in bounded memory: blocks of bytes where the formats allow, steps around what
//! differs. Which steps are the same is in [`rules`], what one side may leave out in [`omissions`],
//! why they part in [`hint`]. What is found is a [`Report`]; how it looks is left to that.

pub mod blocks;
pub mod hint;
pub mod mask;
pub mod omissions;
pub mod path;
pub mod report;
pub mod resync;
pub mod rules;
mod scan;
pub mod side;
pub mod stat;
#[cfg(test)]
mod testing;

use std::collections::{HashSet, VecDeque};

use crate::step::{Format, ReadError, Saved};
use blocks::{Followed, Prefix};
use bytecode::pyc::Pyc;
use omissions::{Crossing, Limits, Lost, Omissions};
pub use report::{Divergence, Report};
use rules::{Field, Ignore, Level, Rules};
use side::{Opened, Side};
use stat::Stat;

/// Equal steps in a row after which blocks are compared again.
const STREAK: usize = 64;
/// The default of [`Config::left_over`].
const LEFT_OVER: u64 = 10_000_000;

/// What to compare, and how.
#[derive(Clone, Debug)]
pub struct Config {
    /// The formats of left and right, where they are not to be recognised.
    pub formats: [Option<Format>; 2],
    /// How much of a step is compared.
    pub level: Level,
    /// Differences that do not count; at most 63.
    pub ignore: Vec<Ignore>,
    /// Common steps shown before a divergence.
    pub context: usize,
    /// Divergences after which to stop.
    pub max_divergences: usize,
    /// Whether to count steps by code object and opcode.
    pub stat: bool,
    /// The program, for disassembly.
    pub pyc: Option<Pyc>,
    /// Steps that are counted after the end of the other side, where that is no file: there may
    /// be no end.
    pub left_over: u64,
    /// Whether lines that are no step are skipped and counted, and text around steps left out.
    pub lenient: bool,
    /// Whether a trace without a single step is compared; otherwise it is an error.
    pub allow_empty: bool,
    /// Steps of frames that one side leaves out, after which they are no omission but a divergence.
    /// `None` for the limits of [`omissions::Limits`].
    pub max_omitted: Option<u64>,
    /// Whether the left trace is known to list every frame, as that of the traced interpreter.
    pub left_is_complete: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            formats: [None; 2],
            level: Level::Stack,
            ignore: Vec::new(),
            context: 5,
            max_divergences: 1,
            stat: false,
            pyc: None,
            left_over: LEFT_OVER,
            lenient: false,
            allow_empty: false,
            max_omitted: None,
            left_is_complete: false,
        }
    }
}

/// Compares two traces.
///
/// # Errors
///
/// Those of reading either, with its name and line.
pub fn compare<'a>(
    left: Opened<'a>,
    right: Opened<'a>,
    config: &'a Config,
) -> Result<Report, ReadError> {
    let own = config
        .pyc
        .as_ref()
        .map(|pyc| pyc.codes.iter().map(|code| code.name.to_vec()).collect::<HashSet<_>>());
    let mut comparison = Comparison {
        left: Side::new(left),
        right: Side::new(right),
        config,
        rules: Rules::new(config.level, config.ignore.clone()),
        omissions: Omissions::new(own, Limits::new(config.max_omitted, config.left_is_complete)),
        recent: VecDeque::new(),
        common: 0,
        stat: config.stat.then(Stat::default),
        divergences: Vec::new(),
        gave_up: None,
    };
    comparison.refuse_empty()?;
    comparison.run()?;
    Ok(comparison.report())
}

struct Comparison<'a> {
    left: Side<'a>,
    right: Side<'a>,
    config: &'a Config,
    rules: Rules,
    omissions: Omissions,
    /// The last common steps, for context; the last of all is always there.
    recent: VecDeque<(Box<Saved>, Box<Saved>)>,
    common: u64,
    stat: Option<Stat>,
    divergences: Vec<Divergence>,
    gave_up: Option<String>,
}

impl Comparison<'_> {
    /// An empty trace agrees with everything: a run that produced none must not pass for a good one.
    fn refuse_empty(&mut self) -> Result<(), ReadError> {
        for side in [&mut self.left, &mut self.right] {
            if !self.config.allow_empty && side.peek(0)?.is_none() {
                return Err(ReadError::empty().in_file(side.name()));
            }
        }
        Ok(())
    }

    fn run(&mut self) -> Result<(), ReadError> {
        let mut streak = 0;
        loop {
            let (left, right) = (self.left.peek(0)?, self.right.peek(0)?);
            let field = match (left, right) {
                (None, None) => return Ok(()),
                (Some(left), Some(right)) => self.rules.judge(&left, &right),
                _ => None,
            };
            if let (Some(left), Some(right), None) = (left, right, field) {
                let is_first = self.common == 0;
                self.omissions.learn(&left, &right, is_first);
                if let Some(stat) = &mut self.stat {
                    stat.count(&left, &right);
                }
                self.common += 1;
                self.agree();
                streak += 1;
                if streak == STREAK {
                    self.fast_forward()?;
                    streak = 0;
                }
                continue;
            }
            streak = 0;
            let mut lost = [Lost::default(), Lost::default()];
            if self.omission(&mut lost)? {
                continue;
            }
            self.diverge(field, lost)?;
            if self.divergences.len() >= self.config.max_divergences {
                return Ok(());
            }
            let steps = match (self.left.peek(0)?.is_some(), self.right.peek(0)?.is_some()) {
                (true, true) => resync::find(&mut self.left, &mut self.right)?,
                _ => return Ok(()),
            };
            let Some((left, right)) = steps else {
                self.gave_up = Some(format!(
                    "the traces do not meet again within {} steps; what follows is not compared",
                    resync::WINDOW
                ));
                return Ok(());
            };
            // Steps that differ in an operand only are in step already.
            let (left, right) = if (left, right) == (0, 0) { (1, 1) } else { (left, right) };
            for (side, count) in [(&mut self.left, left), (&mut self.right, right)] {
                for _ in 0..count {
                    let Some(step) = side.pass() else { break };
                    side.recycle(step);
                }
            }
        }
    }

    /// Passes over a common step.
    fn agree(&mut self) {
        let (Some(left), Some(right)) = (self.left.pass(), self.right.pass()) else { return };
        self.recent.push_back((side::kept(left), side::kept(right)));
        if self.recent.len() > self.config.context.max(1)
            && let Some((left, right)) = self.recent.pop_front()
        {
            self.left.recycle(left);
            self.right.recycle(right);
        }
    }

    /// Goes as far as the bytes are the same, and stops a little before the first that differ.
    fn fast_forward(&mut self) -> Result<(), ReadError> {
        if self.left.text().is_none() || self.right.text().is_none() {
            return Ok(());
        }
        if self.stat.is_some() {
            return Ok(());
        }
        let (Some(left), Some(right)) = (self.left.peek(0)?, self.right.peek(0)?) else {
            return Ok(());
        };
        let (left, right) = (left.position, right.position);
        // Numbers say nothing about code.
        let resolved = self.left.resolved() != Some(false) || self.right.resolved() != Some(false);
        let mut followed = Followed {
            path: self.left.path.clone(),
            other: (self.right.path != self.left.path).then(|| self.right.path.clone()),
            omissions: resolved.then_some(&mut self.omissions),
        };
        let mut prefix = Prefix::new(left, right);
        let (Some(left_text), Some(right_text)) = (self.left.text(), self.right.text()) else {
            return Ok(());
        };
        let sides = (&self.left, &self.right);
        prefix.extend(left_text, right_text.0, &mut followed, &|left, right| {
            sides.0.release(left);
            sides.1.release(right);
        });
        let (left_text, right_text) = (left_text.0, right_text.0);
        if prefix.left.step < left.step + STREAK as u64 {
            return Ok(());
        }
        self.common += prefix.left.step - left.step;
        self.rules.addresses += prefix.addresses;
        let (left_path, other) = (followed.path, followed.other);
        if !resolved {
            self.omissions.miss();
        }
        let (before, left, right) = prefix.back(left_text, right_text, self.config.context.max(1));
        self.left.resume(left);
        self.right.resume(right);
        self.recent.clear();
        for _ in 0..before {
            if self.left.peek(0)?.is_some() && self.right.peek(0)?.is_some() {
                self.agree();
            }
        }
        self.right.path = other.unwrap_or_else(|| left_path.clone());
        self.left.path = left_path;
        Ok(())
    }

    /// Tries to explain the difference by what either side leaves out.
    fn omission(&mut self, lost: &mut [Lost; 2]) -> Result<bool, ReadError> {
        let last = self.recent.back().map(|(left, right)| (left.step(), right.step()));
        for sparse in [1, 0] {
            let Comparison { left, right, .. } = self;
            let (dense, other, last) = match sparse {
                1 => (left, right, last.as_ref().map(|(left, right)| (left, right))),
                _ => (right, left, last.as_ref().map(|(left, right)| (right, left))),
            };
            match self.omissions.cross(dense, (other, sparse), last, &self.rules)? {
                Crossing::Crossed => return Ok(true),
                Crossing::Lost(steps) => {
                    lost[1 - sparse] = steps;
                    return Ok(false);
                }
                Crossing::None => {}
            }
        }
        Ok(false)
    }

    fn diverge(&mut self, field: Option<Field>, lost: [Lost; 2]) -> Result<(), ReadError> {
        let [lost_left, lost_right] = lost;
        let behind = lost_left.count + lost_right.count;
        let left = following(&mut self.left, lost_left.start)?;
        let right = following(&mut self.right, lost_right.start)?;
        let last = self.recent.back().map(|(left, right)| (left.step(), right.step()));
        let (first_left, first_right) =
            (left.first().map(Saved::step), right.first().map(Saved::step));
        let hint = hint::hint(
            last.as_ref().map(|(left, right)| (left, right)),
            first_left.as_ref(),
            first_right.as_ref(),
            field,
        );
        let paths = [frames(&self.left), frames(&self.right)];
        let left_over = match (&first_left, &first_right) {
            (None, Some(_)) => Some(left_over(&mut self.right, self.config.left_over)?),
            (Some(_), None) => Some(left_over(&mut self.left, self.config.left_over)?),
            _ => None,
        };
        let left_over = left_over.map(|(count, all)| (count + behind, all));
        let common = self.recent.iter().rev().take(self.config.context.max(1)).rev().cloned();
        let common = common.map(|(left, right)| (*left, *right)).collect();
        let mut divergence = Divergence {
            common,
            common_steps: self.common,
            context: self.config.context,
            left,
            right,
            field,
            hint,
            paths,
            left_over,
            disassembly: None,
        };
        divergence.disassembly =
            self.config.pyc.as_ref().and_then(|pyc| report::disassembly(pyc, &divergence));
        self.divergences.push(divergence);
        Ok(())
    }

    fn report(self) -> Report {
        let side = |side: &Side<'_>| report::SideReport {
            name: side.name().to_owned(),
            format: side.format(),
            fields: side.fields(),
            steps: side.steps,
            skipped: side.left_out().0,
            trimmed: side.left_out().1,
        };
        Report {
            sides: [side(&self.left), side(&self.right)],
            level: self.rules.level(),
            compared: self.rules.compared,
            addresses: self.rules.addresses,
            waived: (self.rules.ignore().iter().zip(&self.rules.waived))
                .map(|(rule, &count)| (rule.text().to_owned(), count))
                .collect(),
            omissions: self.omissions.made().to_vec(),
            common: self.common,
            divergences: self.divergences,
            gave_up: self.gave_up,
            stat: self.stat,
        }
    }
}

/// The next steps of a side, from those on with which it was lost.
fn following(side: &mut Side<'_>, lost: Vec<Saved>) -> Result<Vec<Saved>, ReadError> {
    let mut steps = lost;
    for ahead in 0..omissions::SHOWN - steps.len() {
        match side.peek(ahead) {
            Ok(Some(event)) => steps.push(*side::kept(Box::new(Saved::new(&event)))),
            Ok(None) => break,
            // The divergence itself can be reported; what comes after it may be damaged.
            Err(error) if steps.is_empty() => return Err(error),
            Err(_) => break,
        }
    }
    Ok(steps)
}

fn frames(side: &Side<'_>) -> report::Frames {
    let names = side.path.innermost(report::FRAMES);
    report::Frames {
        derived: !side.has_frames(),
        hidden: side.path.depth() - names.len(),
        names: names.into_iter().map(<[u8]>::to_vec).collect(),
    }
}

/// How many steps a side still has, and whether those are all.
fn left_over(side: &mut Side<'_>, most: u64) -> Result<(u64, bool), ReadError> {
    let mut count = 0;
    let start = side.peek(0)?.map(|step| step.position);
    if let (Some(start), Some(text)) = (start, side.text()) {
        let mut prefix = Prefix::new(start, start);
        prefix.extend(text, text.0, &mut Followed::default(), &|bytes, _| side.release(bytes));
        let reached = prefix.left;
        side.resume(reached);
        count = reached.step - start.step;
    }
    while count < most || side.text().is_some() {
        if side.peek(0)?.is_none() {
            return Ok((count, true));
        }
        if let Some(step) = side.pass() {
            side.recycle(step);
        }
        count += 1;
    }
    Ok((count, false))
}
