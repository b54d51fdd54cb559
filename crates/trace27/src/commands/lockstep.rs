//! `lockstep`: a program on the traced interpreter and on an emulator at once, until they diverge.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};

use super::diff::How;
use super::options;
use crate::lockstep::{End, Plan, SIDES, Session, Source, find_program, find_python, is_compiled};
use trace::diff::{Report, compare};
use trace::input::Input;
use trace::render;
use trace::step::{Format, ReadError};

/// Steps of one trace that are counted after the end of the other.
const LEFT_OVER: u64 = 1000;

/// What to do about an emulator without a trace.
const STREAMS: &str = "if it writes its trace elsewhere, use `--trace-from`, or `{trace}` in its \
                       command for a file";

/// Run a program on the traced interpreter and on an emulator at once, until they diverge
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Where the emulator writes its trace, unless its command names a file with `{trace}`
    #[arg(long, value_enum, value_name = "STREAM", default_value = "stdout")]
    pub trace_from: Source,
    /// Format of the emulator's trace [default: recognised by its content]
    #[arg(long, value_parser = options::format())]
    pub format: Option<Format>,
    /// Let the traced interpreter write the meaning of operands instead of their numbers. Implied
    /// by `--format xpython`
    #[arg(short, long)]
    pub resolve: bool,
    /// What both programs read from standard input [default: nothing]
    #[arg(long, value_name = "FILE")]
    pub stdin: Option<PathBuf>,
    /// Give up on a side that writes nothing for this long
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub silence: u64,
    /// The traced interpreter [default: ./python27-traced of the project that trace27 is in]
    #[arg(long, value_name = "FILE")]
    pub python: Option<PathBuf>,
    /// `tracer.py` [default: beside the traced interpreter]
    #[arg(long, value_name = "FILE")]
    pub tracer: Option<PathBuf>,
    /// How the traces are compared; `--pyc` also names the program, if the emulator's command
    /// does not
    #[command(flatten)]
    pub how: How,
    /// The emulator and its arguments. The first `.pyc` among them, else the last `.py`, is the
    /// program, and what follows it, `{trace}` apart, the program's own arguments
    #[arg(last = true, required = true, value_name = "EMULATOR ARGS")]
    pub emulator: Vec<OsString>,
}

impl Args {
    /// Runs both, compares and prints. Returns whether the traces are the same.
    ///
    /// # Errors
    ///
    /// What cannot be found, started, read or written, and a side that writes no trace.
    pub fn run(&self) -> Result<bool> {
        let trace27 = env::current_exe().context("cannot find out where trace27 is")?;
        let plan = self.plan(&trace27)?;
        let mut how = self.how.clone();
        // Of source there is nothing to disassemble.
        how.pyc = Some(plan.program.clone()).filter(|program| is_compiled(program));
        let mut config = how.config([Some(Format::Line), self.format])?;
        config.left_over = LEFT_OVER;
        config.left_is_complete = true;
        // A side without steps is reported below, with its last words.
        config.allow_empty = true;
        let (session, [traced, emulated]) = Session::start(&plan, &trace27)?;
        let compared = Input::from_reader(SIDES[0], traced)
            .and_then(|left| compare(left, Input::from_reader(SIDES[1], emulated)?, &config));
        let ends = session.stop();
        let report = compared.map_err(|error| unreadable(error, &ends, self.silence.max(1)))?;
        self.check(&report, &ends)?;
        how.print(&report)?;
        if !report.is_identical() {
            for line in SIDES
                .iter()
                .zip(&ends)
                .filter_map(|(name, end)| ended(name, end, self.silence.max(1)))
            {
                writeln!(io::stderr(), "trace27: {line}")?;
            }
        }
        Ok(report.is_identical())
    }

    fn plan(&self, trace27: &Path) -> Result<Plan> {
        let (python, tracer) = match (&self.python, &self.tracer) {
            (Some(python), Some(tracer)) => (python.clone(), tracer.clone()),
            (python, tracer) => {
                let named = python.as_deref().unwrap_or(trace27);
                let found = find_python(named).or_else(|| find_python(trace27));
                let (found_python, found_tracer) = found.ok_or_else(|| {
                    anyhow!(
                        "there is no `python27-traced` with a `tracer.py` above `{}` nor here; \
                         run `cargo xtask build-python`, or name them with `--python` and \
                         `--tracer`",
                        trace27.display()
                    )
                })?;
                (python.clone().unwrap_or(found_python), tracer.clone().unwrap_or(found_tracer))
            }
        };
        let (program, arguments) =
            match (find_program(&self.emulator, self.how.pyc.as_deref()), &self.how.pyc) {
                (Some(found), _) => found,
                (None, Some(program)) => (program.clone(), Vec::new()),
                (None, None) => bail!("{}", no_program(&self.emulator)),
            };
        Ok(Plan {
            program,
            arguments,
            input: self.stdin.clone(),
            python,
            tracer,
            resolve: self.resolve || self.format == Some(Format::Xpython),
            emulator: self.emulator.clone(),
            source: self.trace_from,
            patience: Duration::from_secs(self.silence.max(1)),
        })
    }

    /// A side without a single step has not run the program at all: that is no divergence.
    fn check(&self, report: &Report, ends: &[End; 2]) -> Result<()> {
        if report.common > 0 {
            return Ok(());
        }
        let first = report.divergences.first();
        let [no_left, no_right] =
            [first.is_none_or(|d| d.left.is_empty()), first.is_none_or(|d| d.right.is_empty())];
        let silence = self.silence.max(1);
        if no_left {
            bail!("{} wrote no trace{}", SIDES[0], why(&ends[0], silence));
        }
        if no_right {
            let named = self.emulator.iter().any(|word| word.to_string_lossy().contains("{trace}"));
            let (from, advice) = match self.trace_from {
                _ if named => ("the file `{trace}`", "write each step to it and flush"),
                Source::Stdout => ("standard output", STREAMS),
                Source::Stderr => ("standard error", STREAMS),
            };
            let why = why(&ends[1], silence);
            bail!("{} wrote no trace to {from}{why}\n{advice}", SIDES[1]);
        }
        Ok(())
    }
}

fn unreadable(error: ReadError, ends: &[End; 2], silence: u64) -> anyhow::Error {
    let mut message = error.to_string();
    for line in SIDES.iter().zip(ends).filter_map(|(name, end)| ended(name, end, silence)) {
        message += "\n";
        message += &line;
    }
    anyhow!(message)
}

/// Why no argument of the emulator's command is the program.
fn no_program(emulator: &[OsString]) -> String {
    let arguments = emulator.get(1..).unwrap_or_default();
    let is_named = |word: &&OsString| {
        let extension = Path::new(word).extension();
        extension.is_some_and(|end| ["pyc", "pyo", "py"].iter().any(|known| end == *known))
    };
    let Some(word) = arguments.iter().find(is_named) else {
        return "no argument of the emulator names a `.pyc` or `.py` file; name the program with \
                `--pyc FILE`"
            .to_owned();
    };
    let path = Path::new(word);
    let shown = path.display();
    match std::fs::metadata(path) {
        Err(error) => format!("cannot read the program `{shown}`: {error}"),
        Ok(found) if found.is_dir() => format!("the program `{shown}` is a directory"),
        Ok(found) if !found.is_file() => format!("the program `{shown}` is not a regular file"),
        Ok(_) => format!(
            "`{shown}` is not a `.pyc` of Python 2.7; compile the program with `./python27-traced -m \
             py_compile`"
        ),
    }
}

/// How a side ended, if that was not as it should be.
fn ended(name: &str, end: &End, silence: u64) -> Option<String> {
    if end.hangs {
        let seconds = render::counted(silence, "second");
        let words = last_words(end);
        return Some(format!(
            "{name} wrote nothing for {seconds} (`--silence`) and was ended{words}"
        ));
    }
    let status = end.status.as_deref().filter(|status| *status != "exit status: 0")?;
    Some(format!("{name} ended with {}{}", status.replace(": ", " "), last_words(end)))
}

/// How a side without a trace ended, in parentheses.
fn why(end: &End, silence: u64) -> String {
    let status = match (&end.status, end.hangs) {
        (_, true) => {
            format!(" (nothing for {}, `--silence`)", render::counted(silence, "second"))
        }
        (Some(status), _) => format!(" ({status})"),
        (None, _) => String::new(),
    };
    format!("{status}{}", last_words(end))
}

fn last_words(end: &End) -> String {
    let text = String::from_utf8_lossy(&end.errors);
    let text = text.trim_end();
    if text.is_empty() {
        return String::new();
    }
    // What a program writes is no command to the terminal.
    let safe = |c: char| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c };
    let text: String = text.chars().map(safe).collect();
    format!("; the last it wrote to standard error:\n    {}", text.replace('\n', "\n    "))
}
