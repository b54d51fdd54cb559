//! `build-python`: from whatever is there to an interpreter that has proved that it traces.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::deps::{self, Needed};
use crate::flags::{BuildPython, Building};
use crate::interpreter::{self, Config, INFO, Interpreter, Machine};
use crate::layout::{Kind, Layout};
use crate::own;
use crate::source::Request;
use crate::ui::Ui;

/// What a new interpreter traces to prove itself, and how much of that is shown.
const PROOF: &str = "tests/corpus/factorial.py";
const PROOF_LINES: usize = 12;

/// Runs the command.
pub fn run(layout: &Layout, flags: &BuildPython, ui: &Ui) -> Result<()> {
    let prefix = flags.prefix.as_ref().map(|prefix| {
        std::path::absolute(prefix).with_context(|| format!("`{}` is no path", prefix.display()))
    });
    let config = Config {
        debug: flags.debug,
        optimize: flags.optimize,
        ucs2: flags.ucs2,
        computed_gotos: !flags.no_computed_gotos,
        prefix: prefix.transpose()?,
        ..Config::new(Kind::Traced, jobs(&flags.building))
    };
    let interpreter = build(layout, &config, &flags.building, Needed::Build, ui)?;
    link(layout, "python27-traced", &interpreter.python)?;
    link(layout, "trace27", &layout.root().join("target/release/trace27"))?;
    if !interpreter.is_new {
        ui.say(&format!("`{}` is up to date", interpreter.python.display()));
        return Ok(());
    }
    let stage = ui.stage("the first trace");
    let proof = prove(layout)?;
    stage.done("");
    proof.iter().for_each(|line| ui.say(line));
    ui.times().iter().for_each(|line| ui.say(line));
    let info = interpreter.python.with_file_name("");
    ui.say(&format!(
        "what it was made from: `{}`",
        info.join(Path::new(INFO).file_name().context("the name of the build's facts is a path")?)
            .display()
    ));
    ui.say("trace a program: ./python27-traced tracer.py PROGRAM.pyc TRACE.txt");
    Ok(())
}

/// Builds one interpreter, equipping the machine first where that is asked for.
pub fn build(
    layout: &Layout,
    config: &Config,
    flags: &Building,
    needed: Needed,
    ui: &Ui,
) -> Result<Interpreter> {
    let cache = layout.cache();
    let source = flags.source.source.as_deref();
    let request = Request { source, offline: flags.source.offline, cache: &cache };
    let machine = || equip(flags.install_deps, needed, ui);
    let interpreter = interpreter::build(layout, config, &request, &machine, ui)?;
    if config.kind == Kind::Traced {
        own::build(layout)?;
        own::install_writer(layout, &interpreter.python)?;
    }
    Ok(interpreter)
}

/// How many compilers may run at once.
pub fn jobs(flags: &Building) -> usize {
    let processors = || std::thread::available_parallelism().map_or(1, usize::from);
    flags.jobs.map_or_else(processors, usize::from)
}

/// Looks at the machine, and installs what it lacks if the user said so.
fn equip(install: bool, needed: Needed, ui: &Ui) -> Result<Machine> {
    let mut report = deps::examine();
    if install {
        report = deps::install(&report, needed, &|line| ui.say(line))?;
    }
    if let Some(refusal) = report.refusal() {
        bail!(refusal);
    }
    if let Some(note) = report.lacking_note() {
        ui.say(&note);
    }
    let compiler = report.compiler.clone().context("there is no C compiler")?;
    Ok(Machine { compiler, system_ffi: report.has("ffi") })
}

fn link(layout: &Layout, name: &str, target: &Path) -> Result<()> {
    let link = layout.root().join(name);
    // Relative, so that the project can be moved.
    let target = target.strip_prefix(layout.root()).unwrap_or(target);
    if fs::read_link(&link).is_ok_and(|now| now == target) {
        return Ok(());
    }
    match fs::remove_file(&link) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => symlink(target, &link),
    }
    .with_context(|| format!("cannot link `{}` to `{}`", link.display(), target.display()))
}

/// Traces a program as a user would; returns the first lines.
fn prove(layout: &Layout) -> Result<Vec<String>> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    let trace = folder.path().join("trace.txt");
    let output = Command::new("./python27-traced")
        .current_dir(layout.root())
        .args(["tracer.py", "-r", PROOF])
        .arg(&trace)
        .output()
        .context("cannot start `./python27-traced`")?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "`{PROOF}` fails when it is traced ({})\n{errors}",
        output.status
    );
    let text = fs::read_to_string(&trace)
        .with_context(|| format!("`{PROOF}` left no trace `{}`\n{errors}", trace.display()))?;
    let lines: Vec<&str> = text.lines().collect();
    ensure!(lines.len() > PROOF_LINES, "the trace of `{PROOF}` has {} lines only", lines.len());
    let head =
        format!("./python27-traced tracer.py -r {PROOF} trace.txt wrote {} lines:", lines.len());
    let shown = lines[..PROOF_LINES].iter().map(|line| format!("  {line}"));
    Ok([head].into_iter().chain(shown).collect())
}
