//! `bench`: what tracing costs, each interpreter beside the others in one run.
//!
//! Whole processes are timed, in turn, so that all meet the same machine; ratios are taken within a
//! round and their medians count. The slow ones run a part of the work, and are compared by the time for an
//! instruction. What was measured is printed, never judged by the exit status.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::json;

mod figures;
mod goals;
mod large;
mod machine;
mod measure;
mod plan;
mod plot;
mod programs;
mod report;
mod table;
mod ways;

use crate::flags::Bench;
use figures::Row;
use machine::Machine;
use plan::Plan;
use ways::{Places, Way};
use xtask::build_python;
use xtask::deps::Needed;
use xtask::interpreter::Config;
use xtask::layout::{Kind, Layout};
use xtask::own;
use xtask::ui::Ui;

/// Runs the command.
pub fn run(layout: &Layout, flags: &Bench, ui: &Ui) -> Result<()> {
    let plan = Plan::new(&flags.only, usize::from(flags.runs), flags.quick)?;
    let scratch = scratch(flags.scratch.as_deref())?;
    let places = places(layout, flags, &plan, scratch.path(), ui)?;
    let pythons = [&places.unpatched, &places.traced, &places.oracle];
    let machine = Machine::of(pythons.into_iter().map(PathBuf::as_path));
    if flags.large {
        print_all(&machine.lines());
        let points = large::run(layout, &places, ui)?;
        let json = json!({ "machine": machine.json(), "large": points });
        return write(layout, &flags.json, &format!("{json:#}\n"), "figures as JSON", ui);
    }
    let mut rows = Vec::new();
    for program in &plan.programs {
        let stage = ui.stage(program.name);
        rows.push(measure::program(layout, &places, &plan, program, &stage)?);
        stage.done("");
    }
    let commands = commands(layout, &places, &plan);
    print(&rows, &plan, &machine, &commands);
    if let Some(file) = &flags.svg {
        let plot = plot::svg(&rows)
            .context("nothing to plot: measure `unpatched` and another way in the same run")?;
        write(layout, file, &plot, "plot", ui)?;
    }
    let json = report::json(&rows, &machine, &commands, flags.quick);
    write(layout, &flags.json, &format!("{json:#}\n"), "figures as JSON", ui)
}

/// Builds what the plan needs. The traced one counts instructions whatever is measured.
fn places(layout: &Layout, flags: &Bench, plan: &Plan, scratch: &Path, ui: &Ui) -> Result<Places> {
    let jobs = build_python::jobs(&flags.building);
    let build = |kind| -> Result<PathBuf> {
        let config = Config::new(kind, jobs);
        let built = build_python::build(layout, &config, &flags.building, Needed::Build, ui)?;
        Ok(built.python)
    };
    let needs = |way: Way| plan.has(way) && !flags.large;
    let build_if = |needed, kind| if needed { build(kind) } else { Ok(PathBuf::new()) };
    own::build(layout)?;
    Ok(Places {
        root: layout.root().to_owned(),
        traced: build(Kind::Traced)?,
        unpatched: build_if(
            needs(Way::Unpatched) || needs(Way::Memory) || flags.large,
            Kind::Unpatched,
        )?,
        oracle: build_if(needs(Way::Reference), Kind::Oracle)?,
        trace27: layout.root().join("target/release/trace27"),
        scratch: scratch.to_owned(),
    })
}

/// In memory where the system has such a folder, so that no disk is measured.
fn scratch(asked: Option<&Path>) -> Result<tempfile::TempDir> {
    let memory = Path::new("/dev/shm");
    let folder = match asked {
        Some(folder) => tempfile::tempdir_in(folder),
        None if memory.is_dir() => tempfile::tempdir_in(memory),
        None => tempfile::tempdir(),
    };
    folder.context("cannot make a temporary folder; name a place for it with `--scratch`")
}

/// The command of each way for the first program, as one would type it.
fn commands(layout: &Layout, places: &Places, plan: &Plan) -> Vec<String> {
    let Some(program) = plan.programs.first() else { return Vec::new() };
    let path = program.path(layout);
    let command = |way: &Way| {
        let size = plan.size(program, *way);
        Some(match way {
            Way::Memory => places.show(&places.peak(Way::Flow, &path, size)),
            _ => places.show(&places.command(*way, &path, size)?),
        })
    };
    plan.ways.iter().filter_map(command).collect()
}

fn print(rows: &[Row], plan: &Plan, machine: &Machine, commands: &[String]) {
    print_all(&machine.lines());
    println!(
        "{} programs, rounds: {}, {} of the blog's approach; the commands, for the first program:",
        rows.len(),
        plan.rounds,
        plan.rounds_of(Way::Reference)
    );
    for command in commands {
        println!("    {command}");
    }
    println!("\nFigures to reach: medians of {} programs, their geometric mean\n", rows.len());
    print!("{}", table::goals(rows));
    for (title, table) in [
        ("Time against plain CPython: median of rounds (lowest–highest)", table::ratios(rows)),
        ("Sizes, rates, memory", table::rates(rows)),
    ] {
        if !table.is_empty() {
            print!("\n{title}\n\n{table}");
        }
    }
}

fn print_all(lines: &[String]) {
    lines.iter().for_each(|line| println!("{line}"));
}

fn write(layout: &Layout, file: &Path, text: &str, what: &str, ui: &Ui) -> Result<()> {
    let file = layout.root().join(file);
    fs::write(&file, text).with_context(|| format!("cannot write `{}`", file.display()))?;
    ui.say(&format!("{what}: `{}`", file.display()));
    Ok(())
}
