//! The results for people and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value, json};

use super::judge::{Difference, Finding, Judged, Standing};
use super::run::{Run, WAYS, Way};

/// The sets that are always counted; others only where a test is in them.
const SETS: [&str; 3] = ["passed", "failed", "skipped"];

/// How many methods of a finding are printed.
const SHOWN: usize = 20;

/// What is printed: counts, sets of plain CPython, and each difference.
pub fn text(judged: &[Judged]) -> String {
    let mut text = counts(judged);
    for (set, tests) in sets(judged, 0) {
        if set != SETS[0] {
            let _ = writeln!(text, "{set} on plain CPython: {}", tests.join(" "));
        }
    }
    for test in judged {
        for finding in &test.findings {
            describe(test, finding, &mut text);
        }
    }
    let differing = differing(judged);
    match differing {
        0 => text.push_str("the three sets are the same\n"),
        1 => text.push_str("1 test file differs\n"),
        _ => {
            let _ = writeln!(text, "{differing} test files differ");
        }
    }
    text
}

/// How many test files have a difference that is neither explained nor unsteady.
pub fn differing(judged: &[Judged]) -> usize {
    judged.iter().filter(|test| test.differs()).count()
}

fn counts(judged: &[Judged]) -> String {
    let mut names: Vec<&str> = SETS.into();
    let by_way: Vec<_> = (0..WAYS.len()).map(|at| sets(judged, at)).collect();
    for set in by_way.iter().flat_map(BTreeMap::keys) {
        if !names.contains(set) {
            names.push(set);
        }
    }
    let files = if judged.len() == 1 { "file" } else { "files" };
    let mut text = format!("{} test {files}\n", judged.len());
    for (way, sets) in WAYS.iter().zip(&by_way) {
        let _ = write!(text, "{:<10}", way.name());
        let count = |name| sets.get(name).map_or(0, Vec::len);
        let cells: Vec<String> =
            names.iter().map(|name| format!("{} {name}", count(name))).collect();
        let _ = writeln!(text, " {}", cells.join(", "));
    }
    text
}

/// The test files by how they ended at first in one way.
fn sets(judged: &[Judged], at: usize) -> BTreeMap<&'static str, Vec<&str>> {
    let mut sets: BTreeMap<_, Vec<&str>> = BTreeMap::new();
    for test in judged {
        sets.entry(test.first[at].outcome.ending.set()).or_default().push(&test.test);
    }
    sets
}

fn describe(test: &Judged, finding: &Finding, text: &mut String) {
    let (word, why) = standing(&finding.standing);
    let _ = write!(text, "\n{word}: {}, {}", test.test, finding.way.name());
    let _ = writeln!(text, "{}", why.map(|why| format!(": {why}")).unwrap_or_default());
    for Difference { method, unpatched, other } in finding.differences.iter().take(SHOWN) {
        let what = method.as_deref().unwrap_or("the file");
        let _ = writeln!(text, "  {what}: {unpatched}, here {other}");
    }
    if let Some(more) = finding.differences.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        let _ = writeln!(text, "  and {more} methods more");
    }
    if matches!(finding.standing, Standing::Expected(_)) {
        return;
    }
    for way in [Way::Unpatched, finding.way] {
        let at = WAYS.iter().position(|&other| other == way).unwrap_or_default();
        let _ = writeln!(text, "  the end of its output, {}:", way.name());
        for line in last_round(test)[at].tail.lines() {
            let _ = writeln!(text, "  | {line}");
        }
    }
}

/// The one with the least around it.
fn last_round(test: &Judged) -> &[Run; WAYS.len()] {
    test.again.last().unwrap_or(&test.first)
}

fn standing(standing: &Standing) -> (&'static str, Option<&str>) {
    match standing {
        Standing::Differs => ("differs", None),
        Standing::Expected(why) => ("expected", Some(why)),
        Standing::Unstable(why) => ("unstable", Some(why)),
    }
}

/// All results.
pub fn to_json(judged: &[Judged]) -> Value {
    let tests: Vec<Value> = judged.iter().map(test_json).collect();
    json!({ "differing": differing(judged), "tests": tests })
}

fn test_json(test: &Judged) -> Value {
    let findings: Vec<Value> = test
        .findings
        .iter()
        .map(|finding| {
            let (word, why) = standing(&finding.standing);
            let differences: Vec<Value> = finding
                .differences
                .iter()
                .map(|one| json!({ "method": one.method, "unpatched": one.unpatched, "other": one.other }))
                .collect();
            json!({ "way": finding.way.name(), "standing": word, "why": why, "differences": differences })
        })
        .collect();
    let rounds: Vec<Value> = [&test.first].into_iter().chain(&test.again).map(round_json).collect();
    let plain: Vec<Value> = test.plain.iter().map(run_json).collect();
    json!({ "test": test.test, "findings": findings, "rounds": rounds, "unpatched_again": plain })
}

fn round_json(round: &[Run; WAYS.len()]) -> Value {
    let ways = WAYS.iter().zip(round).map(|(way, run)| (way.name().to_owned(), run_json(run)));
    Value::Object(ways.collect())
}

fn run_json(run: &Run) -> Value {
    json!({
        "ending": run.outcome.ending.to_string(),
        "seconds": run.time.as_secs_f64(),
        "methods": run.outcome.methods,
    })
}
