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
    /// Which table it is in.
    pub group: Group,
}

/// Programs that are taken together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Pure Python, in all ways.
    Pure,
    /// With modules in C that CPython does not ship, or ctypes; plain and recorded only.
    Extensions,
    /// What was once slow to record; plain and recorded only.
    Cliff,
}

const fn of(name: &'static str, path: &'static str, size: u32) -> Program {
    Program { name, path, size, group: Group::Pure }
}

const fn real(name: &'static str, path: &'static str, size: u32) -> Program {
    Program { group: Group::Extensions, ..of(name, path, size) }
}

const fn cliff(name: &'static str, path: &'static str, size: u32) -> Program {
    Program { group: Group::Cliff, ..of(name, path, size) }
}

/// The one that runs a function before its loop that only single-stepping can record.
pub const STEPPED: Program = cliff("stepped_once", "tests/bench/stepped_once.py", 12_000_000);

/// All of them: `tests/bench/README.md` says what each asks of a recorder.
pub const ALL: [Program; 26] = [
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
    real("jinja2", "tests/bench/real/jinja2_render.py", 900),
    real("yaml", "tests/bench/real/yaml_load.py", 170),
    real("sqlalchemy", "tests/bench/real/sqlalchemy_query.py", 190),
    real("gevent", "tests/bench/real/gevent_switch.py", 1_000_000),
    real("numpy", "tests/bench/real/numpy_calls.py", 14_000),
    real("simplejson", "tests/bench/real/simplejson_dumps.py", 14_000),
    real("uuid", "tests/bench/real/uuid_loop.py", 100_000),
    cliff("settrace", "tests/bench/real/own_settrace.py", 1_700_000),
    cliff("tree_walk", "tests/bench/tree_walk.py", 66_000),
    STEPPED,
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
    fn every_file_is_timed_and_described() {
        let layout = Layout::of_this_checkout().unwrap();
        let folder = layout.root().join("tests/bench");
        let told = fs::read_to_string(folder.join("README.md")).unwrap();
        let mut files = BTreeSet::new();
        for part in ["", "real/"] {
            for entry in fs::read_dir(folder.join(part)).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                if name.ends_with(".py") {
                    let file = format!("{part}{name}");
                    assert!(told.contains(&format!("`{file}`")), "README.md lacks `{file}`");
                    files.insert(file);
                }
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
