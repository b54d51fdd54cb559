//! `bench`: what tracing costs, each interpreter beside the others in one run.
//!
//! Whole processes are timed, in turn, so that all meet the same machine; medians count. The
//! slow ones run a tenth of the work, and are compared by the time for an instruction.

use std::fmt::Write;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::build_python;
use crate::deps::Needed;
use crate::flags::Bench;
use crate::interpreter::Config;
use crate::layout::{Kind, Layout};
use crate::ui::Ui;

/// A program and the size at which it runs for about a second untraced.
struct Program {
    name: &'static str,
    /// Below the project, or below CPython's source where it starts so.
    path: &'static str,
    size: u32,
}

const PROGRAMS: [Program; 5] = [
    Program { name: "pystone", path: "Lib/test/pystone.py", size: 60_000 },
    Program { name: "calls", path: "tests/bench/calls.py", size: 300 },
    Program { name: "loops", path: "tests/bench/loops.py", size: 300 },
    Program { name: "generators", path: "tests/bench/generators.py", size: 800 },
    Program { name: "text", path: "tests/bench/text.py", size: 400 },
];

/// How much less the slow ones do.
const SLOW: u32 = 10;
const QUICK: u32 = 5;

/// One way of running a program.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Unpatched,
    Untraced,
    Traced,
    Resolved,
    Reference,
    Oracle,
}

const WAYS: [Way; 6] =
    [Way::Unpatched, Way::Untraced, Way::Traced, Way::Resolved, Way::Reference, Way::Oracle];

impl Way {
    fn name(self) -> &'static str {
        match self {
            Way::Unpatched => "unpatched CPython",
            Way::Untraced => "ours, not tracing",
            Way::Traced => "ours, tracing",
            Way::Resolved => "ours, tracing with -r",
            Way::Reference => "the blog's approach",
            Way::Oracle => "the oracle",
        }
    }

    fn is_slow(self) -> bool {
        matches!(self, Way::Reference | Way::Oracle)
    }
}

/// What one program took in one way.
struct Figure {
    instructions: u64,
    times: Vec<Duration>,
}

impl Figure {
    /// Nanoseconds for an instruction, the process's start included: lowest, median, highest.
    fn nanoseconds(&self) -> [f64; 3] {
        let mut times: Vec<f64> = self.times.iter().map(Duration::as_secs_f64).collect();
        times.sort_by(f64::total_cmp);
        let ends = [times[0], times[times.len() / 2], times[times.len() - 1]];
        ends.map(|seconds| seconds * 1e9 / self.instructions as f64)
    }
}

/// Runs the command.
pub fn run(layout: &Layout, flags: &Bench, ui: &Ui) -> Result<()> {
    let jobs = build_python::jobs(&flags.building);
    let build = |kind| {
        let config = Config::new(kind, jobs);
        build_python::build(layout, &config, &flags.building, Needed::Build, ui)
    };
    let bench = Runner {
        layout,
        unpatched: build(Kind::Unpatched)?.python,
        traced: build(Kind::Traced)?.python,
        oracle: build(Kind::Oracle)?.python,
        scratch: scratch()?,
    };
    let (runs, shrink) = if flags.quick { (1, QUICK) } else { (usize::from(flags.runs), 1) };
    let mut rows = Vec::new();
    for program in &PROGRAMS {
        let stage = ui.stage(program.name);
        rows.push(bench.measure(program, runs, shrink)?);
        stage.done("");
    }
    let table = table(&rows);
    print!("{table}");
    let json = to_json(&rows, runs);
    let file = layout.root().join(&flags.json);
    fs::write(&file, format!("{json:#}\n"))
        .with_context(|| format!("cannot write `{}`", file.display()))?;
    ui.say(&format!("figures as JSON: `{}`", file.display()));
    Ok(())
}

struct Runner<'a> {
    layout: &'a Layout,
    unpatched: PathBuf,
    traced: PathBuf,
    oracle: PathBuf,
    scratch: tempfile::TempDir,
}

type Row = Vec<Figure>;

impl Runner<'_> {
    fn measure(&self, program: &Program, runs: usize, shrink: u32) -> Result<Row> {
        let size = |way: Way| program.size / shrink / if way.is_slow() { SLOW } else { 1 };
        let mut row = Vec::new();
        for way in WAYS {
            let (instructions, _) = self.trace(program, size(way))?;
            row.push(Figure { instructions, times: Vec::new() });
        }
        for run in 0..runs {
            for (way, figure) in WAYS.into_iter().zip(&mut row) {
                // The slow ones vary little, in proportion.
                if !way.is_slow() || run < 3 {
                    figure.times.push(self.time(program, way, size(way))?);
                }
            }
        }
        Ok(row)
    }

    /// How many instructions a program executes: the lines of its trace.
    fn trace(&self, program: &Program, size: u32) -> Result<(u64, Duration)> {
        let time = self.time(program, Way::Traced, size)?;
        let trace = self.file();
        let mut file =
            fs::File::open(&trace).with_context(|| format!("no trace `{}`", trace.display()))?;
        let (mut lines, mut buffer) = (0, vec![0; 1 << 20]);
        loop {
            let count = file.read(&mut buffer).context("cannot read the trace")?;
            if count == 0 {
                return Ok((lines, time));
            }
            lines += buffer[..count].iter().filter(|&&byte| byte == b'\n').count() as u64;
        }
    }

    fn time(&self, program: &Program, way: Way, size: u32) -> Result<Duration> {
        let root = if program.path.starts_with("Lib/") {
            self.layout.tree(Kind::Traced)
        } else {
            self.layout.root().to_owned()
        };
        let path = root.join(program.path);
        let python = match way {
            Way::Unpatched => &self.unpatched,
            Way::Reference | Way::Oracle => &self.oracle,
            _ => &self.traced,
        };
        let project = self.layout.root();
        let mut command = Command::new(python);
        command.env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::null()).stdout(Stdio::null());
        match way {
            Way::Unpatched | Way::Untraced => command.arg(path),
            Way::Traced => command.arg(project.join("tracer.py")).arg(path).arg(self.file()),
            Way::Resolved => {
                command.arg(project.join("tracer.py")).arg("-r").arg(path).arg(self.file())
            }
            Way::Reference => {
                command.arg(project.join("tests/bench/reference.py")).arg(path).arg(self.file())
            }
            Way::Oracle => {
                command.arg(project.join("tests/oracle/tracer.py")).arg(path).arg(self.file())
            }
        };
        command.arg(size.to_string());
        let start = Instant::now();
        let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
        let time = start.elapsed();
        ensure!(status.success(), "{command:?} failed ({status})");
        Ok(time)
    }

    fn file(&self) -> PathBuf {
        self.scratch.path().join("trace.txt")
    }
}

/// In memory where the system has such a folder, so that no disk is measured.
fn scratch() -> Result<tempfile::TempDir> {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    folder.context("cannot make a temporary folder")
}

/// The figures for people: nanoseconds for an instruction, and how they relate.
fn table(rows: &[Row]) -> String {
    let mut text =
        String::from("ns per instruction, medians of whole processes (lowest to highest)\n");
    let mut line = |cells: &[String]| {
        let _ = write!(text, "{:<22}", cells[0]);
        for cell in &cells[1..] {
            let _ = write!(text, " {cell:>22}");
        }
        text.push('\n');
    };
    let names = PROGRAMS.iter().map(|program| program.name.to_owned());
    let head = [String::new()].into_iter().chain(names).chain(["geomean".to_owned()]);
    line(&head.collect::<Vec<_>>());
    for (at, way) in WAYS.into_iter().enumerate() {
        let mut cells = vec![way.name().to_owned()];
        for row in rows {
            let [low, median, high] = row[at].nanoseconds();
            cells.push(format!("{median:.1} ({low:.1}-{high:.1})"));
        }
        cells.push(format!("{:.1}", mean(rows, |row| row[at].nanoseconds()[1])));
        line(&cells);
    }
    for (what, over, under) in RATIOS {
        let mut cells = vec![what.to_owned()];
        let ratio = |row: &Row| median_of(row, over) / median_of(row, under);
        cells.extend(rows.iter().map(|row| format!("{:.3}", ratio(row))));
        cells.push(format!("{:.3}", mean(rows, ratio)));
        line(&cells);
    }
    let mut cells = vec!["instructions".to_owned()];
    cells.extend(rows.iter().map(|row| row[0].instructions.to_string()));
    line(&cells);
    text
}

const RATIOS: [(&str, Way, Way); 4] = [
    ("untraced / unpatched", Way::Untraced, Way::Unpatched),
    ("tracing / unpatched", Way::Traced, Way::Unpatched),
    ("blog / tracing", Way::Reference, Way::Traced),
    ("blog / tracing -r", Way::Reference, Way::Resolved),
];

fn median_of(row: &Row, way: Way) -> f64 {
    let at = WAYS.iter().position(|&other| other == way);
    at.map_or(f64::NAN, |at| row[at].nanoseconds()[1])
}

/// The geometric mean.
fn mean(rows: &[Row], value: impl Fn(&Row) -> f64) -> f64 {
    (rows.iter().map(|row| value(row).ln()).sum::<f64>() / rows.len() as f64).exp()
}

fn to_json(rows: &[Row], runs: usize) -> Value {
    let programs: Vec<Value> = PROGRAMS
        .iter()
        .zip(rows)
        .map(|(program, row)| {
            let ways: Vec<Value> = WAYS
                .into_iter()
                .zip(row)
                .map(|(way, figure)| {
                    let [low, median, high] = figure.nanoseconds();
                    json!({
                        "way": way.name(),
                        "instructions": figure.instructions,
                        "seconds": figure.times.iter().map(Duration::as_secs_f64).collect::<Vec<_>>(),
                        "ns_per_instruction": { "lowest": low, "median": median, "highest": high },
                    })
                })
                .collect();
            json!({ "program": program.name, "ways": ways })
        })
        .collect();
    json!({ "runs": runs, "programs": programs })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(instructions: u64, milliseconds: &[u64]) -> Figure {
        let times = milliseconds.iter().map(|&time| Duration::from_millis(time)).collect();
        Figure { instructions, times }
    }

    #[test]
    fn the_median_counts() {
        let figure = figure(1_000_000, &[9, 1, 2]);
        assert_eq!(figure.nanoseconds(), [1.0, 2.0, 9.0]);
    }

    #[test]
    fn ratios_and_means() {
        let row = |unit: u64| -> Row {
            [1, 1, 4, 5, 80, 90].map(|times| figure(1_000_000, &[times * unit])).into()
        };
        let rows: Vec<Row> = (1..=5).map(row).collect();
        assert_eq!(median_of(&rows[1], Way::Reference) / median_of(&rows[1], Way::Traced), 20.0);
        let table = table(&rows);
        let line = table.lines().find(|line| line.starts_with("blog / tracing ")).unwrap();
        assert_eq!(line.matches("20.000").count(), 6, "{table}");
        assert_eq!(
            to_json(&rows, 1)["programs"][4]["ways"][0]["ns_per_instruction"]["median"],
            5.0
        );
    }
}
