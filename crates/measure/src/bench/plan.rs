//! What is measured: the programs, the ways and the rounds that were asked for.

use anyhow::{Result, bail};

use super::programs::{self, Program};
use super::ways::{self, Way};

/// How much less the slow ones do, and how often they are timed at most: they vary little, in
/// proportion.
const SLOW_PART: u32 = 10;
const SLOW_ROUNDS: usize = 3;

/// The quick look: less work for all, less still for the slow ones, and without those that no
/// bar is set for.
const QUICK_PART: u32 = 6;
const QUICK_SLOW_PART: u32 = 30;
const QUICK_WITHOUT: [Way; 3] = [Way::Resolved, Way::Null1, Way::Null2];

/// What is measured.
#[derive(Debug)]
pub struct Plan {
    /// In the order in which they are measured.
    pub programs: Vec<Program>,
    /// In the order in which they take turns.
    pub ways: Vec<Way>,
    /// How often each is timed.
    pub rounds: usize,
    part: u32,
    slow_part: u32,
}

impl Plan {
    /// From the command line; `only` holds names of programs and ways.
    pub fn new(only: &[String], runs: usize, quick: bool) -> Result<Plan> {
        let (mut programs, mut ways) = (Vec::new(), Vec::new());
        for word in only {
            if let Some(program) = programs::ALL.iter().find(|program| program.name == word) {
                programs.push(*program);
            } else if let Some(way) = ways::ALL.into_iter().find(|way| way.id() == word) {
                ways.push(way);
            } else {
                let names: Vec<_> = programs::ALL.iter().map(|program| program.name).collect();
                let ids = ways::ALL.map(Way::id);
                bail!(
                    "`--only` names neither a way nor a program with `{word}`; ways: {}; \
                     programs: {}",
                    ids.join(", "),
                    names.join(", ")
                );
            }
        }
        let is_wanted = |way: &Way| {
            if ways.is_empty() {
                !(quick && QUICK_WITHOUT.contains(way))
            } else {
                ways.contains(way)
            }
        };
        Ok(Plan {
            ways: ways::ALL.into_iter().filter(is_wanted).collect(),
            programs: programs::ALL
                .into_iter()
                .filter(|program| programs.is_empty() || programs.contains(program))
                .collect(),
            rounds: if quick { 1 } else { runs },
            part: if quick { QUICK_PART } else { 1 },
            slow_part: if quick { QUICK_SLOW_PART } else { SLOW_PART },
        })
    }

    /// Whether a way is measured.
    pub fn has(&self, way: Way) -> bool {
        self.ways.contains(&way)
    }

    /// The size at which a program is run in a way.
    pub fn size(&self, program: &Program, way: Way) -> u32 {
        let slow_part = if way.is_slow() { self.slow_part } else { 1 };
        program.part(self.part * slow_part)
    }

    /// In how many rounds a way takes its turn.
    pub fn rounds_of(&self, way: Way) -> usize {
        if way.is_slow() { self.rounds.min(SLOW_ROUNDS) } else { self.rounds }
    }

    /// Whether a recording must be there that no way of the plan makes.
    pub fn needs_recording(&self) -> bool {
        !self.has(Way::Flow) && self.ways.iter().any(|way| way.threads().is_some())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::flags::Measure;

    fn plan(only: &[&str], quick: bool) -> Result<Plan> {
        Plan::new(&only.iter().map(|&word| word.to_owned()).collect::<Vec<_>>(), 5, quick)
    }

    #[test]
    fn everything_without_a_filter() {
        let plan = plan(&[], false).unwrap();
        assert_eq!((plan.programs.len(), plan.ways.len(), plan.rounds), (16, 13, 5));
        assert_eq!(plan.size(&programs::LOOPS, Way::Text), 1_100);
        assert_eq!(plan.size(&programs::LOOPS, Way::Reference), 110);
        assert_eq!((plan.rounds_of(Way::Text), plan.rounds_of(Way::Reference)), (5, 3));
    }

    #[test]
    fn a_quick_look_does_less() {
        let quick = plan(&[], true).unwrap();
        assert_eq!((quick.ways.len(), quick.rounds), (10, 1));
        assert_eq!(quick.size(&programs::LOOPS, Way::Text), 183);
        assert_eq!(quick.size(&programs::LOOPS, Way::Reference), 6);
        assert!(plan(&["null1"], true).unwrap().has(Way::Null1));
    }

    #[test]
    fn programs_and_ways_in_one_filter() {
        let plan = plan(&["text", "loops", "richards", "unpatched"], false).unwrap();
        assert_eq!(plan.ways, [Way::Unpatched, Way::Text]);
        let names: Vec<_> = plan.programs.iter().map(|program| program.name).collect();
        assert_eq!(names, ["richards", "loops"]);
    }

    #[test]
    fn a_word_means_one_thing_and_the_help_has_it() {
        let mut help = Measure::command();
        let help = help.find_subcommand_mut("bench").unwrap().render_long_help().to_string();
        let words: Vec<&str> = help.split(|c: char| !c.is_alphanumeric()).collect();
        for way in ways::ALL {
            assert!(programs::ALL.iter().all(|program| program.name != way.id()), "{way:?}");
            assert!(words.contains(&way.id()), "{way:?}");
        }
    }

    #[test]
    fn an_unknown_word_is_refused_with_those_known() {
        let error = plan(&["flaw"], false).unwrap_err().to_string();
        assert!(error.contains("`flaw`; ways: unpatched, untraced, flow, "), "{error}");
        assert!(error.contains("programs: pystone, richards, "), "{error}");
    }

    #[test]
    fn expansion_needs_a_recording() {
        assert!(plan(&["expand1"], false).unwrap().needs_recording());
        assert!(!plan(&["expand1", "flow"], false).unwrap().needs_recording());
        assert!(!plan(&["memory"], false).unwrap().needs_recording());
    }
}
