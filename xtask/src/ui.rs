//! What a person sees while a command runs: stages with their time, progress, notes.
//!
//! Owns standard error. On a terminal a stage is a spinner or a byte bar; elsewhere plain
//! lines. It never fails: a closed standard error loses messages, not the build.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Where the messages of one command go.
#[derive(Clone, Copy, Debug)]
pub struct Ui {
    terminal: bool,
}

/// One step of a command, from [`Ui::stage`] until it is done or dropped (failed).
#[derive(Debug)]
pub struct Stage {
    ui: Ui,
    name: String,
    start: Instant,
    bar: Option<ProgressBar>,
    done: bool,
}

impl Ui {
    /// Looks at standard error once: a terminal gets bars, anything else lines.
    pub fn new() -> Ui {
        Ui { terminal: std::io::stderr().is_terminal() }
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
        Stage { ui: *self, name: name.to_owned(), start: Instant::now(), bar, done: false }
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
        let seconds = self.start.elapsed().as_secs_f64();
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

fn spinner() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {prefix} {wide_msg} {elapsed}")
        .expect("the template is a constant")
}

fn byte_bar() -> ProgressStyle {
    ProgressStyle::with_template("{spinner} {prefix} [{bar:30}] {bytes}/{total_bytes} {elapsed}")
        .expect("the template is a constant")
}
