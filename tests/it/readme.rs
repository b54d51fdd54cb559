//! Belongs here: that what the README shows is what users get.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use integration::{Python, assert_same, project};

fn readme() -> String {
    fs::read_to_string(project().join("README.md")).unwrap()
}

/// The blocks of the README in one language.
fn blocks(language: &str) -> Vec<String> {
    let readme = readme();
    let opening = format!("```{language}\n");
    let parts = readme.split(&opening).skip(1);
    parts.map(|part| part.split("```").next().unwrap().to_owned()).collect()
}

/// In a folder that looks like the project's, so that nothing is left behind.
#[test]
fn its_commands_run() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["python27-traced", "trace27", "tracer.py", "docs"] {
        symlink(project().join(name), folder.path().join(name)).unwrap();
    }
    let mut ran = Vec::new();
    for command in blocks("sh").iter().flat_map(|block| block.lines()) {
        let cargo = command.starts_with("cargo ");
        // The one that is running this test.
        if command.starts_with("cargo xtask test") {
            continue;
        }
        let output = Command::new("sh")
            .current_dir(if cargo { project() } else { folder.path() })
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .args(["-c", command])
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        let differs = command.starts_with("./trace27 diff ");
        assert_eq!(output.status.code(), Some(i32::from(differs)), "{command}: {errors}");
        ran.push(command.split(' ').next().unwrap().to_owned());
    }
    assert_eq!(ran, ["cargo", "./python27-traced", "./trace27"]);
}

#[test]
fn its_sample_is_a_trace() {
    let shown = blocks("text").into_iter().find(|block| block.starts_with("<module>> ")).unwrap();
    let traced = Python::traced().trace(project(), &["-r"], &["tests/corpus/factorial.py"]);
    let lines = traced.text().split_inclusive(|&byte| byte == b'\n').take(shown.lines().count());
    assert_same("the sample trace", shown.as_bytes(), &lines.collect::<Vec<_>>().concat());
}

/// What the pages link to is there.
#[test]
fn its_links_lead_somewhere() {
    let readme = readme();
    let targets = readme.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let anchors: Vec<String> = readme
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-"))
        .collect();
    for target in targets.filter(|target| !target.starts_with("http")) {
        match target.strip_prefix('#') {
            Some(anchor) => assert!(anchors.iter().any(|known| known == anchor), "#{anchor}"),
            None => assert!(project().join(target.split('#').next().unwrap()).exists(), "{target}"),
        }
    }
}

#[test]
fn its_usage_line_is_that_of_tracer_py() {
    let tracer = project().join("tracer.py");
    let help = Python::traced().run(project(), [tracer.to_str().unwrap(), "--help"]);
    let help = String::from_utf8(help.output).unwrap();
    let usage = help.split("\n\n").next().unwrap().strip_prefix("usage: ").unwrap();
    let usage = usage.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(readme().contains(&usage), "`{usage}`");
}

#[test]
fn its_options_are_those_of_build_python() {
    let output = Command::new(std::env::var_os("CARGO").unwrap())
        .current_dir(project())
        .args(["xtask", "build-python", "--help"])
        .output()
        .unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for option in ["--debug", "--optimize", "--ucs2", "--no-computed-gotos", "--jobs", "--prefix"] {
        assert!(help.contains(option) && readme().contains(option), "{option}: {help}");
    }
    assert!(help.contains("[env: XTASK_DEBUG"), "{help}");
}
