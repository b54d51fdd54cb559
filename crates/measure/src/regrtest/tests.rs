//! The whole command with a shell script in the interpreters' place.

use super::*;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use judge::Standing;

/// Answers as regrtest does: each test file's name says what it does.
const PYTHON: &str = r#"#!/bin/sh
# -m test.regrtest -v TEST
test=$4
traced=${PYTHON27_TRACED_FILE:+yes}
end() { printf '\n== Tests result: X ==\n\n1 test %s\n' "$1"; }
method() { echo "test_a (test.$test.XTests) ... $1"; }
case $3-$test in
--list-tests-) printf 'test_same\ntest_dies\n' ;;
-v-test_same) method ok; end OK. ;;
-v-test_lasting) if [ $traced ]; then method FAIL; end failed:; exit 2; fi; method ok; end OK. ;;
-v-test_dies) printf 'test_a (test.test_dies.XTests) ... '; kill -SEGV $$ ;;
-v-test_slow) if [ $traced ]; then sleep 1000; fi; method ok; end OK. ;;
-v-test_torn) printf 'test_a (test.test_torn.XT'; echo noise >&2; echo 'ests) ... ok'; end OK. ;;
-v-test_surroundings)
    method ok
    printenv | grep -v -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD= | cut -d = -f 1 | sort | tr '\n' ' '
    case $HOME in "$TMPDIR") [ "$PWD" = "$HOME" ] && echo its own folder ;; esac
    [ -z "$(cat)" ] && echo no input
    exit 3 ;;
-v-test_unsteady) method ok; [ -e COUNTER ] && rm COUNTER && end OK. || { : > COUNTER; end failed:; } ;;
esac
"#;

fn suite(folder: &Path) -> Suite {
    let python = folder.join("python2.7");
    let counter = folder.join("counter").display().to_string();
    fs::write(&python, PYTHON.replace("COUNTER", &counter)).unwrap();
    fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
    Suite {
        interpreters: Interpreters { unpatched: python.clone(), ours: python },
        expected: Expected::default(),
        jobs: 2,
        timeout: Duration::from_secs(60),
    }
}

fn judged(suite: &Suite, tests: &[&str]) -> Vec<Judged> {
    let tests: Vec<String> = tests.iter().map(|test| (*test).to_owned()).collect();
    suite.run(&tests, &Ui::on_stderr()).unwrap()
}

#[test]
fn what_differs_is_run_again_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    let judged = judged(&suite(folder.path()), &["test_same", "test_lasting", "test_dies"]);
    let [same, lasting, dies] = judged.as_slice() else { panic!("{judged:?}") };
    assert!(same.findings.is_empty() && same.again.is_empty());
    assert_eq!((lasting.again.len(), lasting.plain.len()), (AGAIN, PLAIN));
    let [finding] = lasting.findings.as_slice() else { panic!("{lasting:?}") };
    assert_eq!((finding.way, &finding.standing), (Way::Traced, &Standing::Differs));
    assert!(dies.findings.is_empty(), "{dies:?}");
    assert_eq!(report::differing(&judged), 1);

    let text = report::text(&judged);
    for part in [
        "3 test files\nunpatched  2 passed, 0 failed, 0 skipped, 1 died\n",
        "\ntraced     1 passed, 1 failed, 0 skipped, 1 died\n",
        "\ndied on plain CPython: test_dies\n",
        "\ndiffers: test_lasting, traced\n  the file: passed, here failed\n  \
         XTests.test_a: ok, here failed\n",
        "  the end of its output, traced:\n  | test_a (test.test_lasting.XTests) ... FAIL\n",
        "\n1 test file differs\n",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let json = report::to_json(&judged);
    assert_eq!(json["differing"], 1);
    assert_eq!(json["tests"][2]["rounds"][0]["traced"]["ending"], "died (signal 11)");
    assert_eq!(json["tests"][2]["rounds"][0]["traced"]["methods"]["XTests.test_a"], "no result");
}

#[test]
fn a_test_that_is_not_steady_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let judged = judged(&suite(folder.path()), &["test_unsteady"]);
    assert_eq!(report::differing(&judged), 0);
    let text = report::text(&judged);
    assert!(text.contains("\nunstable: test_unsteady, untraced: plain CPython itself"), "{text}");
    assert!(text.ends_with("the three sets are the same\n"), "{text}");
}

#[test]
fn standard_error_tears_no_line_of_the_results() {
    let folder = tempfile::tempdir().unwrap();
    let suite = suite(folder.path());
    let python: &PathBuf = &suite.interpreters.ours;
    let run = run::test(python, Way::Untraced, "test_torn", suite.timeout).unwrap();
    assert_eq!(run.outcome.methods["XTests.test_a"], "ok");
    assert!(run.tail.ends_with("1 test OK.\nstandard error:\nnoise"), "{}", run.tail);
}

#[test]
fn a_test_that_takes_too_long_is_ended_with_its_children() {
    let folder = tempfile::tempdir().unwrap();
    let mut suite = suite(folder.path());
    suite.timeout = Duration::from_secs(1);
    let start = Instant::now();
    let run = run::test(&suite.interpreters.ours, Way::Traced, "test_slow", suite.timeout).unwrap();
    assert_eq!(run.outcome.ending, outcome::Ending::TimedOut);
    assert!(start.elapsed() < Duration::from_secs(500), "{:?}", start.elapsed());
}

#[test]
fn each_test_has_the_same_surroundings_and_a_folder_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let suite = suite(folder.path());
    for (way, tracing) in
        [(Way::Untraced, ""), (Way::Traced, "PYTHON27_TRACED_FILE PYTHON27_TRACED_OPTIONS ")]
    {
        let python: &PathBuf = &suite.interpreters.ours;
        let run = run::test(python, way, "test_surroundings", suite.timeout).unwrap();
        let wanted = format!("HOME LC_ALL PATH {tracing}TMPDIR its own folder\nno input");
        assert!(run.tail.ends_with(&wanted), "{}", run.tail);
        assert_eq!(run.outcome.ending.to_string(), "died (status 3)");
    }
}

#[test]
fn the_lists_can_be_read_and_unknown_names_are_refused() {
    let layout = Layout::of_this_checkout().unwrap();
    expected(&layout).unwrap();
    let subset = subset(&layout).unwrap();
    assert!(subset.contains(&"test_grammar".to_owned()), "{subset:?}");
    let folder = tempfile::tempdir().unwrap();
    let all = run::all_tests(&suite(folder.path()).interpreters.ours).unwrap();
    assert_eq!(all, ["test_same", "test_dies"]);
    let error = known(&["test_same".into(), "test_nothing".into()], &all).unwrap_err().to_string();
    assert!(error.contains("no test file `test_nothing`;"), "{error}");
}
