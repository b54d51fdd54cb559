//! The figures as tables for people, in Markdown, so that a page can take them as they are.

use std::fmt::Write;

use super::figures::{Figure, Row, Spread, geomean};
use super::goals::{self, Mark, Outcome};
use super::ways::Way;

/// The figures to reach, each with what was measured.
pub fn goals(rows: &[Row]) -> String {
    let mut cells = vec![
        ["what", "measured", "by program", "by round", "bar", "aim", "reached"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for goal in &goals::ALL {
        let outcome = goal.outcome(rows);
        let plain = |value: f64| {
            if value.is_nan() { String::new() } else { format!("{value}") }
        };
        let measured = |write: &dyn Fn(&Outcome) -> String| outcome.as_ref().map(write);
        let none = String::new;
        cells.push(vec![
            goal.what.to_owned(),
            measured(&|outcome| format!("{}{}", number(outcome.value), goal.unit))
                .unwrap_or_else(|| "not measured".to_owned()),
            measured(&|outcome| {
                let [low, high] = outcome.programs;
                format!("{} {} to {} {}", number(low.0), low.1, number(high.0), high.1)
            })
            .unwrap_or_else(none),
            measured(&|outcome| range(outcome.rounds)).unwrap_or_else(none),
            plain(goal.bar),
            plain(goal.aim),
            match &outcome {
                Some(outcome) if goal.has_bar() => mark(outcome.mark).to_owned(),
                _ => none(),
            },
        ]);
    }
    markdown(&cells)
}

fn mark(mark: Mark) -> &'static str {
    match mark {
        Mark::Aim => "aim",
        Mark::Bar => "bar",
        Mark::Short => "**short**",
    }
}

/// The columns of the tables by program.
const RATIOS: [(&str, Figure); 8] = [
    ("plain CPython, s", Figure::Seconds(Way::Unpatched)),
    ("not tracing", Figure::Slowdown(Way::Untraced)),
    ("flow", Figure::Slowdown(Way::Flow)),
    ("flow, to its end", Figure::SlowdownToEnd(Way::Flow)),
    ("compressed", Figure::Slowdown(Way::Compressed)),
    ("text", Figure::Slowdown(Way::Text)),
    ("text -r", Figure::Slowdown(Way::Resolved)),
    ("blog", Figure::Slowdown(Way::Reference)),
];
const RATES: [(&str, Figure); 11] = [
    ("blog / text", Figure::AgainstReference(Way::Text)),
    ("blog / text -r", Figure::AgainstReference(Way::Resolved)),
    ("text / (plain + write)", Figure::AgainstWrite),
    ("flow, bytes", Figure::Bytes(Way::Flow)),
    ("compressed, bytes", Figure::Bytes(Way::Compressed)),
    ("expand 1, GB/s", Figure::Rate(Way::Expand1)),
    ("expand 2, GB/s", Figure::Rate(Way::Expand2)),
    ("to null 1", Figure::Rate(Way::Null1)),
    ("to null 2", Figure::Rate(Way::Null2)),
    ("memory, MB", Figure::Memory),
    ("writer, MB", Figure::WriterMemory),
];

/// Time against plain CPython, a line for each program and their geometric mean.
pub fn ratios(rows: &[Row]) -> String {
    by_program(rows, &RATIOS)
}

/// Sizes, rates and memory, likewise.
pub fn rates(rows: &[Row]) -> String {
    by_program(rows, &RATES)
}

fn by_program(rows: &[Row], columns: &[(&str, Figure)]) -> String {
    // A column that nobody has is left out.
    let columns: Vec<_> = columns
        .iter()
        .filter(|(_, figure)| rows.iter().any(|row| row.spread(*figure).is_some()))
        .collect();
    if columns.is_empty() {
        return String::new();
    }
    let mut head = vec!["program".to_owned(), "instructions".to_owned()];
    head.extend(columns.iter().map(|(name, _)| (*name).to_owned()));
    let mut cells = vec![head];
    for row in rows {
        let mut line = vec![row.program.to_owned(), millions(row.instructions)];
        line.extend(
            columns.iter().map(|(_, figure)| row.spread(*figure).map_or_else(String::new, spread)),
        );
        cells.push(line);
    }
    let mut last = vec!["geomean".to_owned(), String::new()];
    last.extend(columns.iter().map(|(_, figure)| {
        let medians: Vec<f64> =
            rows.iter().filter_map(|row| Some(row.spread(*figure)?.median)).collect();
        // Of memory there may be nothing added, which has no logarithm.
        geomean(&medians).filter(|mean| mean.is_finite()).map_or_else(String::new, number)
    }));
    cells.push(last);
    markdown(&cells)
}

fn millions(count: u64) -> String {
    format!("{:.1} M", count as f64 / 1e6)
}

/// A median, and its range where there is one.
fn spread(spread: Spread) -> String {
    if spread.low == spread.high {
        return number(spread.median);
    }
    format!("{} ({})", number(spread.median), range(spread))
}

fn range(spread: Spread) -> String {
    if spread.low == spread.high {
        return String::new();
    }
    format!("{}–{}", number(spread.low), number(spread.high))
}

/// Four digits that count, or three decimals where that is more.
pub fn number(value: f64) -> String {
    let decimals = match value.abs() {
        large if large >= 99.95 => 0,
        large if large >= 9.995 => 1,
        small if small < 0.1 => 4,
        _ => 3,
    };
    format!("{value:.decimals$}")
}

/// Columns as wide as their widest cell; numbers to the right.
pub fn markdown(cells: &[Vec<String>]) -> String {
    let columns = cells.first().map_or(0, Vec::len);
    let width = |column: usize| {
        cells.iter().map(|line| line[column].chars().count()).max().unwrap_or_default().max(3)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (at, line) in cells.iter().enumerate() {
        for (column, cell) in line.iter().enumerate() {
            let width = widths[column];
            let _ = if column == 0 {
                write!(text, "| {cell:<width$} ")
            } else {
                write!(text, "| {cell:>width$} ")
            };
        }
        text.push_str("|\n");
        if at == 0 {
            for (column, width) in widths.iter().enumerate() {
                let dashes = "-".repeat(width - usize::from(column > 0));
                let _ = write!(text, "| {dashes}{} ", if column > 0 { ":" } else { "" });
            }
            text.push_str("|\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::figures::tests::row;
    use super::*;

    #[test]
    fn the_table_of_goals() {
        let rows = [row("loops", &[10.0, 20.0]), row("calls", &[10.0, 20.0])];
        let table = goals(&rows);
        let line = |start: &str| {
            let line = table.lines().find(|line| line.starts_with(start)).unwrap();
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            cells.join("; ")
        };
        assert_eq!(
            line("| flow recording"),
            "flow recording, against the same; 1.050; 1.050 loops to 1.050 calls; ; 1.08; 1.03; bar"
        );
        assert_eq!(
            line("| expand, one thread"),
            "expand, one thread; 0.938 GB/s; 0.938 loops to 0.938 calls; 0.625–1.250; 1; 2; **short**"
        );
        assert!(line("| memory of the process that writes").ends_with("; ; ; "), "{table}");
    }

    #[test]
    fn what_was_not_measured_is_said() {
        let mut rows = [row("loops", &[10.0])];
        rows[0].memory = None;
        let table = goals(&rows);
        let line = table.lines().find(|line| line.starts_with("| memory added")).unwrap();
        assert!(line.contains("not measured"), "{line}");
        assert!(!rates(&rows).contains("memory"));
        assert!(!rates(&rows).contains("to null"));
        rows[0].series.clear();
        assert_eq!(ratios(&rows), "");
    }

    #[test]
    fn a_line_for_each_program() {
        let rows = [row("loops", &[10.0, 20.0, 20.0]), row("calls", &[20.0])];
        let table = ratios(&rows);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 5, "{table}");
        assert!(lines[2].contains("loops") && lines[2].contains("0.0200 (0.0100–0.0200)"));
        assert!(lines[3].contains("1.0 M") && lines[3].contains("4.000"), "{table}");
        assert!(lines[4].starts_with("| geomean") && lines[4].contains("250"), "{table}");
        let widths: Vec<usize> = lines.iter().map(|line| line.chars().count()).collect();
        assert!(widths.iter().all(|width| *width == widths[0]), "{table}");
    }

    #[test]
    fn numbers() {
        let texts = [0.0123, 0.5, 1.05, 9.9951, 62.5, 251.4].map(number);
        assert_eq!(texts, ["0.0123", "0.500", "1.050", "10.0", "62.5", "251"]);
    }
}
