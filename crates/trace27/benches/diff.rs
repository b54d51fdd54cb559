//! How fast `trace27 diff` is beside `cmp` and `diff`, on the same files and in one run.
//!
//! `cargo bench -p trace --bench diff [MEGABYTES] [FOLDER]`: 500 MB and the temporary folder unless
//! given others; a folder in memory keeps the disk out of it. Medians of five. What is timed is
//! the whole process, the files being in the page cache.

use std::env;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

const TIMES: usize = 5;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let megabytes: usize = arguments.first().map_or(Ok(500), |text| text.parse())?;
    let folder = arguments.get(1).map_or_else(env::temp_dir, PathBuf::from);
    let folder = tempfile::tempdir_in(folder)?;
    let path = |name: &str| folder.path().join(name);

    println!("{}", machine());
    let bytes = megabytes * 1_000_000;
    write(&path("plain"), bytes, Kind { resolved: false, run: 1 }, "")?;
    fs::copy(path("plain"), path("same"))?;
    row("identical", &path("plain"), &path("same"), &["cmp", "diff", "trace27"]);
    write(&path("plain"), bytes, Kind { resolved: false, run: 1 }, "f> 0 POP_TOP\n")?;
    write(&path("same"), bytes, Kind { resolved: false, run: 1 }, "f> 0 NOP\n")?;
    row("different at the far end", &path("plain"), &path("same"), &["cmp", "trace27"]);
    write(&path("plain"), bytes, Kind { resolved: true, run: 1 }, "")?;
    write(&path("same"), bytes, Kind { resolved: true, run: 2 }, "")?;
    row("-r, addresses differ", &path("plain"), &path("same"), &["trace27"]);
    fs::remove_file(path("same"))?;

    // Formats that are compared step by step.
    let part = path("part");
    write(&part, bytes / 10, Kind { resolved: false, run: 1 }, "")?;
    for format in ["jsonl", "blog"] {
        let [left, right] = ["left", "right"].map(|side| path(&format!("{side}.{format}")));
        let done = Command::new(env!("CARGO_BIN_EXE_trace27"))
            .args(["convert", "--to", format])
            .args([&part, &left])
            .status()?;
        assert!(done.success(), "the trace can be converted");
        fs::copy(&left, &right)?;
        if format == "jsonl" {
            row("jsonl, identical", &left, &right, &["trace27"]);
        } else {
            row("blog and jsonl", &left, &path("left.jsonl"), &["trace27"]);
        }
    }
    Ok(())
}

struct Kind {
    resolved: bool,
    run: u64,
}

/// Writes a trace like that of a program which calls small functions in loops.
fn write(path: &Path, bytes: usize, kind: Kind, end: &str) -> std::io::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    let (mut written, mut number) = (0, 0_u64);
    while written < bytes {
        number += 1;
        let mut lines = String::new();
        let address = number.wrapping_mul(0x9e37_79b9_7f4a_7c15 ^ kind.run << 60) >> 16;
        for (name, pc, opname, operand, meaning) in STEPS {
            lines.push_str(&format!("{name}> {pc} {opname}"));
            match (operand, kind.resolved) {
                ("", _) => {}
                (operand, false) => lines.push_str(&format!(" ({operand})")),
                (_, true) if meaning == "code" && number.is_multiple_of(8) => {
                    let file = "file \"program.py\", line 9";
                    lines.push_str(&format!(" (<code object f at 0x{address:x}, {file}>)"));
                }
                (_, true) => lines.push_str(&format!(" ({meaning})")),
            }
            lines.push('\n');
        }
        written += lines.len();
        out.write_all(lines.as_bytes())?;
    }
    out.write_all(end.as_bytes())?;
    out.flush()
}

type Step = (&'static str, u32, &'static str, &'static str, &'static str);

const STEPS: [Step; 14] = [
    ("<module>", 22, "FOR_ITER", "19", "44"),
    ("<module>", 25, "LOAD_CONST", "3", "code"),
    ("<module>", 28, "STORE_NAME", "1", "index"),
    ("<module>", 31, "LOAD_NAME", "0", "compute"),
    ("<module>", 34, "CALL_FUNCTION", "1", "1"),
    ("compute", 0, "LOAD_FAST", "0", "number"),
    ("compute", 3, "LOAD_CONST", "1", "2"),
    ("compute", 6, "COMPARE_OP", "0", "<"),
    ("compute", 9, "POP_JUMP_IF_FALSE", "16", "16"),
    ("compute", 16, "LOAD_FAST", "0", "number"),
    ("compute", 19, "BINARY_MULTIPLY", "", ""),
    ("compute", 20, "RETURN_VALUE", "", ""),
    ("<module>", 37, "POP_TOP", "", ""),
    ("<module>", 38, "JUMP_ABSOLUTE", "22", "22"),
];

fn row(what: &str, left: &Path, right: &Path, tools: &[&str]) {
    let bytes = [left, right].map(|path| fs::metadata(path).map_or(0, |data| data.len()));
    let total = (bytes[0] + bytes[1]) as f64;
    println!("\n{what}: {} and {} bytes", bytes[0], bytes[1]);
    for tool in tools {
        let program = if *tool == "trace27" { env!("CARGO_BIN_EXE_trace27") } else { tool };
        let mut arguments = Vec::new();
        if *tool == "trace27" {
            arguments.push("diff".as_ref());
        }
        arguments.extend([left.as_os_str(), right.as_os_str()]);
        let mut seconds: Vec<f64> = (0..TIMES)
            .map(|_| {
                let start = Instant::now();
                let status = Command::new(program).args(&arguments).stdout(Stdio::null()).status();
                assert!(status.is_ok_and(|s| matches!(s.code(), Some(0 | 1))), "{tool} runs");
                start.elapsed().as_secs_f64()
            })
            .collect();
        seconds.sort_by(f64::total_cmp);
        let median = seconds[TIMES / 2];
        let memory = peak(program, &arguments).map(|kb| format!("{:.1} MB at most", kb / 1024.0));
        println!(
            "  {tool:<8} {median:>7.3} s {:>7.2} GB/s  {}",
            total / median / 1e9,
            memory.unwrap_or_default()
        );
    }
}

/// The largest resident set in KiB, mapped pages included, as `time` reports it.
fn peak(program: &str, arguments: &[&std::ffi::OsStr]) -> Option<f64> {
    let mut time = Command::new("/usr/bin/time");
    time.args(["-f", "%M", program]).args(arguments);
    let output = time.stdout(Stdio::null()).output().ok()?;
    String::from_utf8(output.stderr).ok()?.lines().last()?.trim().parse().ok()
}

fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("unknown processor", |rest| rest.trim_start_matches(['\t', ' ', ':']));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{model}, {cores} cores; medians of {TIMES}, both files counted")
}
