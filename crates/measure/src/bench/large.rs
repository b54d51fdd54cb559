//! A thousand million instructions: recorded once and expanded once, at three sizes, so that one sees
//! whether the cost grows in a straight line.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::measure;
use super::programs::LOOPS;
use super::table::markdown;
use super::ways::{Places, Way};
use xtask::layout::Layout;
use xtask::ui::Ui;

/// How many instructions.
const SIZES: [u64; 3] = [100_000_000, 300_000_000, 1_000_000_000];

/// Two sizes that show how many instructions a round of the program has.
const CALIBRATE: [u32; 2] = [10, 20];

/// In how many seconds one instruction of the largest must be found and written.
const FIRST_LINE: f64 = 0.2;

/// The threads that expand.
const THREADS: u32 = 2;

/// What was measured at one size.
#[derive(Clone, Debug)]
struct Point {
    /// The program's argument.
    size: u32,
    instructions: u64,
    /// Seconds of ours, not tracing.
    untraced: f64,
    /// Seconds of the recording, until the file is complete.
    recorded: f64,
    /// Of the recording.
    bytes: u64,
    /// The peak of the program's memory above that of not tracing.
    memory: i64,
    writer_memory: Option<u64>,
    /// Seconds of the expansion.
    expanded: f64,
    text_bytes: u64,
    reader_memory: u64,
    /// Seconds of `expand` of one instruction in the middle, raw and compressed.
    first_line: [f64; 2],
}

/// Measures and prints a table; returns the same as JSON.
pub fn run(layout: &Layout, places: &Places, ui: &Ui) -> Result<Value> {
    let program = LOOPS.path(layout);
    let stage = ui.stage("calibrate");
    let mut counts = [0; 2];
    for (count, size) in counts.iter_mut().zip(CALIBRATE) {
        *count = measure::count(places, &program, size)?.0;
    }
    stage.done("");
    let mut points = Vec::new();
    for instructions in SIZES {
        let stage = ui.stage(&format!("{} million instructions", instructions / 1_000_000));
        points.push(point(places, &program, size_for(instructions, counts)?)?);
        stage.done("");
    }
    print!("{}", table(&points));
    println!("\n{}", straightness(&points));
    println!("{}", seeking(&points));
    let size = points.last().map_or(0, |point| point.size);
    for command in commands(places, &program, size) {
        println!("    {command}");
    }
    Ok(to_json(&points))
}

/// The size at which the program executes this many instructions or a few more.
fn size_for(instructions: u64, counts: [u64; 2]) -> Result<u32> {
    let rounds = u64::from(CALIBRATE[1] - CALIBRATE[0]);
    let a_round = counts[1].saturating_sub(counts[0]) / rounds;
    ensure!(a_round > 0, "`{}` executes no more instructions at a larger size", LOOPS.name);
    let around = counts[0].saturating_sub(a_round * u64::from(CALIBRATE[0]));
    let size = instructions.saturating_sub(around).div_ceil(a_round);
    u32::try_from(size).context("the program would need too large a size")
}

fn commands(places: &Places, program: &Path, size: u32) -> Vec<String> {
    let record = places.command(Way::Flow, program, size).map(|command| places.show(&command));
    let expand = places.show(&places.expand(THREADS, Path::new("/dev/null")));
    record
        .into_iter()
        .chain([expand])
        .map(|command| format!("/usr/bin/time -v {command}"))
        .collect()
}

fn point(places: &Places, program: &Path, size: u32) -> Result<Point> {
    let flow = places.file(Way::Flow).context("the recording has no file")?;
    let untraced = measure::peak(places, places.peak(Way::Untraced, program, size))?;
    let recorded = measure::peak(places, places.peak(Way::Flow, program, size))?;
    let bytes = fs::metadata(&flow).with_context(|| format!("no file `{}`", flow.display()))?.len();
    // The text would not fit in memory: once to nowhere, timed, and once to be counted.
    let expanded = measure::peak(places, expand_and_weigh(places))?;
    let (instructions, text_bytes) = measure::count_expanded(places)?;
    let packed = places.file(Way::Compressed).context("the recording has no file")?;
    let raw_line = first_line(places, &flow, instructions / 2)?;
    measure::run(places, Way::Compressed, program, size, 0)?;
    let packed_line = first_line(places, &packed, instructions / 2)?;
    fs::remove_file(&packed).with_context(|| format!("cannot remove `{}`", packed.display()))?;
    fs::remove_file(&flow).with_context(|| format!("cannot remove `{}`", flow.display()))?;
    Ok(Point {
        size,
        instructions,
        untraced: untraced.finished,
        recorded: recorded.finished,
        bytes,
        memory: recorded.memory.cast_signed() - untraced.memory.cast_signed(),
        writer_memory: recorded.writer_memory,
        expanded: expanded.finished,
        text_bytes,
        reader_memory: expanded.memory,
        first_line: [raw_line, packed_line],
    })
}

/// Seconds of the whole command that writes one instruction.
fn first_line(places: &Places, recording: &Path, number: u64) -> Result<f64> {
    let mut command = expand_one(places, recording, number);
    let shown = places.show(&command);
    let start = Instant::now();
    let output = command.output().with_context(|| format!("cannot start `{shown}`"))?;
    let took = start.elapsed().as_secs_f64();
    let lines = output.stdout.iter().filter(|byte| **byte == b'\n').count();
    ensure!(output.status.success() && lines == 1, "`{shown}` wrote {lines} lines");
    Ok(took)
}

fn expand_one(places: &Places, recording: &Path, number: u64) -> Command {
    let mut command = Command::new(&places.trace27);
    let number = number.to_string();
    command.args(["expand", "--from", &number, "--to", &number]).arg(recording).arg("-");
    command.stdin(Stdio::null());
    command
}

fn expand_and_weigh(places: &Places) -> Command {
    let expand = places.expand(THREADS, Path::new("/dev/null"));
    let mut command = Command::new(&places.unpatched);
    // It waits for a trace, and there is none to wait for.
    command.arg(places.root.join("tests/bench/peak.py")).arg("/dev/null");
    command.arg(expand.get_program()).args(expand.get_args()).stdin(Stdio::null());
    command
}

fn table(points: &[Point]) -> String {
    let mut cells = vec![
        [
            "instructions",
            "not tracing, s",
            "recorded, s",
            "ratio",
            "file, MB",
            "bytes / instruction",
            "memory added, MB",
            "writer, MB",
            "expanded, s",
            "text, GB",
            "GB/s",
            "expand's memory, MB",
            "--from, s",
            "compressed, s",
        ]
        .map(str::to_owned)
        .to_vec(),
    ];
    let mega = |bytes: f64| format!("{:.1}", bytes / 1e6);
    for point in points {
        cells.push(vec![
            format!("{}", point.instructions),
            format!("{:.2}", point.untraced),
            format!("{:.2}", point.recorded),
            format!("{:.3}", point.recorded / point.untraced),
            mega(point.bytes as f64),
            format!("{:.4}", point.bytes as f64 / point.instructions as f64),
            mega(point.memory as f64),
            point.writer_memory.map_or_else(String::new, |bytes| mega(bytes as f64)),
            format!("{:.2}", point.expanded),
            format!("{:.2}", point.text_bytes as f64 / 1e9),
            format!("{:.2}", point.text_bytes as f64 / 1e9 / point.expanded),
            mega(point.reader_memory as f64),
            format!("{:.3}", point.first_line[0]),
            format!("{:.3}", point.first_line[1]),
        ]);
    }
    markdown(&cells)
}

/// The cost of an instruction at the largest size against that at the smallest.
fn straightness(points: &[Point]) -> String {
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return String::new();
    };
    let growth = |of: fn(&Point) -> f64| {
        let by_instruction = |point: &Point| of(point) / point.instructions as f64;
        by_instruction(last) / by_instruction(first)
    };
    format!(
        "an instruction at the largest size against the smallest: {:.3} not tracing, {:.3} to \
         record, {:.3} of the file, {:.3} to expand (1 is a straight line)",
        growth(|point| point.untraced),
        growth(|point| point.recorded),
        growth(|point| point.bytes as f64),
        growth(|point| point.expanded)
    )
}

/// What the index is for.
fn seeking(points: &[Point]) -> String {
    let Some(last) = points.last() else { return String::new() };
    let slowest = last.first_line[0].max(last.first_line[1]);
    let reached = if slowest < FIRST_LINE { "bar" } else { "**short**" };
    format!(
        "`expand --from N --to N` in the middle of the largest, raw or compressed: {slowest:.3} s, \
         bar {FIRST_LINE}, reached: {reached}"
    )
}

fn to_json(points: &[Point]) -> Value {
    points
        .iter()
        .map(|point| {
            json!({
                "program": LOOPS.name,
                "size": point.size,
                "instructions": point.instructions,
                "untraced_seconds": point.untraced,
                "recorded_seconds": point.recorded,
                "bytes": point.bytes,
                "memory_added_bytes": point.memory,
                "writer_bytes": point.writer_memory,
                "expand_threads": THREADS,
                "expanded_seconds": point.expanded,
                "text_bytes": point.text_bytes,
                "expand_memory_bytes": point.reader_memory,
                "first_line_seconds": point.first_line[0],
                "first_line_compressed_seconds": point.first_line[1],
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(factor: u64) -> Point {
        Point {
            size: 1,
            instructions: 100_000_000 * factor,
            untraced: 0.5 * factor as f64,
            recorded: 0.525 * factor as f64,
            bytes: 20_000_000 * factor,
            memory: 3_000_000,
            writer_memory: None,
            expanded: 1.25 * factor as f64,
            text_bytes: 2_500_000_000 * factor,
            reader_memory: 9_000_000,
            first_line: [0.1 * factor as f64, 0.2],
        }
    }

    #[test]
    fn the_size_for_so_many_instructions() {
        // 500 around the rounds, 100 in each.
        let counts = [1_500, 2_500];
        assert_eq!(size_for(1_500, counts).unwrap(), 10);
        assert_eq!(size_for(1_501, counts).unwrap(), 11);
        assert_eq!(size_for(100, counts).unwrap(), 0);
        assert!(size_for(1, [7, 7]).unwrap_err().to_string().contains("`loops`"));
    }

    #[test]
    fn the_table_and_the_line() {
        let points = [point(1), point(3), point(10)];
        let table = table(&points);
        let last = table.lines().last().unwrap();
        for cell in ["1000000000", "5.25", "1.050", "200.0", "0.2000", "12.50", "25.00", "2.00"] {
            assert!(last.contains(cell), "{cell}: {table}");
        }
        assert!(straightness(&points).contains("1.000 to record, 1.000 of the file"));
        assert_eq!(straightness(&[]), "");
        assert!(seeking(&points).contains("1.000 s, bar 0.2, reached: **short**"));
        assert!(seeking(&points[..1]).contains("0.200 s, bar 0.2, reached: **short**"));
        assert_eq!(to_json(&points)[2]["bytes"], 200_000_000);
    }
}
