//! Reports, one for each kind of divergence: golden text beside this file, in `reports/`.
//!
//! `ACCEPT_GOLDEN=1 cargo test -p trace --test diff` writes new text; read it before it goes in.

#![allow(clippy::unwrap_used, reason = "a test says with it what must be")]

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io::Cursor;
use std::path::Path;

use similar::TextDiff;
use trace::diff::{Config, Report, compare};
use trace::input::Input;

fn input(name: &str, text: &str) -> Input {
    Input::from_reader(name, Box::new(Cursor::new(text.as_bytes().to_vec()))).unwrap()
}

fn diff(left: &str, right: &str, config: &Config) -> Report {
    compare(input("left.txt", left), input("right.txt", right), config).unwrap()
}

fn shown(report: &Report) -> String {
    let mut text = String::new();
    trace27::render::text::write(report, &mut text, Default::default()).unwrap();
    write!(text, "--- json\n{:#}\n", report.to_json()).unwrap();
    text
}

/// Compares with the text in `reports/`, both what people read and the JSON.
fn golden(name: &str, report: &Report) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/reports/{name}.txt"));
    let (is, was) = (shown(report), fs::read_to_string(&path).unwrap_or_default());
    if is == was {
        return;
    }
    if env::var_os("ACCEPT_GOLDEN").is_some_and(|value| value == "1") {
        assert!(env::var_os("CI").is_none(), "CI accepts nothing");
        fs::write(&path, is).unwrap();
        return;
    }
    let diff = TextDiff::from_lines(&was, &is);
    panic!("{name}: set ACCEPT_GOLDEN=1 to accept\n{}", diff.unified_diff());
}

/// Checks the class in the JSON, then the whole.
fn case(name: &str, class: &str, left: &str, right: &str) {
    let report = diff(left, right, &Config::default());
    assert_eq!(report.to_json()["divergences"][0]["hint"]["class"], class);
    golden(name, &report);
}

const START: &str = "\
<module>> 0 LOAD_CONST (<code object fact at 0x7f1d91148430, file \"p.py\", line 1>)
<module>> 3 MAKE_FUNCTION (0)
<module>> 6 STORE_NAME (fact)
<module>> 9 LOAD_NAME (fact)
<module>> 12 LOAD_CONST (5)
<module>> 15 CALL_FUNCTION (1)
fact> 0 LOAD_FAST (n)
fact> 3 LOAD_CONST (2)
fact> 6 COMPARE_OP (<)
";

fn after_start(lines: &[&str]) -> String {
    let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
    format!("{START}{lines}")
}

#[test]
fn other_program() {
    case(
        "other_program",
        "other-program",
        &after_start(&["fact> 9 POP_JUMP_IF_FALSE (16)", "fact> 16 LOAD_FAST (n)"]),
        &after_start(&["fact> 9 POP_JUMP_IF_TRUE (16)", "fact> 16 LOAD_FAST (n)"]),
    );
}

#[test]
fn ended_early() {
    case(
        "ended_early",
        "ended-early",
        &after_start(&["fact> 9 POP_JUMP_IF_FALSE (16)", "fact> 16 LOAD_FAST (n)"]),
        &START.replace("0x7f1d91148430", "0xb7"),
    );
}

#[test]
fn wrong_branch() {
    case(
        "wrong_branch",
        "wrong-branch",
        &after_start(&["fact> 9 POP_JUMP_IF_FALSE (16)", "fact> 16 LOAD_FAST (n)"]),
        &after_start(&["fact> 9 POP_JUMP_IF_FALSE (16)", "fact> 12 LOAD_CONST (1)"]),
    );
}

#[test]
fn wrong_branch_of_a_loop() {
    case(
        "wrong_branch_of_a_loop",
        "wrong-branch",
        "f> 21 GET_ITER\nf> 22 FOR_ITER (41)\nf> 25 STORE_FAST (i)\n",
        "f> 21 GET_ITER\nf> 22 FOR_ITER (41)\nf> 41 POP_BLOCK\n",
    );
}

#[test]
fn wrong_target() {
    case(
        "wrong_target",
        "wrong-target",
        &after_start(&["fact> 9 JUMP_FORWARD (30)", "fact> 30 LOAD_FAST (n)"]),
        &after_start(&["fact> 9 JUMP_FORWARD (30)", "fact> 18 LOAD_FAST (n)"]),
    );
}

#[test]
fn missing_call() {
    case(
        "missing_call",
        "missing-or-extra-call",
        &after_start(&["fact> 9 CALL_FUNCTION (1)", "fact> 0 LOAD_FAST (n)"]),
        &after_start(&["fact> 9 CALL_FUNCTION (1)", "fact> 12 POP_TOP"]),
    );
}

#[test]
fn extra_call() {
    case(
        "extra_call",
        "missing-or-extra-call",
        &after_start(&["fact> 9 BINARY_ADD", "fact> 10 POP_TOP"]),
        &after_start(&["fact> 9 BINARY_ADD", "__add__> 0 LOAD_FAST (self)"]),
    );
}

#[test]
fn other_call() {
    case(
        "other_call",
        "other-call",
        &after_start(&["fact> 9 CALL_FUNCTION (1)", "old> 0 LOAD_FAST (n)"]),
        &after_start(&["fact> 9 CALL_FUNCTION (1)", "new> 0 LOAD_FAST (n)"]),
    );
}

#[test]
fn exception() {
    case(
        "exception",
        "exception-handled-elsewhere",
        &after_start(&["fact> 9 BINARY_DIVIDE", "fact> 30 DUP_TOP"]),
        &after_start(&["fact> 9 BINARY_DIVIDE", "<module>> 40 DUP_TOP"]),
    );
}

#[test]
fn wrong_return() {
    case(
        "wrong_return",
        "wrong-return",
        &after_start(&["fact> 9 RETURN_VALUE", "<module>> 18 POP_TOP"]),
        &after_start(&["fact> 9 RETURN_VALUE", "fact> 18 POP_TOP"]),
    );
}

#[test]
fn operand_only() {
    case(
        "operand_only",
        "operand-only",
        &after_start(&["fact> 9 LOAD_CONST (a\nb)", "fact> 12 POP_TOP"]),
        &after_start(&["fact> 9 LOAD_CONST (a\nc)", "fact> 12 POP_TOP"]),
    );
}

const HEADER: &str = "{\"py27trace\":1,\"python\":\"2.7.18\"}\n\
                      {\"code\":1,\"name\":\"f\",\"file\":\"p.py\",\"line\":1}\n";

#[test]
fn stack_differs() {
    let steps = |value| {
        format!(
            "{HEADER}{{\"n\":1,\"d\":1,\"c\":1,\"pc\":0,\"op\":100,\"arg\":1,\"stack\":[]}}\n\
             {{\"n\":2,\"d\":1,\"c\":1,\"pc\":3,\"op\":83,\"stack\":[\"{value}\"]}}\n"
        )
    };
    case("stack_differs", "stack-differs", &steps("1"), &steps("2"));
}

#[test]
fn different_formats_compare_what_both_have() {
    let right = format!(
        "{HEADER}{{\"n\":1,\"c\":1,\"pc\":0,\"op\":100,\"arg\":1}}\n\
         {{\"n\":2,\"c\":1,\"pc\":3,\"op\":114,\"arg\":9}}\n\
         {{\"n\":3,\"c\":1,\"pc\":6,\"op\":9}}\n"
    );
    let left = "f> 0 LOAD_CONST (text)\nf> 3 POP_JUMP_IF_FALSE (9)\nf> 9 POP_TOP\n";
    case("formats", "wrong-branch", left, &right);
}

#[test]
fn several_divergences() {
    let left: String = (0..40).map(|n| format!("f> {} LOAD_CONST ({n})\n", 3 * n)).collect();
    let right = left
        .replace("f> 30 LOAD_CONST (10)\n", "f> 30 LOAD_CONST (-1)\n")
        .replace("f> 60 LOAD_CONST (20)\n", "f> 200 POP_TOP\nf> 201 NOP\n");
    let report = diff(&left, &right, &Config { max_divergences: 9, ..Config::default() });
    assert_eq!(report.divergences.len(), 2);
    golden("several", &report);
}

#[test]
fn it_gives_up_aloud() {
    let left: String = (0..6000).map(|n| format!("f> {n} NOP\n")).collect();
    let right = format!("f> 0 NOP\n{}", "g> 1 NOP\n".repeat(6000));
    let report = diff(&left, &right, &Config { max_divergences: 9, ..Config::default() });
    assert_eq!(report.divergences.len(), 1);
    let said = report.gave_up.clone().unwrap();
    assert!(said.contains("do not meet again within 2000 steps"), "{said}");
}

#[test]
fn what_is_ignored_is_counted() {
    let left = "f> 0 LOAD_CONST (tmp1)\nf> 3 LOAD_CONST (x)\nf> 6 POP_TOP\n";
    let right = "f> 0 LOAD_CONST (tmp2)\nf> 3 LOAD_CONST (x)\nf> 6 POP_TOP\n";
    let ignore = trace::diff::rules::Ignore::parse("operand:LOAD_CONST:^tmp").unwrap();
    let config = Config { ignore: vec![ignore], stat: true, ..Config::default() };
    golden("ignored", &diff(left, right, &config));
}

const WITH_PREFIX: &str = "\
m> 0 LOAD_NAME (x)
m> 3 EXTENDED_ARG (1)
m> 6 LOAD_CONST (big)
m> 9 EXTENDED_ARG (1)
m> 12 JUMP_ABSOLUTE (65536)
m> 65536 EXTENDED_ARG (1)
m> 65539 EXTENDED_ARG (1)
m> 65542 LOAD_CONST (big)
m> 65545 RETURN_VALUE
";

fn without(text: &str, drop: impl Fn(&str, &str) -> bool) -> String {
    let mut before = "";
    let mut kept = String::new();
    for line in text.lines() {
        if !drop(before, line) {
            writeln!(kept, "{line}").unwrap();
        }
        before = line;
    }
    kept
}

#[test]
fn a_side_without_prefixes_is_bridged() {
    let right = without(WITH_PREFIX, |_, line| line.contains("EXTENDED_ARG"));
    golden("without_prefix", &diff(WITH_PREFIX, &right, &Config::default()));
    assert!(diff(&right, WITH_PREFIX, &Config::default()).is_identical());
}

#[test]
fn a_side_without_what_follows_a_prefix_is_bridged() {
    let right = without(WITH_PREFIX, |before, _| before.contains("EXTENDED_ARG"));
    golden("without_what_follows", &diff(WITH_PREFIX, &right, &Config::default()));
    assert!(diff(&right, WITH_PREFIX, &Config::default()).is_identical());
}

const WITH_IMPORT: &str = "\
<module>> 0 LOAD_CONST (<code object f at 0x1, file \"p.py\", line 1>)
<module>> 3 IMPORT_NAME (json)
<module>> 0 LOAD_CONST (docs)
<module>> 3 STORE_NAME (__doc__)
<module>> 6 CALL_FUNCTION (0)
C> 0 LOAD_NAME (__name__)
C> 3 RETURN_VALUE
<module>> 9 RETURN_VALUE
<module>> 6 STORE_NAME (json)
<module>> 9 CALL_FUNCTION (0)
f> 0 CALL_FUNCTION (0)
dumps> 0 CALL_FUNCTION (0)
encode> 0 RETURN_VALUE
dumps> 3 RETURN_VALUE
f> 3 RETURN_VALUE
<module>> 12 RETURN_VALUE
at_exit> 0 RETURN_VALUE
";

#[test]
fn a_side_without_frames_of_modules_is_bridged() {
    let lines: Vec<&str> = WITH_IMPORT.lines().collect();
    let own = [0, 1, 8, 9, 10, 14, 15];
    let right: String = own.iter().map(|&line| format!("{}\n", lines[line])).collect();
    golden("without_frames", &diff(WITH_IMPORT, &right, &Config::default()));
    assert!(diff(&right, WITH_IMPORT, &Config::default()).is_identical());
    // The program's own functions are not.
    let own = [0, 1, 8, 9, 15];
    let right: String = own.iter().map(|&line| format!("{}\n", lines[line])).collect();
    let report = diff(WITH_IMPORT, &right, &Config::default());
    assert_eq!(report.to_json()["divergences"][0]["hint"]["class"], "missing-or-extra-call");
}

#[test]
fn a_trace_that_is_cut_short_is_trouble() {
    let cut = &START[..START.len() - 5];
    let compared = compare(input("a", START), input("b", cut), &Config::default());
    let said = compared.unwrap_err().to_string();
    assert!(said.starts_with("`b`, line 9 (byte 276): the trace was cut short"), "{said}");
}
