//! Belongs here: docs/emulator-authors.md, each command of which is run in a scratch copy and must
//! print what the page says.
//!
//! `ACCEPT_GOLDEN=1` writes what they print into the page; read it before it goes in.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use integration::{Python, assert_golden, project};

const PAGE: &str = "docs/emulator-authors.md";

/// What builds or tests what this test runs with: not part of the page.
const DONE: [&str; 2] = ["cargo xtask build-python", "cargo test -p trace formats"];

/// A part of the page: a fenced block with its language, or text between blocks with none.
struct Part {
    language: Option<String>,
    text: String,
}

fn parts(page: &str) -> Vec<Part> {
    let mut parts = vec![Part { language: None, text: String::new() }];
    for line in page.split_inclusive('\n') {
        let last = parts.last_mut().unwrap();
        match (line.strip_prefix("```"), &last.language) {
            (Some(language), None) => {
                let language = Some(language.trim().to_owned());
                parts.push(Part { language, text: String::new() });
            }
            (Some(_), Some(_)) => parts.push(Part { language: None, text: String::new() }),
            (None, _) => last.text.push_str(line),
        }
    }
    parts
}

fn page(parts: &[Part]) -> String {
    let part = |part: &Part| match &part.language {
        Some(language) => format!("```{language}\n{}```\n", part.text),
        None => part.text.clone(),
    };
    parts.iter().map(part).collect()
}

/// A folder with what `cargo xtask build-python` leaves in the project's, and the page's examples.
fn scratch() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    symlink(Python::traced().path(), path("python27-traced")).unwrap();
    for name in ["trace27", "tracer.py"] {
        symlink(project().join(name), path(name)).unwrap();
    }
    fs::create_dir_all(path("docs/examples")).unwrap();
    for entry in fs::read_dir(project().join("docs/examples")).unwrap() {
        let name = entry.unwrap().file_name();
        let name = Path::new("docs/examples").join(name);
        if name.extension().is_some_and(|extension| extension == "py") {
            fs::copy(project().join(&name), folder.path().join(&name)).unwrap();
        }
    }
    folder
}

/// Runs a line as typed, and gives what it prints.
fn run(line: &str, folder: &Path) -> String {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("exec 2>&1; {line}")]).current_dir(folder).stdin(Stdio::null());
    command.env("PYTHONUSERBASE", folder.join("user")).env_remove("PYTHONDONTWRITEBYTECODE");
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let differs = text.contains("the traces diverge after");
    assert_eq!(output.status.code(), Some(i32::from(differs)), "`{line}`: {text}");
    text
}

#[test]
fn every_command_on_the_page_does_what_it_says() {
    let path = project().join(PAGE);
    let text = fs::read_to_string(&path).unwrap();
    let mut parts = parts(&text);
    let folder = scratch();
    let mut printed = None;
    let mut commands = 0;
    for part in &mut parts {
        match part.language.as_deref() {
            Some("sh") => {
                let lines = part.text.lines().filter(|line| {
                    let ours = !line.starts_with("cargo ");
                    assert!(ours || DONE.contains(line), "who has done `{line}`?");
                    ours
                });
                let output: String = lines
                    .map(|line| {
                        commands += 1;
                        run(line, folder.path())
                    })
                    .collect();
                printed = Some(output);
            }
            Some("text") => part.text = printed.take().expect("it follows commands"),
            Some("python") => {
                part.text = fs::read_to_string(project().join("docs/examples/emit.py")).unwrap();
            }
            Some(other) => panic!("what is `{other}`?"),
            None => {}
        }
    }
    assert!(commands > 15, "{commands}");
    let fresh = page(&parts);
    assert_golden(&path, fresh.as_bytes());
}
