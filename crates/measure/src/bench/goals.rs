//! The figures to reach: what each is, its bar and its aim, and what a measurement says of it.

use super::figures::{Figure, Row, Spread, geomean};
use super::programs::Group;
use super::ways::Way;

/// One of the figures to reach.
#[derive(Debug)]
pub struct Goal {
    /// What it is.
    pub what: &'static str,
    figure: Figure,
    of: Of,
    over: Over,
    better: Better,
    /// What must be reached.
    pub bar: f64,
    /// What is hoped for.
    pub aim: f64,
    /// Behind the number: "x", "GB/s".
    pub unit: &'static str,
}

/// Which programs it speaks of.
#[derive(Clone, Copy, Debug)]
enum Of {
    Group(Group),
    Programs(&'static [&'static str]),
}

/// How programs are taken together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    Geomean,
    Highest,
    Lowest,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Better {
    Lower,
    Higher,
}

/// What a measurement says of a goal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// As hoped for.
    Aim,
    /// As it must be.
    Bar,
    /// Not as it must be.
    Short,
}

/// A goal's measurement.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Of medians over the programs.
    pub value: f64,
    /// The lowest and highest median, each with its program.
    pub programs: [(f64, &'static str); 2],
    /// The same value of each round alone.
    pub rounds: Spread,
    /// What it means.
    pub mark: Mark,
}

const fn lower(what: &'static str, figure: Figure, bar: f64, aim: f64) -> Goal {
    let of = Of::Group(Group::Pure);
    Goal { what, figure, of, over: Over::Geomean, better: Better::Lower, bar, aim, unit: "" }
}

/// All of them.
pub const ALL: [Goal; 17] = [
    lower("built, not tracing, against plain CPython", Figure::Slowdown(Way::Untraced), 1.01, 0.99),
    lower("flow recording, against the same", Figure::Slowdown(Way::Flow), 1.08, 1.03),
    Goal {
        over: Over::Highest,
        ..lower("the worst program under flow recording", Figure::Slowdown(Way::Flow), 1.25, 1.10)
    },
    lower("flow with compression", Figure::Slowdown(Way::Compressed), 1.15, 1.05),
    lower("bytes per instruction, raw", Figure::Bytes(Way::Flow), 0.4, 0.25),
    lower("bytes per instruction, compressed", Figure::Bytes(Way::Compressed), 0.03, 0.01),
    Goal {
        better: Better::Higher,
        unit: "x",
        ..lower(
            "text, faster than the blog's approach",
            Figure::AgainstReference(Way::Text),
            60.0,
            120.0,
        )
    },
    lower("text, against untraced plus a plain write of its bytes", Figure::AgainstWrite, 1.6, 1.2),
    Goal {
        better: Better::Higher,
        unit: " GB/s",
        ..lower("expand, one thread", Figure::Rate(Way::Expand1), 1.0, 2.0)
    },
    Goal {
        better: Better::Higher,
        unit: " GB/s",
        ..lower("expand, two threads", Figure::Rate(Way::Expand2), 1.8, 3.5)
    },
    Goal {
        over: Over::Highest,
        unit: " MB",
        ..lower("memory added to the traced program, at most", Figure::Memory, 16.0, 4.0)
    },
    Goal {
        over: Over::Highest,
        unit: " MB",
        ..lower(
            "memory of the process that writes, at most",
            Figure::WriterMemory,
            f64::NAN,
            f64::NAN,
        )
    },
    Goal {
        of: Of::Group(Group::Extensions),
        over: Over::Highest,
        ..lower("recording, with C extensions, the worst", Figure::Slowdown(Way::Flow), 1.20, 1.10)
    },
    Goal {
        of: Of::Programs(&["settrace"]),
        ..lower(
            "recording under the program's own sys.settrace",
            Figure::Slowdown(Way::Flow),
            1.5,
            1.1,
        )
    },
    Goal {
        of: Of::Programs(&["tree_walk"]),
        ..lower("recording recursive generators, 18 deep", Figure::Slowdown(Way::Flow), 1.25, 1.10)
    },
    Goal {
        of: Of::Programs(&["stepped_once"]),
        ..lower("recording after one single-stepped function", Figure::Stepped, 1.03, 1.0)
    },
    Goal {
        of: Of::Programs(&["pystone", "richards"]),
        over: Over::Lowest,
        better: Better::Higher,
        unit: " million/s",
        ..lower("instructions counted, one thread", Figure::Counted, 1_000.0, 2_000.0)
    },
];

impl Goal {
    /// Whether anything is expected; otherwise it is listed for completeness.
    pub fn has_bar(&self) -> bool {
        !self.bar.is_nan()
    }

    /// What the programs that have this figure say together.
    pub fn outcome(&self, rows: &[Row]) -> Option<Outcome> {
        let measured: Vec<(f64, &'static str, &Row)> = rows
            .iter()
            .filter(|row| match self.of {
                Of::Group(group) => row.group == group,
                Of::Programs(names) => names.contains(&row.program),
            })
            .filter_map(|row| Some((row.spread(self.figure)?.median, row.program, row)))
            .collect();
        let value = self.together(measured.iter().map(|(median, ..)| *median))?;
        let by_value =
            |one: &&(f64, &str, &Row), other: &&(f64, &str, &Row)| one.0.total_cmp(&other.0);
        let (low, high) = (measured.iter().min_by(by_value)?, measured.iter().max_by(by_value)?);
        let round = |round| {
            let values: Option<Vec<f64>> =
                measured.iter().map(|(.., row)| row.at(self.figure, round)).collect();
            self.together(values?)
        };
        Some(Outcome {
            value,
            programs: [(low.0, low.1), (high.0, high.1)],
            rounds: Spread::of((0..).map_while(round))?,
            mark: self.mark(value),
        })
    }

    fn together(&self, values: impl IntoIterator<Item = f64>) -> Option<f64> {
        let values: Vec<f64> = values.into_iter().collect();
        match self.over {
            Over::Geomean => geomean(&values),
            Over::Highest => values.into_iter().max_by(f64::total_cmp),
            Over::Lowest => values.into_iter().min_by(f64::total_cmp),
        }
    }

    fn mark(&self, value: f64) -> Mark {
        let reaches = |goal: f64| match self.better {
            Better::Lower => value <= goal,
            Better::Higher => value >= goal,
        };
        if reaches(self.aim) {
            Mark::Aim
        } else if reaches(self.bar) {
            Mark::Bar
        } else {
            Mark::Short
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::figures::tests::row;
    use super::*;

    fn outcome(what: &str, rows: &[Row]) -> Outcome {
        ALL.iter().find(|goal| goal.what == what).unwrap().outcome(rows).unwrap()
    }

    #[test]
    fn programs_are_taken_together() {
        let mut rows = [row("loops", &[10.0, 11.0]), row("calls", &[10.0, 10.0])];
        for sample in &mut rows[1].series[2].samples {
            sample.finished *= 4.0;
        }
        let flow = outcome("flow recording, against the same", &rows);
        assert!((flow.value - 2.1).abs() < 1e-9, "{flow:?}");
        assert_eq!(flow.programs.map(|(_, name)| name), ["loops", "calls"]);
        assert_eq!(flow.mark, Mark::Short);
        let worst = outcome("the worst program under flow recording", &rows);
        assert!((worst.value - 4.2).abs() < 1e-9, "{worst:?}");
    }

    #[test]
    fn rounds_show_how_sure_it_is() {
        let mut rows = [row("loops", &[10.0, 10.0, 10.0])];
        rows[0].series[2].samples[1].finished *= 1.1;
        let flow = outcome("flow recording, against the same", &rows);
        assert!((flow.value - 1.05).abs() < 1e-9);
        assert!((flow.rounds.high - 1.155).abs() < 1e-9);
        assert_eq!(flow.mark, Mark::Bar);
    }

    #[test]
    fn marks() {
        let rows = [row("loops", &[10.0])];
        let marks: Vec<Mark> = ALL
            .iter()
            .filter(|goal| goal.has_bar())
            .filter_map(|goal| Some(goal.outcome(&rows)?.mark))
            .collect();
        use Mark::{Aim, Bar, Short};
        // Not tracing: 1.0. Flow: 1.05, 1.05 and 1.2; 0.3 and 0.009 byte.
        // Text: 62.5 times faster, 2.0. Expand: 1.25 and 2.5 GB/s. Memory: 3 MB.
        assert_eq!(marks, [Bar, Bar, Aim, Short, Bar, Aim, Bar, Short, Bar, Bar, Aim]);
    }

    #[test]
    fn what_was_not_measured_has_no_outcome() {
        let mut rows = [row("loops", &[10.0])];
        rows[0].series.clear();
        assert!(ALL[0].outcome(&rows).is_none());
        assert!(ALL[0].outcome(&[]).is_none());
    }

    #[test]
    fn other_programs_stay_out_of_the_means() {
        let mut rows = [row("loops", &[10.0]), row("numpy", &[10.0]), row("settrace", &[10.0])];
        rows[1].group = Group::Extensions;
        rows[1].series[2].samples[0].finished *= 3.0;
        rows[2].group = Group::Cliff;
        rows[2].series[2].samples[0].finished *= 2.0;
        let value = |what| outcome(what, &rows).value;
        assert!((value("flow recording, against the same") - 1.05).abs() < 1e-9);
        assert!((value("recording, with C extensions, the worst") - 3.15).abs() < 1e-9);
        assert!((value("recording under the program's own sys.settrace") - 2.1).abs() < 1e-9);
    }
}
