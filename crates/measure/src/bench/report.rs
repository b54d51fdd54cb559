//! The figures as JSON, for programs and for later comparison.

use serde_json::{Value, json};

use super::figures::{Row, Sample, Series, Spread};
use super::goals::{self, Mark};
use super::machine::Machine;

/// Everything that was measured.
pub fn json(rows: &[Row], machine: &Machine, commands: &[String], quick: bool) -> Value {
    json!({
        "quick": quick,
        "machine": machine.json(),
        "commands": commands,
        "goals": goals::ALL.iter().map(|goal| {
            let outcome = goal.outcome(rows);
            json!({
                "what": goal.what,
                "unit": goal.unit.trim(),
                "measured": outcome.as_ref().map(|outcome| outcome.value),
                "programs": outcome.as_ref().map(|outcome| outcome.programs.map(|(value, program)| {
                    json!({ "program": program, "value": value })
                })),
                "rounds": outcome.as_ref().map(|outcome| {
                    json!({ "lowest": outcome.rounds.low, "highest": outcome.rounds.high })
                }),
                "bar": goal.has_bar().then_some(goal.bar),
                "aim": goal.has_bar().then_some(goal.aim),
                "reached": outcome.filter(|_| goal.has_bar()).map(|outcome| match outcome.mark {
                    Mark::Aim => "aim",
                    Mark::Bar => "bar",
                    Mark::Short => "short",
                }),
            })
        }).collect::<Vec<_>>(),
        "programs": rows.iter().map(row).collect::<Vec<_>>(),
    })
}

fn row(row: &Row) -> Value {
    let memory = row.memory.map(|memory| {
        json!({
            "untraced_bytes": memory.untraced,
            "flow_bytes": memory.flow,
            "writer_bytes": memory.writer,
        })
    });
    json!({
        "program": row.program,
        "instructions": row.instructions,
        "text_bytes": row.text_bytes,
        "memory": memory,
        "ways": row.series.iter().map(series).collect::<Vec<_>>(),
    })
}

fn series(series: &Series) -> Value {
    let seconds = |of: fn(&Sample) -> f64| series.samples.iter().map(of).collect::<Vec<_>>();
    let nanoseconds = seconds(|sample| sample.finished * 1e9)
        .into_iter()
        .map(|time| time / series.instructions as f64);
    let nanoseconds = Spread::of(nanoseconds).map(
        |spread| json!({ "lowest": spread.low, "median": spread.median, "highest": spread.high }),
    );
    json!({
        "way": series.way.id(),
        "size": series.size,
        "instructions": series.instructions,
        "bytes": series.bytes,
        "seconds": seconds(|sample| sample.finished),
        "seconds_to_exit": seconds(|sample| sample.ended),
        "ns_per_instruction": nanoseconds,
    })
}

#[cfg(test)]
mod tests {
    use super::super::figures::tests::row;
    use super::*;

    #[test]
    fn all_is_there() {
        let rows = [row("loops", &[10.0, 12.0])];
        let machine = Machine::of([]);
        let json = json(&rows, &machine, &["python x.py".to_owned()], false);
        assert_eq!(json["programs"][0]["ways"][2]["way"], "flow");
        assert_eq!(json["programs"][0]["ways"][0]["seconds"][1], 0.012);
        assert_eq!(json["programs"][0]["ways"][0]["ns_per_instruction"]["median"], 11.0);
        assert_eq!(json["programs"][0]["memory"]["writer_bytes"], 5_000_000);
        assert_eq!(json["goals"][1]["reached"], "bar");
        assert_eq!(json["goals"][1]["programs"][0]["program"], "loops");
        assert_eq!(json["goals"][11]["bar"], Value::Null);
        assert_eq!(json["commands"][0], "python x.py");
    }

    #[test]
    fn what_was_not_measured_is_null() {
        let json = json(&[], &Machine::of([]), &[], true);
        assert_eq!(json["goals"][0]["measured"], Value::Null);
        assert_eq!(json["goals"][0]["reached"], Value::Null);
        assert_eq!(json["goals"][0]["bar"], 1.01);
    }
}
