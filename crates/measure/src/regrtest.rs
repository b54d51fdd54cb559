//! `regrtest`: CPython's own test suite on plain CPython, on ours, and on ours while it traces.
//!
//! The three must give the same; what differs is run again alone, and printed.

use std::collections::VecDeque;
use std::fs;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::flags::Regrtest;
use xtask::build_python;
use xtask::deps::Needed;
use xtask::flags::Building;
use xtask::interpreter::Config;
use xtask::layout::{Kind, Layout};
use xtask::ui::{Stage, Ui};

mod expected;
mod judge;
mod outcome;
mod report;
mod run;

use expected::Expected;
use judge::{Judged, Round};
use run::{Interpreters, Run, WAYS, Way};

/// How often a test file that differs is run again, alone.
const AGAIN: usize = 2;

/// How often plain CPython is run at most, where a difference lasts: does it ever do the same?
const PLAIN: usize = 4;

/// Runs the command; status 1 if the three differ.
pub fn run(layout: &Layout, flags: &Regrtest, ui: &Ui) -> Result<ExitCode> {
    let interpreters = match (&flags.unpatched, &flags.ours) {
        (Some(unpatched), Some(ours)) => {
            let absolute =
                |path| fs::canonicalize(path).with_context(|| format!("no interpreter `{path:?}`"));
            Interpreters { unpatched: absolute(unpatched)?, ours: absolute(ours)? }
        }
        _ => build(layout, &flags.building, ui)?,
    };
    let all = run::all_tests(&interpreters.unpatched)?;
    let tests = match (flags.subset, flags.tests.as_slice()) {
        (true, _) => subset(layout)?,
        (false, []) => all.clone(),
        (false, chosen) => chosen.to_vec(),
    };
    known(&tests, &all)?;
    let suite = Suite {
        interpreters,
        expected: expected(layout)?,
        jobs: build_python::jobs(&flags.building),
        timeout: Duration::from_secs(flags.timeout),
    };
    let judged = suite.run(&tests, ui)?;
    print!("{}", report::text(&judged));
    if let Some(file) = &flags.json {
        fs::write(file, format!("{:#}\n", report::to_json(&judged)))
            .with_context(|| format!("cannot write `{}`", file.display()))?;
    }
    Ok(if report::differing(&judged) == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn build(layout: &Layout, building: &Building, ui: &Ui) -> Result<Interpreters> {
    let jobs = build_python::jobs(building);
    let build = |kind| {
        let config = Config::new(kind, jobs);
        build_python::build(layout, &config, building, Needed::BuildAndTests, ui)
    };
    let (unpatched, ours) = (build(Kind::Unpatched)?.python, build(Kind::Traced)?.python);
    Ok(Interpreters { unpatched, ours })
}

fn expected(layout: &Layout) -> Result<Expected> {
    Expected::read(&layout.root().join("tests/regrtest/expected.txt"))
}

fn subset(layout: &Layout) -> Result<Vec<String>> {
    let file = layout.root().join("tests/regrtest/subset.txt");
    let text =
        fs::read_to_string(&file).with_context(|| format!("cannot read `{}`", file.display()))?;
    let words = expected::entries_of(&text).flat_map(|(_, line)| line.split_whitespace());
    Ok(words.map(str::to_owned).collect())
}

fn known(tests: &[String], all: &[String]) -> Result<()> {
    let unknown: Vec<&str> =
        tests.iter().filter(|test| !all.contains(test)).map(String::as_str).collect();
    if !unknown.is_empty() {
        bail!(
            "CPython 2.7.18 has no test file `{}`; `python2.7 -m test.regrtest --list-tests` lists \
             them",
            unknown.join("`, `")
        );
    }
    Ok(())
}

/// What is run, and how.
struct Suite {
    interpreters: Interpreters,
    expected: Expected,
    /// How many test files run at once.
    jobs: usize,
    /// The longest that one may take.
    timeout: Duration,
}

impl Suite {
    /// Runs each test file in all ways, and those that differ again, one at a time.
    fn run(&self, tests: &[String], ui: &Ui) -> Result<Vec<Judged>> {
        let stage = ui.stage("CPython's own tests");
        let first = self.all_at_once(tests, &stage)?;
        let mut all = Vec::new();
        for (test, round) in tests.iter().zip(first) {
            let mut judged = Judged::new(test, round);
            if judge::differs(&judged.first) {
                stage.doing(&format!("{test} once more, alone"));
                self.look_again(&mut judged)?;
            }
            all.push(judged);
        }
        stage.done("");
        Ok(all)
    }

    /// Runs a test file that differs again, until it is clear what that means.
    fn look_again(&self, judged: &mut Judged) -> Result<()> {
        for _ in 0..AGAIN {
            judged.again.push(self.round(&judged.test)?);
        }
        judged.judge(&self.expected);
        while judged.differs() && judged.plain.len() < PLAIN {
            judged.plain.push(self.one(Way::Unpatched, &judged.test)?);
            judged.judge(&self.expected);
        }
        Ok(())
    }

    /// In the order of `tests`.
    fn all_at_once(&self, tests: &[String], stage: &Stage) -> Result<Vec<Round>> {
        let queue: Mutex<VecDeque<usize>> = Mutex::new((0..tests.len()).collect());
        let rounds = Mutex::new(Vec::new());
        let worker = || -> Result<()> {
            loop {
                let next = queue.lock().expect("no worker panics with it").pop_front();
                let Some(at) = next else { return Ok(()) };
                stage.doing(&format!("{}/{} {}", at + 1, tests.len(), tests[at]));
                let round = self.round(&tests[at]).inspect_err(|_| {
                    // The others need not go on.
                    queue.lock().expect("no worker panics with it").clear();
                })?;
                if judge::differs(&round) {
                    stage.say(&format!("{} differs; it will be run again alone", tests[at]));
                }
                rounds.lock().expect("no worker panics with it").push((at, round));
            }
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..self.jobs).map(|_| scope.spawn(worker)).collect();
            workers.into_iter().try_for_each(|worker| {
                worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
        })?;
        let mut rounds = rounds.into_inner().expect("no worker panics with it");
        rounds.sort_by_key(|(at, _)| *at);
        Ok(rounds.into_iter().map(|(_, round)| round).collect())
    }

    /// One after another, so that a test file never meets itself.
    fn round(&self, test: &str) -> Result<Round> {
        Ok([self.one(WAYS[0], test)?, self.one(WAYS[1], test)?, self.one(WAYS[2], test)?])
    }

    fn one(&self, way: Way, test: &str) -> Result<Run> {
        run::test(self.interpreters.python(way), way, test, self.timeout)
    }
}

#[cfg(test)]
mod tests;
