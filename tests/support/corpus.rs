//! The programs that are traced, and a way to do it on all processors.

use std::collections::VecDeque;
use std::fmt::Display;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::project;

/// A program and where it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The folder to start it in.
    pub folder: PathBuf,
    /// The program's path below the folder, then its arguments.
    pub command: Vec<String>,
}

impl Program {
    /// The name that tests speak of.
    pub fn name(&self) -> String {
        self.command.join(" ")
    }

    /// The command as string slices.
    pub fn arguments(&self) -> Vec<&str> {
        self.command.iter().map(String::as_str).collect()
    }
}

/// The programs of a folder below `tests/corpus`, `""` for the top, by name.
pub fn programs(folder: &str) -> Vec<Program> {
    let corpus = project().join("tests/corpus");
    let mut names: Vec<String> = fs::read_dir(corpus.join(folder))
        .expect("the corpus can be read")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".py"))
        .collect();
    names.sort();
    assert!(!names.is_empty(), "no programs in `{folder}`");
    let command = |name| vec![Path::new(folder).join(name).display().to_string()];
    names
        .into_iter()
        .map(|name| Program { folder: corpus.clone(), command: command(name) })
        .collect()
}

/// The programs of CPython's own source tree that `real_programs.txt` lists.
pub fn real_programs() -> Vec<Program> {
    let tree = std::env::var_os("INTEGRATION_TREE").expect("`cargo xtask test` sets it");
    let list = project().join("tests/corpus/real_programs.txt");
    fs::read_to_string(list)
        .expect("the list of real programs can be read")
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default())
        .filter(|line| !line.trim().is_empty())
        .map(|line| Program {
            folder: PathBuf::from(&tree),
            command: line.split_whitespace().map(str::to_owned).collect(),
        })
        .collect()
}

/// The programs that `cargo xtask bench` times, at their smallest size.
pub fn timed_programs() -> Vec<Program> {
    let folder = project().join("tests/bench");
    let mut names: Vec<String> = fs::read_dir(&folder)
        .expect("the timed programs can be read")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".py") && !["peak.py", "reference.py"].contains(&&**name))
        .collect();
    names.sort();
    assert!(names.len() > 8, "{names:?}");
    names
        .into_iter()
        .map(|name| Program { folder: folder.clone(), command: vec![name, "1".to_owned()] })
        .collect()
}

/// Runs a check on each program, on all processors, and panics with all that failed.
pub fn in_parallel(programs: Vec<Program>, check: impl Fn(&Program) + Sync) {
    each_in_parallel(programs, Program::name, check);
}

/// Runs a check of each of these on as many threads as there are processors, and fails with the
/// messages of all that failed, each under its name.
pub fn each_in_parallel<T: Send, N: Display>(
    items: Vec<T>,
    name: impl Fn(&T) -> N + Sync,
    check: impl Fn(&T) + Sync,
) {
    let queue = Mutex::new(VecDeque::from(items));
    let failures = Mutex::new(Vec::new());
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().expect("no check panics with the lock").pop_front();
                    let Some(item) = next else { break };
                    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| check(&item))) {
                        let message = panic
                            .downcast_ref::<String>()
                            .map(String::as_str)
                            .or_else(|| panic.downcast_ref::<&str>().copied())
                            .unwrap_or("?");
                        let failure = format!("{}: {message}", name(&item));
                        failures.lock().expect("no check panics with the lock").push(failure);
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().expect("no check panics with the lock");
    failures.sort();
    assert!(failures.is_empty(), "{} failed:\n{}", failures.len(), failures.join("\n\n"));
}
