//! What must hold of any two traces: the first divergence is the first edit, and nothing differs
//! from itself, however the traces are read and whatever the addresses in them.

#![allow(clippy::unwrap_used, reason = "a test says with it what must be")]

use std::fs;
use std::io::{self, Cursor, Read};

use proptest::prelude::*;
use trace::diff::{Config, Report, compare};
use trace::input::Input;

/// A step: code object, offset, kind, and an address where it has one.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Step {
    name: usize,
    pc: u32,
    kind: usize,
}

fn line(step: &Step, address: u64) -> String {
    let name = ["<module>", "f", "<lambda>", "a_long_name_of_a_function"][step.name];
    let kind = match step.kind {
        0 => "POP_TOP".to_owned(),
        1 => "RETURN_VALUE".to_owned(),
        2 => "CALL_FUNCTION (1)".to_owned(),
        3 => format!("LOAD_CONST (<code object g at 0x{address:x}, file \"p\", line 3>)"),
        4 => "LOAD_CONST (two\nlines> 1 POP_TOP\nand) more)".to_owned(),
        5 => "JUMP_ABSOLUTE (0)".to_owned(),
        6 => "LOAD_NAME (range)".to_owned(),
        _ => "COMPARE_OP (>)".to_owned(),
    };
    format!("{name}> {} {kind}\n", step.pc)
}

fn text(steps: &[Step], mut address: u64) -> String {
    steps
        .iter()
        .map(|step| {
            // Of other lengths, too.
            address = address.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            line(step, address >> (address % 60))
        })
        .collect()
}

fn step() -> impl Strategy<Value = Step> {
    (0..4usize, 0..400u32, 0..8usize).prop_map(|(name, pc, kind)| Step { name, pc, kind })
}

/// Steps that repeat, so that there are blocks of them.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    (prop::collection::vec(step(), 1..60), 1..200usize)
        .prop_map(|(steps, times)| steps.repeat(times))
}

/// Gives a few bytes at a time.
struct Drip(Cursor<Vec<u8>>, usize);

impl Read for Drip {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let len = out.len().min(self.1);
        self.0.read(&mut out[..len])
    }
}

fn streamed(text: &str) -> Input {
    let reader = Drip(Cursor::new(text.as_bytes().to_vec()), 100_003);
    Input::from_reader("stream", Box::new(reader)).unwrap()
}

/// Both ways of reading must find the same.
fn both_ways(left: &str, right: &str, config: &Config) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let [l, r] = ["left", "right"].map(|name| folder.path().join(name));
    fs::write(&l, left).unwrap();
    fs::write(&r, right).unwrap();
    let mapped = compare(Input::open(&l).unwrap(), Input::open(&r).unwrap(), config).unwrap();
    let streamed = compare(streamed(left), streamed(right), config).unwrap();
    assert_eq!(mapped.common, streamed.common);
    let found = |report: &Report| {
        let mut json = report.to_json();
        json.as_object_mut().unwrap().retain(|key, _| key == "divergences" || key == "omissions");
        format!("{json:#}")
    };
    // Not `assert_eq`: the two are long.
    let (one, other) = (found(&mapped), found(&streamed));
    if one != other {
        let diff = similar::TextDiff::from_lines(&one, &other);
        panic!("{}", diff.unified_diff().context_radius(2));
    }
    mapped
}

/// `depth` calls into each other, `wide` of each; as a real program makes them.
fn calls(depth: usize, wide: usize, out: &mut String) {
    let name = ["<module>", "f", "g", "h", "f"][depth];
    *out += &format!("{name}> 0 LOAD_FAST (n)\n{name}> 3 SETUP_LOOP (30)\n");
    for _ in 0..if depth < 4 { wide } else { 0 } {
        *out += &format!("{name}> 6 CALL_FUNCTION (0)\n");
        calls(depth + 1, wide, out);
        *out += &format!("{name}> 9 JUMP_ABSOLUTE (6)\n");
    }
    *out += &format!("{name}> 12 RETURN_VALUE\n");
}

#[test]
fn the_call_path_is_the_same_however_a_trace_is_read() {
    let mut text = String::new();
    calls(0, 8, &mut text);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    for at in (1_000..lines.len()).step_by(3_919) {
        let right = lines[..at].concat() + "f> 999 NOP\n";
        let folder = tempfile::tempdir().unwrap();
        let [l, r] = ["left", "right"].map(|name| folder.path().join(name));
        fs::write(&l, &text).unwrap();
        fs::write(&r, &right).unwrap();
        let config = Config::default();
        let mapped = compare(Input::open(&l).unwrap(), Input::open(&r).unwrap(), &config).unwrap();
        let streamed = compare(streamed(&text), streamed(&right), &config).unwrap();
        let path = |report: &Report| report.to_json()["divergences"][0]["call_path"].to_string();
        assert_eq!(path(&mapped), path(&streamed), "{at}");
    }
}

/// A program's own steps, some of which call into a module; with the module's frames, and without.
fn imports(calls: &[usize], times: usize) -> [String; 2] {
    let mut texts = [0, 1].map(|_| {
        "<module>> 0 LOAD_CONST (<code object g at 0x1, file \"p\", line 3>)\n".to_owned()
    });
    for call in (0..times).flat_map(|_| calls) {
        let (own, foreign) = [
            ("<module>> 3 POP_TOP\n", ""),
            ("<module>> 4 CALL_FUNCTION (1)\n", "lib> 0 POP_TOP\nlib> 1 RETURN_VALUE\n"),
            ("<module>> 7 IMPORT_NAME (x)\n", "<module>> 0 NOP\n<module>> 1 RETURN_VALUE\n"),
            ("g> 0 POP_TOP\ng> 1 CALL_FUNCTION (1)\n", "lib> 0 NOP\ninner> 0 RETURN_VALUE\n"),
        ][*call];
        texts[0] += own;
        texts[0] += foreign;
        texts[1] += own;
        for text in &mut texts {
            *text += if *call == 3 { "g> 4 NOP\ng> 5 RETURN_VALUE\n" } else { "" };
            *text += "<module>> 10 POP_TOP\n";
        }
    }
    texts
}

#[test]
fn a_side_that_ends_where_only_other_code_follows_ends_early() {
    let same = "m> 3 LOAD_CONST (<code object g at 0x1, file \"p\", line 3>)\n";
    for times in [1, 500] {
        let right = same.repeat(times);
        let left = right.clone() + "f> 0 POP_TOP\nf> 1 POP_TOP\n";
        let report = both_ways(&left, &right, &Config::default());
        let divergence = &report.divergences[0];
        assert_eq!((report.common, divergence.left_over), (times as u64, Some((2, true))));
    }
}

#[test]
fn frames_that_do_not_return_to_what_the_other_side_does_are_not_left_out() {
    let same = "m> 1 LOAD_CONST (<code object g at 0x1, file \"p\", line 3>)\n";
    let left = "f> 0 POP_TOP\nm> 0 POP_TOP\nf> 1 POP_TOP\n";
    let right = "f> 1000 DUP_TOP\nm> 0 POP_TOP\nf> 1 POP_TOP\n";
    for times in [1, 500] {
        let same = same.repeat(times);
        let [left, right] = [left, right].map(|text| same.clone() + text + &same + text);
        let report = both_ways(&left, &right, &Config::default());
        let found = &report.divergences[0];
        let steps: Vec<_> = found.left.iter().map(|step| step.step().position.step).collect();
        let first = times as u64 + 1;
        assert_eq!((report.common, steps), (times as u64, vec![first, first + 1, first + 2]));
        assert!(report.omissions.is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 64 } else { 512 }))]

    #[test]
    fn nothing_differs_from_itself(steps in steps(), one in any::<u64>(), other in any::<u64>()) {
        let report = both_ways(&text(&steps, one), &text(&steps, other), &Config::default());
        prop_assert!(report.is_identical());
        prop_assert_eq!(report.common, steps.len() as u64);
    }

    /// Edits to names that no other step has: nothing omissions them.
    #[test]
    fn the_first_divergence_is_the_first_edit(
        steps in steps(),
        at in any::<prop::sample::Index>(),
        more in any::<prop::sample::Index>(),
        addresses in any::<(u64, u64)>(),
        kind in 0..3,
    ) {
        let at = at.index(steps.len());
        let more = at + more.index(steps.len() - at);
        let left = text(&steps, addresses.0);
        let mut lines: Vec<String> = {
            let mut each = Vec::new();
            for step in &steps {
                each.push(line(step, addresses.1));
            }
            each
        };
        // An edit further on, and before it the one that counts.
        lines[more] = "f> 777 NOP\n".to_owned();
        match kind {
            0 => lines[at] = "f> 1000 DUP_TOP\n".to_owned(),
            1 => lines.insert(at, "f> 1000 DUP_TOP\n".to_owned()),
            _ => lines.truncate(at),
        }
        let report = both_ways(&left, &lines.concat(), &Config::default());
        prop_assert!(!report.is_identical());
        prop_assert_eq!(report.divergences[0].common_steps, at as u64);
        prop_assert_eq!(report.common, at as u64);
        let numbered = report.divergences[0].left.first().map(|step| step.step().position.step);
        prop_assert_eq!(numbered, Some(at as u64 + 1));
    }

    /// Frames of modules are left out by one side, and what is said of that is the same.
    #[test]
    fn frames_of_modules_are_bridged_however_a_trace_is_read(
        calls in prop::collection::vec(0..4usize, 1..20),
        times in 1..100usize,
        swap in any::<bool>(),
    ) {
        let [dense, sparse] = imports(&calls, times);
        let (left, right) = if swap { (&sparse, &dense) } else { (&dense, &sparse) };
        let report = both_ways(left, right, &Config::default());
        prop_assert!(report.is_identical());
        prop_assert_eq!(report.common, sparse.lines().count() as u64);
        let more = (dense.lines().count() - sparse.lines().count()) as u64;
        prop_assert_eq!(report.omissions.iter().map(|omitted| omitted.steps).sum::<u64>(), more);
    }
}
