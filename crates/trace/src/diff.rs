//! Opens two traces and compares them: where the formats meet the comparison.
//!
//! What is compared, and how, is in `analysis::diff`, which knows steps only.

pub use crate::analysis::diff::*;

use crate::analysis::diff::side::{Opened, Whole};
use crate::formats::Reader;
use crate::formats::line::Line;
use crate::input::Input;
use crate::lines::Lines;
use crate::step::{Format, Position, ReadError, Steps};

/// Bytes that are searched for an operand that is surely a number or surely a meaning.
const SAMPLE: usize = 1 << 20;

/// Compares two traces.
///
/// # Errors
///
/// Those of reading either, with its name and line.
pub fn compare(left: Input, right: Input, config: &Config) -> Result<Report, ReadError> {
    let (mut left, mut right) = (Some(left), Some(right));
    let left = open(&mut left, config.formats[0], config.lenient)?;
    let right = open(&mut right, config.formats[1], config.lenient)?;
    crate::analysis::diff::compare(left, right, config)
}

/// Starts to read `input`, which is taken unless the whole of it is in memory.
fn open<'a>(
    input: &'a mut Option<Input>,
    format: Option<Format>,
    lenient: bool,
) -> Result<Opened<'a>, ReadError> {
    if input.as_ref().is_none_or(|input| input.mapped().is_none()) {
        let lines = match input.take() {
            Some(input) => Lines::new(input),
            None => Lines::of("", b"", Position::START),
        };
        let reader = Reader::with(lines, format, lenient)?;
        return Ok(Opened { steps: Box::new(reader), whole: None, resolved: None });
    }
    let input: Option<&'a Input> = input.as_ref();
    let name = input.map(Input::name).unwrap_or_default();
    let text = input.and_then(Input::mapped).unwrap_or_default();
    let mut reader = Reader::with(Lines::of(name, text, Position::START), format, lenient)?;
    let release = move |bytes| {
        if let Some(input) = input {
            input.release(bytes);
        }
    };
    let (mut resume, mut resolved) = (None, None);
    if let (Reader::Line(line), false) = (&mut reader, lenient) {
        // Looking ahead in a pipe might wait for steps that are not made yet; here all are.
        resolved = line.is_resolved(SAMPLE)?;
        let names = line.names();
        resume = Some(Box::new(move |position: Position| {
            let rest = usize::try_from(position.offset).ok().and_then(|from| text.get(from..));
            let lines = Lines::of(name, rest.unwrap_or_default(), position);
            Box::new(Line::resume(lines, position.step, names.clone())) as Box<dyn Steps + 'a>
        }) as Box<dyn Fn(Position) -> Box<dyn Steps + 'a> + 'a>);
    }
    let whole = Some(Whole { text, release: Box::new(release), resume });
    Ok(Opened { steps: Box::new(reader), whole, resolved })
}
