//! What a person sees while a command runs: stages with their time, progress, notes.
//!
//! Owns standard error. On a terminal a stage is a spinner or a byte bar; elsewhere plain
//! lines. It never fails: a closed standard error loses messages, not the build.

use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use indicatif::{ProgressBar, ProgressStyle};

/// Where the messages of one command go.
#[derive(Clone, Copy, Debug)]
pub struct Ui {
    terminal: bool,
    /// What was done so far; one list for the life of the program.
    spans: &'static Mutex<Vec<Span>>,
}

/// A stage that is done.
#[derive(Clone, Debug)]
struct Span {
    what: String,
    start: SystemTime,
    end: SystemTime,
}

/// One step of a command, from [`Ui::stage`] until it is done or dropped (failed).
#[derive(Debug)]
pub struct Stage {
    ui: Ui,
    name: String,
    start: SystemTime,
    bar: Option<ProgressBar>,
    done: bool,
}

impl Ui {
    /// Looks at standard error once: a terminal gets bars, anything else lines.
    pub fn on_stderr() -> Ui {
        Ui { terminal: std::io::stderr().is_terminal(), spans: Box::leak(Box::default()) }
    }

    /// Prints one line.
    pub fn say(&self, line: &str) {
        // A message that cannot be shown must not stop the work.
        let _ = writeln!(std::io::stderr(), "{line}");
    }

    /// Starts a step; `name` is what is being done: "fetch", "configure".
    pub fn stage(&self, name: &str) -> Stage {
        let bar = if self.terminal {
            let bar = ProgressBar::new_spinner();
            bar.set_style(spinner());
            bar.set_prefix(name.to_owned());
            bar.enable_steady_tick(Duration::from_millis(120));
            Some(bar)
        } else {
            self.say(&format!("{name} ..."));
            None
        };
        Stage { ui: *self, name: name.to_owned(), start: SystemTime::now(), bar, done: false }
    }

    /// Notes a stage that ran beside others, without a line of its own.
    pub fn record(&self, what: &str, start: SystemTime, end: SystemTime) {
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        spans.push(Span { what: what.to_owned(), start, end });
    }

    /// A table of all stages so far, in the order in which they began.
    pub fn times(&self) -> Vec<String> {
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner).clone();
        spans.sort_by_key(|span| span.start);
        table(&spans)
    }
}

impl Stage {
    /// Shows how far a transfer is: bytes so far, and in all where that is known.
    pub fn bytes(&self, done: u64, total: Option<u64>) {
        let Some(bar) = &self.bar else { return };
        if let Some(total) = total
            && bar.length() != Some(total)
        {
            bar.set_style(byte_bar());
            bar.set_length(total);
        }
        bar.set_position(done);
    }

    /// Replaces the text behind the stage's name on a terminal: the file in work.
    pub fn doing(&self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(text.to_owned());
        }
    }

    /// Prints a line of its own without ending the stage.
    pub fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| self.ui.say(line)),
            None => self.ui.say(line),
        }
    }

    /// Ends the stage; `note` says what came of it, and may be empty.
    pub fn done(mut self, note: &str) {
        self.done = true;
        self.finish(note);
    }

    fn finish(&self, note: &str) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let end = SystemTime::now();
        self.ui.record(&self.name, self.start, end);
        let seconds = seconds(self.start, end);
        let colon = if note.is_empty() { "" } else { ": " };
        self.ui.say(&format!("{}{colon}{note} ({seconds:.1} s)", self.name));
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !self.done {
            self.finish("failed");
        }
    }
}

/// None where the clock was set back.
fn seconds(start: SystemTime, end: SystemTime) -> f64 {
    end.duration_since(start).unwrap_or_default().as_secs_f64()
}

/// A stage a line: how long it took, when it began, and what ran beside it for a second or more.
fn table(spans: &[Span]) -> Vec<String> {
    let Some(first) = spans.first() else { return Vec::new() };
    let end = spans.iter().map(|span| span.end).max().unwrap_or(first.end);
    let width = spans.iter().map(|span| span.what.chars().count()).max().unwrap_or(0).max(5);
    let line = |what: &str, span: f64, at: f64, beside: &str| {
        format!("  {what:width$}  {span:7.1}  {at:5.1}  {beside}").trim_end().to_owned()
    };
    let mut lines = vec![format!("  {:width$}  seconds   from  beside", "stage")];
    for (at, span) in spans.iter().enumerate() {
        let overlaps =
            |other: &Span| seconds(span.start.max(other.start), span.end.min(other.end)) >= 1.0;
        let beside: Vec<&str> = spans
            .iter()
            .enumerate()
            .filter(|(other, span)| *other != at && overlaps(span))
            .map(|(_, span)| span.what.as_str())
            .collect();
        let took = seconds(span.start, span.end);
        lines.push(line(&span.what, took, seconds(first.start, span.start), &beside.join("; ")));
    }
    lines.push(line("total", seconds(first.start, end), 0.0, ""));
    lines
}

fn spinner() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {prefix} {wide_msg} {elapsed}")
        .expect("the template is a constant")
}

fn byte_bar() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {prefix} [{bar:30}] {bytes}/{total_bytes} {elapsed}")
        .expect("the template is a constant")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_says_what_ran_beside() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_millis(seconds);
        let span =
            |what: &str, start, end| Span { what: what.to_owned(), start: at(start), end: at(end) };
        let spans =
            [span("configure", 0, 16_000), span("tools", 500, 9_500), span("make", 16_000, 50_000)];
        assert_eq!(
            table(&spans),
            [
                "  stage      seconds   from  beside",
                "  configure     16.0    0.0  tools",
                "  tools          9.0    0.5  configure",
                "  make          34.0   16.0",
                "  total         50.0    0.0",
            ]
        );
        assert!(table(&[]).is_empty());
    }
}
