//! The programs that are timed, and how much work each is given.

use std::path::PathBuf;

use xtask::layout::{Kind, Layout};

/// A program and the size at which it runs for about half a second untraced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Program {
    /// What tables and `--only` call it.
    pub name: &'static str,
    /// Below the project, or below CPython's source where it starts with `Lib/`.
    path: &'static str,
    /// Its one argument; the instructions that it executes are in proportion.
    pub size: u32,
}

const fn of(name: &'static str, path: &'static str, size: u32) -> Program {
    Program { name, path, size }
}

/// All of them: `tests/bench/README.md` says what each asks of a recorder.
pub const ALL: [Program; 16] = [
    of("pystone", "Lib/test/pystone.py", 170_000),
    of("richards", "tests/bench/richards.py", 270),
    of("deltablue", "tests/bench/deltablue.py", 230),
    of("nbody", "tests/bench/nbody.py", 60_000),
    of("json", "tests/bench/json_pure.py", 270),
    of("pickle", "tests/bench/pickle_pure.py", 120),
    of("re", "tests/bench/re_compile.py", 500),
    of("generators", "tests/bench/generators.py", 3_800),
    of("exceptions", "tests/bench/exceptions.py", 18_000),
    of("deep_calls", "tests/bench/deep_calls.py", 2_700),
    of("big_import", "tests/bench/big_import.py", 6),
    of("calls", "tests/bench/calls.py", 1_900),
    LOOPS,
    of("library", "tests/bench/library.py", 1_100),
    of("tiny_calls", "tests/bench/tiny_calls.py", 4_500),
    of("branches", "tests/bench/branches.py", 700),
];

/// The one whose every round is the same number of instructions.
pub const LOOPS: Program = of("loops", "tests/bench/loops.py", 1_100);

impl Program {
    /// Its file.
    pub fn path(&self, layout: &Layout) -> PathBuf {
        if self.path.starts_with("Lib/") {
            layout.tree(Kind::Traced).join(self.path)
        } else {
            layout.root().join(self.path)
        }
    }

    /// The size at a part of the work: a round at the least.
    pub fn part(&self, divisor: u32) -> u32 {
        (self.size / divisor).max(1)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;

    #[test]
    fn every_file_is_timed_and_told() {
        let layout = Layout::of_this_checkout().unwrap();
        let folder = layout.root().join("tests/bench");
        let told = fs::read_to_string(folder.join("README.md")).unwrap();
        let mut files = BTreeSet::new();
        for entry in fs::read_dir(&folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.ends_with(".py") {
                assert!(told.contains(&format!("`{name}`")), "README.md does not tell `{name}`");
                files.insert(name);
            }
        }
        for helper in ["reference.py", "peak.py"] {
            assert!(files.remove(helper), "{helper}");
        }
        let timed = ALL.iter().filter_map(|program| program.path.strip_prefix("tests/bench/"));
        assert_eq!(timed.map(str::to_owned).collect::<BTreeSet<_>>(), files);
    }

    #[test]
    fn a_part_is_never_nothing() {
        assert_eq!(LOOPS.part(10), 110);
        assert_eq!(LOOPS.part(100_000), 1);
    }
}
