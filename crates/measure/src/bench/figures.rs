//! What was measured of a program, and the figures that follow from it.
//!
//! A ratio is taken round by round, between runs that stood side by side, and then the median; nothing
//! is subtracted from the time of a process.

use super::ways::Way;

/// One run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Seconds until the process had ended.
    pub ended: f64,
    /// Seconds until its file was complete too, which another process may write.
    pub finished: f64,
}

/// All runs of a program in one way.
#[derive(Clone, Debug)]
pub struct Series {
    /// Which.
    pub way: Way,
    /// Its argument.
    pub size: u32,
    /// What it executes at that size.
    pub instructions: u64,
    /// The size of the file that it leaves; of what goes to `/dev/null`, as expected.
    pub bytes: u64,
    /// One for each round in which it took its turn, from the first.
    pub samples: Vec<Sample>,
}

/// Peaks of memory in bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Memory {
    /// Of ours, not tracing.
    pub untraced: u64,
    /// Of ours with the flow recording.
    pub flow: u64,
    /// Of the process that writes the recording, where one was seen.
    pub writer: Option<u64>,
}

/// All that was measured of one program.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its name.
    pub program: &'static str,
    /// What it executes at full work.
    pub instructions: u64,
    /// The text trace of that.
    pub text_bytes: u64,
    /// What was timed.
    pub series: Vec<Series>,
    /// What was weighed.
    pub memory: Option<Memory>,
}

/// A figure of a program, in a round or in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// Seconds.
    Seconds(Way),
    /// Time for an instruction against plain CPython's, until the file is complete.
    Slowdown(Way),
    /// The same until the process has ended.
    SlowdownToEnd(Way),
    /// How many times faster than the blog's approach, by the instruction.
    AgainstReference(Way),
    /// Time of the text trace against plain CPython's and a plain write of the same bytes together.
    AgainstWrite,
    /// Bytes of the file for an instruction.
    Bytes(Way),
    /// 1e9 bytes of text in a second.
    Rate(Way),
    /// 1e6 bytes more than not tracing.
    Memory,
    /// 1e6 bytes of the process that writes.
    WriterMemory,
}

/// Lowest, median, highest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Of all.
    pub low: f64,
    /// The middle one, or the mean of the two in the middle.
    pub median: f64,
    /// Of all.
    pub high: f64,
}

impl Spread {
    /// Of anything that is not empty.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Spread> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (low, high) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = if values.len().is_multiple_of(2) {
            f64::midpoint(values[middle - 1], values[middle])
        } else {
            values[middle]
        };
        Some(Spread { low, median, high })
    }
}

/// The geometric mean of what is not empty.
pub fn geomean(values: &[f64]) -> Option<f64> {
    let logarithms: f64 = values.iter().map(|value| value.ln()).sum();
    (!values.is_empty()).then(|| (logarithms / values.len() as f64).exp())
}

impl Row {
    /// What was measured in a way.
    pub fn of(&self, way: Way) -> Option<&Series> {
        self.series.iter().find(|series| series.way == way && !series.samples.is_empty())
    }

    /// A figure over all rounds.
    pub fn spread(&self, figure: Figure) -> Option<Spread> {
        Spread::of((0..).map_while(|round| self.at(figure, round)))
    }

    /// A figure of one round; those that do not vary are the same in each that there was.
    pub fn at(&self, figure: Figure, round: usize) -> Option<f64> {
        let seconds = |way| Some(self.of(way)?.samples.get(round)?.finished);
        let by_instruction = |way| Some(seconds(way)? / self.of(way)?.instructions as f64);
        let plain = || by_instruction(Way::Unpatched);
        let weighed = || self.memory.filter(|_| round == 0);
        Some(match figure {
            Figure::Seconds(way) => seconds(way)?,
            Figure::Slowdown(way) => by_instruction(way)? / plain()?,
            Figure::SlowdownToEnd(way) => {
                let series = self.of(way)?;
                series.samples.get(round)?.ended / series.instructions as f64 / plain()?
            }
            Figure::AgainstReference(way) => by_instruction(Way::Reference)? / by_instruction(way)?,
            Figure::AgainstWrite => {
                seconds(Way::Text)? / (seconds(Way::Unpatched)? + seconds(Way::Write)?)
            }
            Figure::Bytes(way) => {
                let series = self.of(way)?;
                series.samples.get(round)?;
                series.bytes as f64 / series.instructions as f64
            }
            Figure::Rate(way) => self.of(way)?.bytes as f64 / seconds(way)? / 1e9,
            Figure::Memory => {
                let memory = weighed()?;
                (memory.flow as f64 - memory.untraced as f64) / 1e6
            }
            Figure::WriterMemory => weighed()?.writer? as f64 / 1e6,
        })
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A program of a million instructions and 25 MB of text; each round takes the milliseconds
    /// given, in all ways alike but for a factor.
    pub fn row(program: &'static str, milliseconds: &[f64]) -> Row {
        let series = |way: Way, factor: f64, bytes| Series {
            way,
            size: 7,
            instructions: if way.is_slow() { 100_000 } else { 1_000_000 },
            bytes,
            samples: milliseconds
                .iter()
                .map(|time| time * factor / 1e3)
                .map(|time| Sample { ended: time * 0.9, finished: time })
                .collect(),
        };
        Row {
            program,
            instructions: 1_000_000,
            text_bytes: 25_000_000,
            series: vec![
                series(Way::Unpatched, 1.0, 0),
                series(Way::Untraced, 1.0, 0),
                series(Way::Flow, 1.05, 300_000),
                series(Way::Compressed, 1.2, 9_000),
                series(Way::Text, 4.0, 25_000_000),
                series(Way::Write, 1.0, 25_000_000),
                series(Way::Resolved, 5.0, 30_000_000),
                series(Way::Reference, 25.0, 2_500_000),
                series(Way::Expand1, 2.0, 25_000_000),
                series(Way::Expand2, 1.0, 25_000_000),
            ],
            memory: Some(Memory { untraced: 6_000_000, flow: 9_000_000, writer: Some(5_000_000) }),
        }
    }

    fn close(one: Option<f64>, other: f64) {
        let one = one.unwrap();
        assert!((one - other).abs() < 1e-9, "{one} is not {other}");
    }

    #[test]
    fn the_middle_of_odd_and_even() {
        let spread = |values: &[f64]| Spread::of(values.iter().copied());
        assert_eq!(spread(&[9.0, 1.0, 2.0]), Some(Spread { low: 1.0, median: 2.0, high: 9.0 }));
        assert_eq!(spread(&[4.0, 2.0]).unwrap().median, 3.0);
        assert_eq!(spread(&[]), None);
    }

    #[test]
    fn means_are_geometric() {
        close(geomean(&[1.0, 4.0]), 2.0);
        assert_eq!(geomean(&[]), None);
    }

    #[test]
    fn figures_of_a_round() {
        let row = row("loops", &[10.0, 20.0]);
        close(row.at(Figure::Seconds(Way::Unpatched), 1), 0.02);
        close(row.at(Figure::Slowdown(Way::Flow), 0), 1.05);
        close(row.at(Figure::SlowdownToEnd(Way::Flow), 0), 0.945);
        // A tenth of the work.
        close(row.at(Figure::Slowdown(Way::Reference), 1), 250.0);
        close(row.at(Figure::AgainstReference(Way::Text), 1), 62.5);
        close(row.at(Figure::AgainstWrite, 0), 2.0);
        close(row.at(Figure::Bytes(Way::Flow), 0), 0.3);
        close(row.at(Figure::Rate(Way::Expand1), 0), 1.25);
        close(row.at(Figure::Memory, 0), 3.0);
        close(row.at(Figure::WriterMemory, 0), 5.0);
        assert_eq!(row.at(Figure::Slowdown(Way::Flow), 2), None);
        assert_eq!(row.at(Figure::Rate(Way::Null1), 0), None);
    }

    #[test]
    fn ratios_come_before_medians() {
        let mut row = row("loops", &[10.0, 20.0, 40.0]);
        // The machine slowed down; a pair does not notice.
        let spread = row.spread(Figure::Slowdown(Way::Text)).unwrap();
        close(Some(spread.high - spread.low), 0.0);
        row.series[4].samples.truncate(2);
        close(Some(row.spread(Figure::Slowdown(Way::Text)).unwrap().median), 4.0);
        row.memory = None;
        assert_eq!(row.spread(Figure::Memory), None);
    }
}
