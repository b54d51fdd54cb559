//! Runs the commands, in turn, and takes their time.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::figures::{Memory, Row, Sample, Series};
use super::plan::Plan;
use super::programs::{Group, Program};
use super::ways::{Places, Way};
use xtask::layout::Layout;
use xtask::ui::Stage;

/// How much a plain program writes at once.
const BLOCK: usize = 1 << 20;

/// Measures one program in all ways of the plan.
pub fn program(
    layout: &Layout,
    places: &Places,
    plan: &Plan,
    program: &Program,
    stage: &Stage,
) -> Result<Row> {
    let path = program.path(layout);
    let full = plan.size(program, Way::Text);
    stage.doing("count");
    let (instructions, text_bytes) = if program.group == Group::Pure {
        count(places, &path, full)?
    } else {
        // Gigabytes of text, which no way of theirs writes.
        run(places, Way::Flow, &path, full, 0)?;
        count_expanded(places)?
    };
    let mut series = Vec::new();
    for way in plan.ways_of(program).filter(|way| *way != Way::Memory) {
        let size = plan.size(program, way);
        let instructions = if way.is_slow() { count(places, &path, size)?.0 } else { instructions };
        let bytes = match way {
            Way::Write | Way::Null1 | Way::Null2 => text_bytes,
            _ => 0,
        };
        series.push(Series { way, size, instructions, bytes, samples: Vec::new() });
    }
    // The traced interpreter's files have been read by now, plain CPython's perhaps not.
    if plan.has(Way::Unpatched) {
        stage.doing("warm up");
        run(places, Way::Unpatched, &path, full, text_bytes)?;
    }
    if plan.needs_recording() && program.group == Group::Pure {
        run(places, Way::Flow, &path, full, text_bytes)?;
    }
    for round in 0..plan.rounds {
        for series in &mut series {
            if round < plan.rounds_of(series.way) {
                stage.doing(series.way.name());
                let sample = run(places, series.way, &path, series.size, text_bytes)?;
                series.samples.push(sample);
                series.bytes = settle(places, series, text_bytes)?;
            }
        }
    }
    let memory = if plan.has(Way::Memory) && program.group == Group::Pure {
        stage.doing(Way::Memory.name());
        Some(weigh(places, &path, full)?)
    } else {
        None
    };
    Ok(Row {
        program: program.name,
        group: program.group,
        instructions,
        text_bytes,
        series,
        memory,
    })
}

/// How many instructions a program executes, and the bytes of its text trace.
pub fn count(places: &Places, program: &Path, size: u32) -> Result<(u64, u64)> {
    let trace = places.file(Way::Text).context("the text trace has no file")?;
    let mut command =
        places.command(Way::Text, program, size).context("the text trace has no command")?;
    let output = command
        .stderr(Stdio::piped())
        .output()
        .with_context(|| format!("cannot start `{}`", places.show(&command)))?;
    // A trace that was cut short leaves the program's status alone, and is reported here.
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success() && errors.is_empty(),
        "`{}` failed ({}): {errors}",
        places.show(&command),
        output.status
    );
    wait_for(&trace)?;
    let output = Command::new("wc").args(["-l", "-c"]).arg(&trace).output();
    let output = output.context("cannot start `wc`")?;
    let counted = String::from_utf8_lossy(&output.stdout);
    let mut words = counted.split_whitespace().map(str::parse);
    let (Some(Ok(lines)), Some(Ok(bytes))) = (words.next(), words.next()) else {
        anyhow::bail!("`wc -l -c {}` printed `{}`", trace.display(), counted.trim());
    };
    remove(&trace)?;
    Ok((lines, bytes))
}

/// The lines and bytes of the recording's text, which is never a file.
pub fn count_expanded(places: &Places) -> Result<(u64, u64)> {
    let mut expand = places.expand(2, Path::new("-"));
    let shown = places.show(&expand);
    let mut expanding =
        expand.stdout(Stdio::piped()).spawn().with_context(|| format!("cannot start `{shown}`"))?;
    let text = expanding.stdout.take().context("the expansion has no output")?;
    let counted = Command::new("wc").args(["-l", "-c"]).stdin(text).output();
    let counted = counted.context("cannot start `wc`")?;
    let status = expanding.wait().with_context(|| format!("cannot wait for `{shown}`"))?;
    ensure!(status.success(), "`{shown}` failed ({status})");
    let counted = String::from_utf8_lossy(&counted.stdout);
    let mut words = counted.split_whitespace().map(str::parse);
    match (words.next(), words.next()) {
        (Some(Ok(lines)), Some(Ok(bytes))) => Ok((lines, bytes)),
        _ => anyhow::bail!("`wc -l -c` printed `{}`", counted.trim()),
    }
}

/// One run, timed.
pub fn run(places: &Places, way: Way, program: &Path, size: u32, bytes: u64) -> Result<Sample> {
    let file = places.file(way);
    // Emptying a file of gigabytes takes time that is not the program's.
    file.as_deref().map_or(Ok(()), remove)?;
    let Some(mut command) = places.command(way, program, size) else {
        let file = file.context("a way without command writes a file")?;
        let start = Instant::now();
        write_plainly(&file, bytes)?;
        let time = start.elapsed().as_secs_f64();
        return Ok(Sample { ended: time, finished: time });
    };
    let shown = places.show(&command);
    let start = Instant::now();
    let status = command.status().with_context(|| format!("cannot start `{shown}`"))?;
    let ended = start.elapsed().as_secs_f64();
    ensure!(status.success(), "`{shown}` failed ({status})");
    file.as_deref().map_or(Ok(()), wait_for)?;
    Ok(Sample { ended, finished: start.elapsed().as_secs_f64() })
}

/// The size of what a run left behind; what nobody reads any more is removed.
fn settle(places: &Places, series: &Series, text_bytes: u64) -> Result<u64> {
    let Some(file) = places.file(series.way) else { return Ok(series.bytes) };
    let bytes = fs::metadata(&file)
        .with_context(|| format!("no file `{}` was written", file.display()))?
        .len();
    if matches!(series.way, Way::Text | Way::Expand1 | Way::Expand2) {
        ensure!(
            bytes.abs_diff(text_bytes) <= text_bytes / 100,
            "{}: `{}` has {bytes} bytes, where the text trace had {text_bytes}; is its disk full? \
             name another folder with `--scratch`",
            series.way.name(),
            file.display()
        );
    }
    if series.way != Way::Flow {
        remove(&file)?;
    }
    Ok(bytes)
}

/// Waits for the process that still writes the file and holds its lock.
pub fn wait_for(file: &Path) -> Result<()> {
    let open = File::open(file).with_context(|| format!("no trace `{}`", file.display()))?;
    open.lock_shared().with_context(|| format!("cannot wait for `{}`", file.display()))
}

fn remove(file: &Path) -> Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove `{}`", file.display()))
        }
        _ => Ok(()),
    }
}

/// What a plain program does that writes as many bytes.
fn write_plainly(file: &Path, bytes: u64) -> Result<()> {
    let name = file.display();
    let mut open = File::create(file).with_context(|| format!("cannot create `{name}`"))?;
    let block = vec![b'x'; BLOCK];
    let mut left = bytes;
    while left > 0 {
        let count = usize::try_from(left).map_or(BLOCK, |left| left.min(BLOCK));
        open.write_all(&block[..count]).with_context(|| format!("cannot write `{name}`"))?;
        left -= count as u64;
    }
    Ok(())
}

/// The peaks of memory.
fn weigh(places: &Places, program: &Path, size: u32) -> Result<Memory> {
    let untraced = peak(places, places.peak(Way::Untraced, program, size))?;
    let flow = peak(places, places.peak(Way::Flow, program, size))?;
    Ok(Memory { untraced: untraced.memory, flow: flow.memory, writer: flow.writer_memory })
}

/// What `tests/bench/peak.py` reports of a command.
#[derive(Debug, PartialEq)]
pub struct Peak {
    /// The peak of its memory in bytes.
    pub memory: u64,
    /// That of who else had the trace open.
    pub writer_memory: Option<u64>,
    /// Seconds until the command had ended and the trace was complete.
    pub finished: f64,
}

/// Runs a command that starts with `peak.py`.
pub fn peak(places: &Places, mut command: Command) -> Result<Peak> {
    let shown = places.show(&command);
    let output = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("cannot start `{shown}`"))?;
    ensure!(output.status.success(), "`{shown}` failed ({})", output.status);
    read_peak(&output.stdout).with_context(|| format!("`{shown}` failed"))
}

fn read_peak(answer: &[u8]) -> Result<Peak> {
    let answer: Value = serde_json::from_slice(answer).context("its answer is no JSON")?;
    ensure!(answer["status"] == 0, "what it started ended with status {}", answer["status"]);
    let kibibytes = |name: &str| answer[name].as_u64().map(|count| count * 1024);
    Ok(Peak {
        memory: kibibytes("peak").context("its answer has no `peak`")?,
        writer_memory: kibibytes("writer_peak"),
        finished: answer["finished"].as_f64().context("its answer has no `finished`")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_write_has_the_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("plain");
        for bytes in [0, 5, BLOCK as u64, 2 * BLOCK as u64 + 1] {
            write_plainly(&file, bytes).unwrap();
            assert_eq!(fs::metadata(&file).unwrap().len(), bytes);
        }
    }

    #[test]
    fn what_peak_tells() {
        let told = br#"{"status": 0, "peak": 6740, "writer_peak": null, "finished": 0.5}"#;
        let peak = read_peak(told).unwrap();
        assert_eq!(peak, Peak { memory: 6740 * 1024, writer_memory: None, finished: 0.5 });
        let failed = read_peak(br#"{"status": 256, "peak": 1, "finished": 1}"#).unwrap_err();
        assert_eq!(failed.to_string(), "what it started ended with status 256");
    }

    #[test]
    fn the_file_counts_when_its_writer_lets_go() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("trace");
        assert!(wait_for(&file).unwrap_err().to_string().starts_with("no trace `"));
        let open = File::create(&file).unwrap();
        open.lock().unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                wait_for(&file).unwrap();
                fs::read(&file).unwrap()
            });
            (&open).write_all(b"whole").unwrap();
            open.unlock().unwrap();
            assert_eq!(waiting.join().unwrap(), b"whole");
        });
    }

    #[test]
    fn what_is_cut_short_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places {
            root: "/p".into(),
            unpatched: "u".into(),
            traced: "t".into(),
            oracle: "o".into(),
            trace27: "r".into(),
            packages: "".into(),
            scratch: folder.path().to_owned(),
        };
        let series =
            Series { way: Way::Text, size: 1, instructions: 1, bytes: 0, samples: Vec::new() };
        let file = folder.path().join("trace.txt");
        fs::write(&file, vec![b'x'; 500]).unwrap();
        let error = settle(&places, &series, 1_000).unwrap_err().to_string();
        assert!(error.contains("has 500 bytes, where the text trace had 1000"), "{error}");
        assert_eq!(settle(&places, &series, 501).unwrap(), 500);
        assert!(!file.exists());
    }
}
