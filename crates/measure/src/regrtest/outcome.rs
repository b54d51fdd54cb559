//! What regrtest said of one test file: its summary, and each test method with its result.
//!
//! Reads the standard output of `python -m test.regrtest -v TEST` (Lib/test/regrtest.py,
//! `display_result`; Lib/unittest/runner.py, `TextTestResult`).

use std::collections::BTreeMap;
use std::fmt;

/// How a test file ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All of its methods passed, or were skipped one by one.
    Passed,
    /// At least one failed.
    Failed,
    /// The file as a whole does not apply here.
    Skipped,
    /// It passed, and left something in the process that it should not have.
    EnvironmentChanged,
    /// There was nothing to run in it.
    NoTests,
    /// Its process ended without a summary, with this status or by this signal.
    Died(String),
    /// It was ended because it took too long.
    TimedOut,
}

impl Ending {
    /// The set that regrtest's own summary would put it in.
    pub fn set(&self) -> &'static str {
        match self {
            Ending::Passed => "passed",
            Ending::Failed => "failed",
            Ending::Skipped => "skipped",
            Ending::EnvironmentChanged => "changed the environment",
            Ending::NoTests => "ran no tests",
            Ending::Died(_) => "died",
            Ending::TimedOut => "timed out",
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Ending::Died(how) => write!(f, "died ({how})"),
            other => f.write_str(other.set()),
        }
    }
}

/// What came of one test file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How it ended.
    pub ending: Ending,
    /// Its methods, `Class.method`, as far as its output names them.
    pub methods: BTreeMap<String, &'static str>,
}

/// The words that unittest writes behind a method, and what they are called here.
const RESULTS: [(&str, &str); 7] = [
    ("ok", OK),
    ("FAIL", FAILED),
    ("ERROR", ERROR),
    ("expected failure", "expected failure"),
    ("unexpected success", "unexpected success"),
    ("skipped '", SKIPPED),
    ("skipped \"", SKIPPED),
];

const OK: &str = "ok";
const FAILED: &str = "failed";
const ERROR: &str = "error";
const SKIPPED: &str = "skipped";
const UNFINISHED: &str = "no result";

/// What the output says; `status` is that of the process, in words, where it was not zero.
pub fn read(output: &str, status: Option<&str>) -> Outcome {
    let ending = summary(output).unwrap_or_else(|| {
        Ending::Died(status.map_or_else(|| "status 0, no summary".to_owned(), str::to_owned))
    });
    Outcome { ending, methods: methods(output) }
}

/// The last summary: a test may run regrtest itself.
fn summary(output: &str) -> Option<Ending> {
    let at = output.rfind("== Tests result: ")?;
    output[at..].lines().find_map(|line| match line.strip_prefix("1 test ")? {
        "OK." => Some(Ending::Passed),
        "failed:" => Some(Ending::Failed),
        "skipped:" => Some(Ending::Skipped),
        "altered the execution environment:" => Some(Ending::EnvironmentChanged),
        "run no tests:" => Some(Ending::NoTests),
        _ => None,
    })
}

fn methods(output: &str) -> BTreeMap<String, &'static str> {
    let mut found = Methods::default();
    for line in output.lines() {
        let failure = line.strip_prefix("FAIL: ").map(|rest| (rest, FAILED));
        let failure = failure.or_else(|| Some((line.strip_prefix("ERROR: ")?, ERROR)));
        if let Some((rest, result)) = failure {
            if let Some((name, _)) = heading(rest) {
                found.failed(name, result);
            }
            continue;
        }
        let rest = match heading(line) {
            Some((name, rest)) => {
                found.starts(name);
                rest
            }
            None => line,
        };
        if let Some(result) = result_at_end(rest) {
            found.ends(result);
        }
    }
    found.finish()
}

/// The methods so far, and the one that runs.
#[derive(Default)]
struct Methods {
    results: BTreeMap<String, &'static str>,
    running: Option<String>,
}

impl Methods {
    fn starts(&mut self, name: String) {
        self.ends(UNFINISHED);
        // Some files run a class twice.
        let mut unique = name.clone();
        let mut count = 1;
        while self.results.contains_key(&unique) {
            count += 1;
            unique = format!("{name} #{count}");
        }
        self.running = Some(unique);
    }

    fn ends(&mut self, result: &'static str) {
        if let Some(name) = self.running.take() {
            self.results.insert(name, result);
        }
    }

    /// The list of failures, which comes after all methods, has what no other line says:
    /// `setUpClass`, and what a child's output tore apart.
    fn failed(&mut self, name: String, result: &'static str) {
        self.ends(UNFINISHED);
        let known = self.results.get(&name);
        if known.is_none_or(|known| *known != FAILED && *known != ERROR) {
            self.results.insert(name, result);
        }
    }

    fn finish(mut self) -> BTreeMap<String, &'static str> {
        self.ends(UNFINISHED);
        self.results
    }
}

/// `test_x (test.test_gc.GCTests)` at the start of a line: `GCTests.test_x`, and what follows.
fn heading(line: &str) -> Option<(String, &str)> {
    let (method, rest) = line.split_once(" (")?;
    let (class, rest) = rest.split_once(')')?;
    let is_word = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let is_method = is_word(method) && (rest.is_empty() || rest.starts_with(" ... "));
    if !is_method || !class.contains('.') || !class.split('.').all(is_word) {
        return None;
    }
    let class = class.rsplit('.').next()?;
    Some((format!("{class}.{method}"), rest))
}

/// The result that a line ends with, whatever the method printed before it.
fn result_at_end(line: &str) -> Option<&'static str> {
    let word = line.rsplit(" ... ").next()?;
    // What a file of doctests alone says.
    if word.ends_with(" tests with zero failures") {
        return Some(OK);
    }
    let found = RESULTS.iter().find(|(wanted, _)| {
        word == *wanted || wanted.starts_with("skipped") && word.starts_with(wanted)
    });
    found.map(|(_, result)| *result)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\
== CPython 2.7.18
Run tests sequentially
0:00:00 load avg: 0.95 [1/1] test_x
test_a (test.test_x.XTests) ... ok
test_b (test.test_x.XTests)
The first line of its documentation. ... ok
test_c (test.test_x.XTests) ... printed
more (of it)
ok
test_d (test.test_x.XTests) ... skipped 'not here'
test_e (test.test_x.XTests) ... FAIL
test_f (test.test_x.Other) ... ok
test_f (test.test_x.Other) ... expected failure
test_g (test.test_x.Other) ... test_h (test.test_x.Other) ... ok
doctest (test.test_x) ... 7 tests with zero failures

======================================================================
ERROR: setUpClass (test.test_x.Third)
FAIL: test_e (test.test_x.XTests)
----------------------------------------------------------------------
";

    fn ended(with: &str) -> String {
        format!(
            "{OUTPUT}\n== Tests result: WHATEVER ==\n\n{with}\n    test_x\n\nTotal duration: 3 s\n"
        )
    }

    #[test]
    fn each_ending_is_told_by_the_summary() {
        for (line, ending) in [
            ("1 test OK.", Ending::Passed),
            ("1 test failed:", Ending::Failed),
            ("1 test skipped:", Ending::Skipped),
            ("1 test altered the execution environment:", Ending::EnvironmentChanged),
            ("1 test run no tests:", Ending::NoTests),
        ] {
            assert_eq!(read(&ended(line), None).ending, ending);
        }
        assert_eq!(read(OUTPUT, Some("signal: 11")).ending, Ending::Died("signal: 11".into()));
        assert_eq!(read("", None).ending.to_string(), "died (status 0, no summary)");
    }

    #[test]
    fn methods_are_found_among_what_they_print() {
        let methods = read(&ended("1 test failed:"), None).methods;
        let methods: Vec<(&str, &str)> =
            methods.iter().map(|(name, result)| (name.as_str(), *result)).collect();
        assert_eq!(
            methods,
            [
                ("Other.test_f", "ok"),
                ("Other.test_f #2", "expected failure"),
                ("Other.test_g", "ok"),
                ("Third.setUpClass", "error"),
                ("XTests.test_a", "ok"),
                ("XTests.test_b", "ok"),
                ("XTests.test_c", "ok"),
                ("XTests.test_d", "skipped"),
                ("XTests.test_e", "failed"),
                ("test_x.doctest", "ok"),
            ]
        );
    }

    #[test]
    fn a_method_in_which_the_process_died_has_no_result() {
        let outcome = read("test_a (test.test_x.XTests) ... Segmentation fault\n", Some("139"));
        assert_eq!(outcome.methods["XTests.test_a"], "no result");
    }
}
