//! `test`: builds what the tests need and runs all of them, the quick ones first.

use std::env;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};

use crate::build_python;
use crate::deps::Needed;
use crate::flags::{BuildPython, Test};
use crate::interpreter::Config;
use crate::layout::{Kind, Layout};
use crate::measure;
use crate::ui::Ui;

/// Runs the command.
pub fn run(layout: &Layout, flags: &Test, ui: &Ui) -> Result<()> {
    let building = &flags.building;
    let jobs = build_python::jobs(building);
    // Equips the machine for the unit tests too, which start a compiler and git.
    let interpreters = interpreters(layout, flags, jobs, ui)?;
    build_python::run(layout, &BuildPython::default_configuration(building.clone()), ui)?;

    cargo_test(layout, &[], &[], flags.filter.as_deref())?;
    let tree = ("INTEGRATION_TREE", layout.tree(Kind::Traced));
    let variables: Vec<_> = interpreters.iter().cloned().chain([tree]).collect();
    cargo_test(layout, &["--package", "integration"], &variables, flags.filter.as_deref())?;
    if flags.quick || flags.filter.is_some() {
        return Ok(());
    }
    subset(layout, &interpreters, jobs)
}

/// Builds the interpreters and gives each with the variable that names it to the tests.
fn interpreters(
    layout: &Layout,
    flags: &Test,
    jobs: usize,
    ui: &Ui,
) -> Result<Vec<(&'static str, PathBuf)>> {
    let traced = Config::new(Kind::Traced, jobs);
    let mut wanted = vec![
        ("INTEGRATION_TRACED", traced.clone()),
        ("INTEGRATION_ORACLE", Config::new(Kind::Oracle, jobs)),
        ("INTEGRATION_UNPATCHED", Config::new(Kind::Unpatched, jobs)),
    ];
    if !flags.quick {
        wanted.push(("INTEGRATION_SWITCH", Config { computed_gotos: false, ..traced.clone() }));
        wanted.push(("INTEGRATION_DEBUG", Config { debug: true, ..traced }));
    }
    let mut built = Vec::new();
    for (variable, config) in wanted {
        let needed = Needed::BuildAndTests;
        let interpreter = build_python::build(layout, &config, &flags.building, needed, ui)?;
        built.push((variable, interpreter.python));
    }
    Ok(built)
}

/// CPython's own tests, those that take a few minutes.
fn subset(layout: &Layout, interpreters: &[(&str, PathBuf)], jobs: usize) -> Result<()> {
    let python = |wanted| {
        let built = interpreters.iter().find(|(variable, _)| *variable == wanted);
        built.map(|(_, python)| python.as_os_str()).context("an interpreter was not built")
    };
    let jobs = jobs.to_string();
    let arguments = [
        OsStr::new("--subset"),
        OsStr::new("--timeout"),
        OsStr::new("300"),
        OsStr::new("--jobs"),
        OsStr::new(&jobs),
        OsStr::new("--unpatched"),
        python("INTEGRATION_UNPATCHED")?,
        OsStr::new("--ours"),
        python("INTEGRATION_TRACED")?,
    ];
    let status = measure::run(layout, "regrtest", &arguments)?;
    ensure!(
        status == ExitCode::SUCCESS,
        "CPython's own tests differ; run them again with `cargo xtask regrtest --subset`"
    );
    Ok(())
}

fn cargo_test(
    layout: &Layout,
    arguments: &[&str],
    variables: &[(&str, PathBuf)],
    filter: Option<&str>,
) -> Result<()> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(layout.root()).arg("test").args(arguments).args(filter);
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    let shown = format!("{command:?}");
    let status = command.status().with_context(|| format!("cannot start {shown}"))?;
    ensure!(status.success(), "tests failed; run them again with `cargo xtask test`");
    Ok(())
}
