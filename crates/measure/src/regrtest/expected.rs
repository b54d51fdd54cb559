//! The list of differences that are known and explained, `tests/regrtest/expected.txt`.
//!
//! A line is `TEST WAY METHODS REASON`: the test file, `untraced` or `traced`, its methods that differ, joined
//! by commas, or `*` for the file as a whole; the reason is the rest.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use super::judge::Difference;
use super::run::{WAYS, Way};

/// The list.
#[derive(Debug, Default)]
pub struct Expected {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    test: String,
    way: Way,
    methods: String,
    reason: String,
}

impl Expected {
    /// Reads the file.
    pub fn read(file: &Path) -> Result<Expected> {
        let text = fs::read_to_string(file)
            .with_context(|| format!("cannot read `{}`", file.display()))?;
        Expected::parse(&text).with_context(|| format!("`{}`", file.display()))
    }

    fn parse(text: &str) -> Result<Expected> {
        let mut entries = Vec::new();
        for (number, line) in entries_of(text) {
            let entry = entry(line).with_context(|| format!("line {number}"))?;
            entries.push(entry);
        }
        Ok(Expected { entries })
    }

    /// Why these differences of a test are as they must be, if they all are.
    pub fn reason(&self, test: &str, way: Way, differences: &[Difference]) -> Option<&str> {
        let mut entries = self.entries.iter();
        let entry = entries.find(|entry| entry.test == test && entry.way == way)?;
        let mut methods = differences.iter().filter_map(|difference| difference.method.as_deref());
        let all = entry.methods == "*";
        let listed = |method: &str| entry.methods.split(',').any(|name| name == method);
        // The file fails because its methods do; with none that differs, the list explains nothing.
        let explained = methods.clone().next().is_some() && methods.all(listed);
        (all || explained).then_some(entry.reason.as_str())
    }
}

/// The lines of a list that say something, with their numbers.
pub fn entries_of(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(at, line)| {
        let line = if line.starts_with('#') { "" } else { line.trim() };
        (at + 1, line)
    });
    lines.filter(|(_, line)| !line.is_empty())
}

fn entry(line: &str) -> Result<Entry> {
    let mut rest = line;
    let mut word = || {
        let (word, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        rest = after.trim_start();
        word.to_owned()
    };
    let (test, name, methods) = (word(), word(), word());
    let reason = rest.to_owned();
    ensure!(!reason.is_empty(), "an entry is `TEST WAY METHODS REASON`, and this has no reason");
    let others = &WAYS[1..];
    let Some(way) = others.iter().copied().find(|way| way.name() == name) else {
        bail!("`{name}` is neither `untraced` nor `traced`");
    };
    Ok(Entry { test, way, methods, reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(method: Option<&str>) -> Difference {
        let method = method.map(str::to_owned);
        Difference { method, unpatched: "ok".into(), other: "failed".into() }
    }

    #[test]
    fn an_entry_explains_what_it_names_and_no_more() {
        let text = "# a list\n\ntest_x  traced  A.test_a,A.test_b   because of the speed\n\
                    test_y untraced * of # this\n";
        let expected = Expected::parse(text).unwrap();
        let reason = |test, way, methods: &[Option<&str>]| {
            let differences: Vec<_> = methods.iter().map(|method| difference(*method)).collect();
            expected.reason(test, way, &differences).map(str::to_owned)
        };
        let because = Some("because of the speed".to_owned());
        assert_eq!(reason("test_x", Way::Traced, &[None, Some("A.test_b")]), because);
        assert_eq!(reason("test_x", Way::Untraced, &[Some("A.test_b")]), None);
        assert_eq!(reason("test_x", Way::Traced, &[Some("A.test_b"), Some("A.test_c")]), None);
        assert_eq!(reason("test_x", Way::Traced, &[None]), None);
        assert_eq!(reason("test_y", Way::Untraced, &[None]), Some("of # this".to_owned()));
    }

    #[test]
    fn a_bad_entry_is_refused_with_its_line() {
        for (text, wanted) in [
            ("\ntest_x traced *\n", "line 2: an entry is"),
            ("test_x unpatched * x\n", "line 1: `unpatched` is neither"),
        ] {
            let error = format!("{:#}", Expected::parse(text).unwrap_err());
            assert!(error.contains(wanted), "{error}");
        }
    }
}
