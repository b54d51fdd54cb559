//! Where the ways part, and whether that means anything: a test that is not steady on plain
//! CPython proves nothing against ours.

use std::collections::BTreeSet;

use super::expected::Expected;
use super::outcome::Outcome;
use super::run::{Run, WAYS, Way};

/// One test file run in each way, in the order of [`WAYS`].
pub type Round = [Run; WAYS.len()];

/// Something about a test file that two ways do not share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The method; `None` for how the file ended.
    pub method: Option<String>,
    /// What plain CPython gave.
    pub unpatched: String,
    /// What the other way gave.
    pub other: String,
}

/// What differences come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// They are ours to mend or to explain.
    Differs,
    /// They are in the list, with this reason.
    Expected(String),
    /// They did not last; why they count for nothing.
    Unstable(&'static str),
}

/// The differences of one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The way, never the unpatched one.
    pub way: Way,
    /// What they come to.
    pub standing: Standing,
    /// At least one.
    pub differences: Vec<Difference>,
}

/// A test file and all that came of it.
#[derive(Debug)]
pub struct Judged {
    /// Its name.
    pub test: String,
    /// Among the others.
    pub first: Round,
    /// Alone, if the first round had differences.
    pub again: Vec<Round>,
    /// Plain CPython alone, if differences lasted: whether it is steady itself.
    pub plain: Vec<Run>,
    /// Empty if all ways were the same.
    pub findings: Vec<Finding>,
}

const UNSTEADY: &str = "plain CPython itself gives now this, now that";
const PASSING: &str = "run alone, all three are the same";

/// What parts `other` from `unpatched`.
pub fn differences(unpatched: &Outcome, other: &Outcome) -> Vec<Difference> {
    let mut found = Vec::new();
    if unpatched.ending != other.ending {
        let (unpatched, other) = (unpatched.ending.to_string(), other.ending.to_string());
        found.push(Difference { method: None, unpatched, other });
    }
    let names: BTreeSet<&String> = unpatched.methods.keys().chain(other.methods.keys()).collect();
    for name in names {
        let result = |outcome: &Outcome| outcome.methods.get(name).copied().unwrap_or("not run");
        let (unpatched, other) = (result(unpatched), result(other));
        if unpatched != other {
            let (unpatched, other) = (unpatched.to_owned(), other.to_owned());
            found.push(Difference { method: Some(name.clone()), unpatched, other });
        }
    }
    found
}

/// Whether a round has any difference.
pub fn differs(round: &Round) -> bool {
    round[1..].iter().any(|run| !differences(&round[0].outcome, &run.outcome).is_empty())
}

impl Judged {
    /// A test file of which only the first round is there.
    pub fn new(test: &str, first: Round) -> Judged {
        let (again, plain, findings) = (Vec::new(), Vec::new(), Vec::new());
        Judged { test: test.to_owned(), first, again, plain, findings }
    }

    /// Whether a way has differences that are neither explained nor unstable.
    pub fn differs(&self) -> bool {
        self.findings.iter().any(|finding| finding.standing == Standing::Differs)
    }

    /// Finds out what the differences come to, with all that has been run so far.
    pub fn judge(&mut self, expected: &Expected) {
        self.findings = findings(self, expected);
    }
}

fn findings(judged: &Judged, expected: &Expected) -> Vec<Finding> {
    let Judged { test, first, again, plain, .. } = judged;
    // What plain CPython does not give every time.
    let mut unsteady = BTreeSet::new();
    for run in again.iter().map(|round| &round[0]).chain(plain) {
        for difference in differences(&first[0].outcome, &run.outcome) {
            unsteady.insert(difference.method);
        }
    }
    let mut findings = Vec::new();
    for (at, &way) in WAYS.iter().enumerate().skip(1) {
        let of = |round: &Round| differences(&round[0].outcome, &round[at].outcome);
        let mut lasting: Vec<Difference> = Vec::new();
        for difference in again.iter().flat_map(of) {
            if !unsteady.contains(&difference.method) && !lasting.contains(&difference) {
                lasting.push(difference);
            }
        }
        let all: Vec<Difference> = [first].into_iter().chain(again).flat_map(of).collect();
        if !lasting.is_empty() {
            let reason = expected.reason(test, way, &lasting);
            let standing = reason.map_or(Standing::Differs, |why| Standing::Expected(why.into()));
            findings.push(Finding { way, standing, differences: lasting });
        } else if !all.is_empty() {
            let noise = all.iter().any(|difference| unsteady.contains(&difference.method));
            let standing = Standing::Unstable(if noise { UNSTEADY } else { PASSING });
            findings.push(Finding { way, standing, differences: all });
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use crate::regrtest::outcome::Ending;

    fn run(methods: &[(&str, &'static str)]) -> Run {
        let methods = methods.iter().map(|(name, result)| ((*name).to_owned(), *result)).collect();
        let outcome = Outcome { ending: Ending::Passed, methods };
        Run { outcome, tail: String::new(), time: Duration::ZERO }
    }

    fn round(results: [&'static str; 3]) -> Round {
        results.map(|result| run(&[("A.test_a", result), ("A.test_b", "ok")]))
    }

    fn standings(first: [&'static str; 3], again: &[[&'static str; 3]]) -> Vec<(Way, Standing)> {
        let mut judged = Judged::new("test_x", round(first));
        judged.again = again.iter().map(|results| round(*results)).collect();
        judged.judge(&Expected::default());
        judged.findings.into_iter().map(|finding| (finding.way, finding.standing)).collect()
    }

    #[test]
    fn what_lasts_is_a_difference() {
        let bad = ["ok", "ok", "failed"];
        assert!(differs(&round(bad)) && !differs(&round(["ok"; 3])));
        assert_eq!(standings(bad, &[bad, bad]), [(Way::Traced, Standing::Differs)]);
        // Now and then is often enough.
        assert_eq!(standings(bad, &[["ok"; 3], bad]), [(Way::Traced, Standing::Differs)]);
    }

    #[test]
    fn what_plain_cpython_does_itself_is_none() {
        let first = ["ok", "failed", "failed"];
        let again = [["failed", "ok", "failed"], first];
        let unsteady = Standing::Unstable(UNSTEADY);
        let both = [(Way::Untraced, unsteady.clone()), (Way::Traced, unsteady)];
        assert_eq!(standings(first, &again), both);
        let passing = Standing::Unstable(PASSING);
        assert_eq!(standings(first, &[["ok"; 3]; 2]).last(), Some(&(Way::Traced, passing)));
    }

    #[test]
    fn what_plain_cpython_does_in_one_more_run_is_none() {
        let bad = ["ok", "ok", "failed"];
        let mut judged = Judged::new("test_x", round(bad));
        judged.again = vec![round(bad); 2];
        judged.judge(&Expected::default());
        assert!(judged.differs());
        judged.plain.push(run(&[("A.test_a", "failed"), ("A.test_b", "ok")]));
        judged.judge(&Expected::default());
        assert!(!judged.differs() && judged.findings.len() == 1);
    }

    #[test]
    fn an_unsteady_method_hides_no_other() {
        let of = |unsteady, ours| {
            let methods = [("A.test_a", unsteady), ("A.test_b", "ok")];
            let traced = [("A.test_a", "ok"), ("A.test_b", ours)];
            [run(&methods), run(&methods), run(&traced)]
        };
        let mut judged = Judged::new("test_x", of("ok", "error"));
        judged.again = vec![of("failed", "error"), of("ok", "error")];
        judged.judge(&Expected::default());
        let finding = judged.findings.last().unwrap();
        assert_eq!((finding.way, &finding.standing), (Way::Traced, &Standing::Differs));
        assert_eq!(finding.differences.len(), 1);
        assert_eq!(finding.differences[0].method.as_deref(), Some("A.test_b"));
    }

    #[test]
    fn the_end_of_the_file_and_missing_methods_count() {
        let (mut left, right) = (run(&[("A.test_a", "ok")]), run(&[]));
        left.outcome.ending = Ending::Died("signal 11".into());
        let found = differences(&left.outcome, &right.outcome);
        assert_eq!(found[0].unpatched, "died (signal 11)");
        assert_eq!(found[1].other, "not run");
    }
}
