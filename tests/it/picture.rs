//! Belongs here: the picture of the README, `docs/diff.svg`: the report that the README's commands
//! print, in colour.
//!
//! `ACCEPT_GOLDEN=1 cargo xtask test --quick picture` draws it again; look at it before it goes in.

use std::fs;
use std::process::Command;

use anstyle_svg::Term;
use integration::{Python, assert_golden, assert_same, project};

/// The log of the toy emulator that the README compares with.
const LOG: &str = "docs/examples/toy.jsonl";

#[test]
fn the_log_is_what_the_toy_emulator_writes() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["sum.py", "toy.py", "emit.py"] {
        let from = project().join("docs/examples").join(name);
        fs::copy(from, folder.path().join(name)).unwrap();
    }
    let python = Python::traced();
    for arguments in [&["-m", "py_compile", "sum.py"][..], &["toy.py", "sum.pyc", "toy.jsonl"]] {
        let mut command = python.command(folder.path());
        let outcome = python.finish(command.env_remove("PYTHONDONTWRITEBYTECODE").args(arguments));
        assert_eq!(outcome.status, 0, "{}", outcome.text());
    }
    let written = fs::read(folder.path().join("toy.jsonl")).unwrap();
    assert_same(LOG, &fs::read(project().join(LOG)).unwrap(), &written);
}

#[test]
fn the_picture_is_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace.txt");
    let python = Python::traced();
    let mut command = python.tracing(project(), &[], &trace, &["docs/examples/sum.py"]);
    assert_eq!(python.finish(&mut command).status, 0);
    fs::create_dir_all(folder.path().join("docs/examples")).unwrap();
    fs::copy(project().join(LOG), folder.path().join(LOG)).unwrap();
    let output = Command::new(project().join("trace27"))
        .current_dir(folder.path())
        .args(["diff", "--color", "always", "trace.txt", LOG])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let report = String::from_utf8(output.stdout).unwrap();
    assert!(report.contains("\u{1b}["), "there is no colour in it: {report}");
    let shown = format!("$ ./trace27 diff trace.txt {LOG}\n{report}");
    assert_golden(&project().join("docs/diff.svg"), picture(&shown).as_bytes());
}

/// Draws what a terminal would show.
fn picture(shown: &str) -> String {
    let rgb = |red, green, blue| anstyle::RgbColor(red, green, blue).into();
    let terminal = Term::new().bg_color(rgb(13, 17, 23)).fg_color(rgb(201, 209, 217));
    // Red and green that can be read on a dark ground.
    terminal.render_svg(shown).replace("#AA0000", "#F85149").replace("#00AA00", "#3FB950")
}
