//! `who`: which instructions set a variable before an instruction, and which made its value.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use anyhow::{Result, bail};
use recording::state::{Origin, Slot, Value};
use serde_json::json;

use super::recorded::Recorded;
use crate::view::position::{self, Position};
use crate::view::who::{Asked, Describe, Described, Finder, Found, Set, Sets, Variable};

/// Print which instruction set a variable of a recording with values, and which made its value
#[derive(Clone, Debug, clap::Args)]
#[command(override_usage = "trace27 who [OPTIONS] --at <WHERE> <NAME> <INPUT>\n       \
                            trace27 who [OPTIONS] --at <WHERE> --item[=<INDEX>] <INPUT>")]
pub struct Args {
    /// The variable: a local, a cell, or a global; then the recording, which has to be a file
    #[arg(required = true, num_args = 1..=2, value_names = ["NAME", "INPUT"])]
    names: Vec<PathBuf>,
    /// Before which instruction
    #[arg(long, value_name = "WHERE", allow_hyphen_values = true, long_help = position::HELP)]
    at: Position,
    /// The frame: 0 is the one that runs, 1 its caller
    #[arg(long, value_name = "K", default_value_t = 0)]
    frame: usize,
    /// The global of that name, even if the frame has a local of that name
    #[arg(long)]
    global: bool,
    /// The value on the stack at this index, counted from the bottom, instead of a variable; the top
    /// without an index
    #[arg(long, value_name = "INDEX", num_args = 0..=1, require_equals = true,
          conflicts_with_all = ["global", "all"])]
    item: Option<Option<usize>>,
    /// Each instruction that set it, the first one first
    #[arg(long)]
    all: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Runs the command; false if there is no such variable, or it is not bound.
    ///
    /// # Errors
    ///
    /// Input that is no recording with values, or has no such instruction.
    pub fn run(&self) -> Result<bool> {
        let (asked, input) = match (&self.names[..], self.item) {
            ([input], Some(index)) => (Asked::Item(index), input),
            ([name, input], None) => {
                let name = name.as_os_str().as_encoded_bytes().to_vec();
                (if self.global { Asked::Global(name) } else { Asked::Name(name) }, input)
            }
            (_, Some(_)) => bail!("`--item` takes the place of a name; give the recording alone"),
            _ => bail!("give a name and a recording, or `--item` and a recording"),
        };
        let recorded = Recorded::new(input);
        recorded.check_readable_again("`who`")?;
        let search = recorded.search(&self.at)?;
        let (finder, result) =
            recorded.replay(|bounds| Finder::new(search, asked, self.frame, bounds))?;
        if !finder.is_done {
            result?;
            bail!("`{recorded}`: {}", finder.search.missing());
        }
        match finder.found {
            Ok(found) => {
                let all = if self.all {
                    self.print_all(recorded, &found)
                } else {
                    self.print_last(recorded, &found)
                };
                all?;
                Ok(!matches!(found.slot.value, Value::Nothing | Value::Unknown))
            }
            Err(reason) => {
                writeln!(io::stderr(), "trace27: {reason}")?;
                Ok(false)
            }
        }
    }

    fn print_last(&self, recorded: Recorded, found: &Found) -> Result<()> {
        let describe = |numbers: &[u64]| -> Result<BTreeMap<u64, Option<Described>>> {
            let variable = found.variable.clone();
            let (described, result) =
                recorded.replay(|bounds| Describe::new(variable, bounds, numbers))?;
            result?;
            Ok(described.wanted)
        };
        let Slot { set, origin, .. } = found.slot;
        let (title, made) = origin_of(found);
        let described = describe(&[set, made])?;
        let of = |number: u64| described.get(&number).and_then(Option::as_ref);
        let before = of(set).and_then(|set| set.before.clone());
        let earlier = match &before {
            Some((_, slot)) if slot.set != 0 => {
                (slot.set, describe(&[slot.set])?.remove(&slot.set).flatten())
            }
            _ => (0, None),
        };
        if self.json {
            let mut json = json!({ "name": found.name, "at": found.number, "value": shown(found) });
            if let Some(by) = of(set) {
                json["set"] = by.json(set);
            }
            if let Some(by) = of(made) {
                json[title] = by.json_with_inputs(made);
            }
            if let Some((value, _)) = before {
                json["before"] = json!({ "value": value });
                if let (number, Some(by)) = &earlier {
                    json["before"]["set"] = by.json(*number);
                }
            }
            return Ok(writeln!(io::stdout(), "{json:#}")?);
        }
        let mut out = headline(found);

        if let Some(by) = of(set) {
            let title = match (&found.variable, found.slot.value) {
                (_, Value::Nothing) => "deleted",
                // It was in a variable before it was pushed.
                (Variable::Item, _) => "stored by",
                _ => "set by",
            };
            let more = if matches!(origin, Origin::Argument(call) if call == set) {
                "an argument"
            } else {
                ""
            };
            out.push_str(&by.row(title, set, more));
        }
        if let Some(by) = of(made).filter(|_| made != set) {
            out.push_str(&by.row(
                match title {
                    "made" => "made by",
                    "read" => "read by",
                    title => title,
                },
                made,
                by.expression(),
            ));
        }
        match (&before, &earlier) {
            (Some((value, _)), (number, Some(by))) => {
                out.push_str(&by.row("before", *number, value))
            }
            (Some((value, _)), _) => out.push_str(&format!("  before    {value}\n")),
            (None, _) => {}
        }
        Ok(io::stdout().write_all(out.as_bytes())?)
    }

    fn print_all(&self, recorded: Recorded, found: &Found) -> Result<()> {
        let mut out = BufWriter::new(io::stdout().lock());
        let mut written = if self.json {
            let start = json!({ "name": found.name, "at": found.number, "value": shown(found) })
                .to_string();
            // The list follows, as long as it is.
            write!(out, "{},\"sets\":[", start.trim_end_matches('}'))
        } else {
            out.write_all(headline(found).as_bytes())
        };
        let mut count = 0u64;
        let take = |set: Set| {
            if written.is_ok() {
                let separator = if count == 0 { "\n" } else { ",\n" };
                written = if self.json {
                    write!(out, "{separator}{}", set.json())
                } else {
                    out.write_all(set.row().as_bytes())
                };
                count += 1;
            }
        };
        let (variable, end) = (found.variable.clone(), found.number);
        let (_, result) = recorded.replay(|bounds| Sets::new(variable, bounds, end, take))?;
        written?;
        if self.json {
            out.write_all(b"\n]}\n")?;
        }
        out.flush()?;
        Ok(result?)
    }
}

/// What is said of where a value comes from, and the number of the instruction.
fn origin_of(found: &Found) -> (&'static str, u64) {
    let is_named = matches!(found.variable, Variable::Name(..) | Variable::Global(..));
    match found.slot.origin {
        Origin::Unknown => ("made", 0),
        Origin::Constant(number) => ("constant", number),
        Origin::Argument(number) => ("argument", number),
        Origin::Made(number) if is_named && found.slot.set == 0 => ("read", number),
        Origin::Made(number) => ("made", number),
    }
}

fn shown(found: &Found) -> Option<&str> {
    let is_known = !matches!(found.slot.value, Value::Nothing | Value::Unknown);
    is_known.then_some(&found.value)
}

fn headline(found: &Found) -> String {
    let Found { name, value, .. } = found;
    match found.slot.value {
        Value::Nothing => format!("{name} is not bound\n"),
        Value::Unknown => format!("{name} is not known: it was set before the recording\n"),
        _ => format!("{name} = {value}\n"),
    }
}
