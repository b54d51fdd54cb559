//! Values of options: names on the command line for what the library knows.

use std::io::{self, IsTerminal, Write};

use crate::render::text::{Paint, counted};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use trace::analysis::diff::rules::Level;
use trace::convert::To;
use trace::step::{Format, Steps};

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Colour {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl Colour {
    /// Whether to use them on standard output.
    pub fn paint(self) -> Paint {
        // https://no-color.org: any value but an empty one.
        let no_color = || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let on = match self {
            Colour::Auto => io::stdout().is_terminal() && !no_color(),
            Colour::Always => true,
            Colour::Never => false,
        };
        Paint { on }
    }
}

/// The formats that are read. `blog` is an older name of `line`.
pub fn format() -> impl TypedValueParser<Value = Format> {
    let value = |format: Format| {
        let value = PossibleValue::new(format.name()).help(format.about());
        if format == Format::Line { value.alias("blog") } else { value }
    };
    PossibleValuesParser::new(Format::ALL.map(value))
        .map(|name| Format::by_name(&name).expect("only names of formats pass"))
}

/// The formats that are written.
pub fn to() -> impl TypedValueParser<Value = To> {
    PossibleValuesParser::new([
        PossibleValue::new(Format::Line.name()).alias("blog").help("The text of `tracer.py`"),
        PossibleValue::new(Format::Jsonl.name()).help(Format::Jsonl.about()),
        // Refused with a reason.
        PossibleValue::new(Format::Flow.name()).hide(true),
    ])
    .map(|name| match name.as_str() {
        "jsonl" => To::Jsonl,
        "flow" => To::Flow,
        _ => To::Line,
    })
}

/// How much of a step is compared.
pub fn level() -> impl TypedValueParser<Value = Level> {
    let value = |level: Level| PossibleValue::new(level.name()).help(level.about());
    PossibleValuesParser::new(Level::ALL.map(value)).map(|name| {
        let found = Level::ALL.into_iter().find(|level| level.name() == name);
        found.expect("only names of levels pass")
    })
}

/// Says on standard error what a lenient reader left out.
pub fn say_left_out(reader: &impl Steps) -> io::Result<()> {
    let (skipped, trimmed) = (reader.other_lines(), reader.trimmed_lines());
    let mut output = io::stderr();
    if skipped > 0 {
        let lines = counted(skipped, "line");
        writeln!(output, "trace27: `{}`: skipped {lines} that are no step", reader.name())?;
    }
    if trimmed > 0 {
        let lines = counted(trimmed, "line");
        writeln!(output, "trace27: `{}`: left out text around the step of {lines}", reader.name())?;
    }
    Ok(())
}
