//! Build automation: fetches, patches and builds the traced interpreter, and tests it.
//!
//! Dispatches only; each command's body is in the module of its name.

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;

pub mod build_python;
mod checkout;
pub mod deps;
mod digest;
pub mod flags;
mod hook;
pub mod interpreter;
pub mod layout;
mod measure;
pub mod own;
mod patches;
mod pins;
pub mod process;
mod series;
mod source;
mod test;
pub mod ui;

use flags::{Command, Source, Xtask};
use layout::Layout;
use ui::Ui;

/// The command; returns its exit status.
pub fn main() -> ExitCode {
    let ui = Ui::on_stderr();
    match run(&Xtask::parse().command, &ui) {
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
        Command::Regrtest(passed) => return measure::run(&layout, "regrtest", &passed.arguments),
        Command::Bench(passed) => return measure::run(&layout, "bench", &passed.arguments),
        Command::BuildPython(flags) => build_python::run(&layout, flags, ui),
        Command::Fetch(source) => fetch(&layout, source, ui),
        Command::Patches { command } => patches::run(&layout, command, ui),
        Command::Doctor { json } => doctor(*json),
        Command::Clean { cache } => clean(&layout, *cache, ui),
        Command::Test(flags) => test::run(&layout, flags, ui),
    }?;
    Ok(ExitCode::SUCCESS)
}

fn fetch(layout: &Layout, flags: &Source, ui: &Ui) -> Result<()> {
    let cache = layout.cache();
    let request =
        source::Request { source: flags.source.as_deref(), offline: flags.offline, cache: &cache };
    let provenance = source::fetch(&request, ui)?;
    ui.say(&format!("verified: {provenance}"));
    Ok(())
}

fn doctor(json: bool) -> Result<()> {
    let report = deps::examine();
    if json {
        println!("{:#}", report.json());
    } else {
        report.lines().iter().for_each(|line| println!("{line}"));
    }
    Ok(())
}

fn clean(layout: &Layout, cache: bool, ui: &Ui) -> Result<()> {
    let mut folders = vec![layout.python()];
    if cache {
        folders.push(layout.cache());
    }
    for folder in folders.iter().filter(|folder| folder.exists()) {
        fs::remove_dir_all(folder)
            .with_context(|| format!("cannot remove `{}`", folder.display()))?;
        ui.say(&format!("removed `{}`", folder.display()));
    }
    Ok(())
}
