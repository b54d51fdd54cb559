//! What the tests of the parts share. The one place here that knows a format, to read text with.

use crate::formats::line::{Line, Names};
use crate::lines::Lines;
use crate::step::{Position, Step, Steps};

/// Reads text of `line` that must be without fault.
pub fn steps(text: &str, mut each: impl FnMut(&Step<'_>)) {
    let mut reader = Line::new(Lines::of("test", text.as_bytes(), Position::START));
    while let Some(step) = reader.next().unwrap() {
        each(&step);
    }
}

/// Reads text of `line` from a step in the middle.
pub fn reader(text: &[u8], position: Position) -> Box<dyn Steps + '_> {
    let lines = Lines::of("test", &text[position.offset as usize..], position);
    Box::new(Line::resume(lines, position.step, Names::default()))
}
