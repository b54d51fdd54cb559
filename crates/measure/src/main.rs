//! `cargo xtask bench` and `cargo xtask regrtest`: what tracing costs, and what it leaves as it was.
//!
//! Dispatches only; each command's body is in the module of its name.

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use xtask::layout::Layout;
use xtask::ui::Ui;

mod bench;
mod flags;
mod regrtest;

use flags::{Command, Measure};

fn main() -> ExitCode {
    let ui = Ui::on_stderr();
    match run(&Measure::parse().command, &ui) {
        Ok(status) => status,
        Err(error) => {
            ui.say(&format!("error: {error:#}"));
            ExitCode::from(2)
        }
    }
}

fn run(command: &Command, ui: &Ui) -> Result<ExitCode> {
    let layout = Layout::of_this_checkout()?;
    match command {
        Command::Regrtest(flags) => regrtest::run(&layout, flags, ui),
        Command::Bench(flags) => {
            bench::run(&layout, flags, ui)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}
