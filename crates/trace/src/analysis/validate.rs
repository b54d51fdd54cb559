//! `validate`: whether a file is a trace that we read, and the first line that is wrong.

use std::fmt;

use serde_json::{Value, json};

use crate::step::{Fields, Format, ReadError, Steps};

/// What a whole trace holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Valid {
    /// Given, or recognised.
    pub format: Format,
    /// Steps in all.
    pub steps: u64,
    /// Lines that belong to no step: the program's own output in a log.
    pub other_lines: u64,
    /// Lines of which text before or after the step was left out.
    pub trimmed_lines: u64,
    /// What at least one step carries.
    pub fields: Fields,
}

/// Reads a whole trace.
///
/// # Errors
///
/// The first line that its format does not allow, and unreadable input.
pub fn validate(reader: &mut impl Steps, allow_empty: bool) -> Result<Valid, ReadError> {
    let (mut steps, mut fields) = (0, Fields::NONE);
    while let Some(event) = reader.next()? {
        steps += 1;
        fields |= event.fields();
    }
    if steps == 0 && !allow_empty {
        return Err(ReadError::empty().in_file(reader.name()));
    }
    let (other_lines, trimmed_lines) = (reader.other_lines(), reader.trimmed_lines());
    Ok(Valid { format: reader.format(), steps, other_lines, trimmed_lines, fields })
}

impl Valid {
    /// The same as one object.
    pub fn to_json(&self, file: &str) -> Value {
        json!({
            "file": file,
            "valid": true,
            "format": self.format.name(),
            "steps": self.steps,
            "other_lines": self.other_lines,
            "trimmed_lines": self.trimmed_lines,
            "fields": self.fields.names().collect::<Vec<_>>(),
        })
    }
}

/// An error as one object, for `--json`.
pub fn invalid(file: &str, error: &ReadError) -> Value {
    let mut object = json!({ "file": file, "valid": false, "reason": error.reason() });
    for (key, number) in [("line", error.line()), ("byte", error.offset())] {
        if let Some(number) = number {
            object[key] = number.into();
        }
    }
    object
}

impl fmt::Display for Valid {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let plural = |count: u64| if count == 1 { "" } else { "s" };
        write!(f, "valid {}, {} step{}", self.format, self.steps, plural(self.steps))?;
        if self.other_lines > 0 {
            write!(f, ", {} other line{}", self.other_lines, plural(self.other_lines))?;
        }
        if self.trimmed_lines > 0 {
            let lines = self.trimmed_lines;
            write!(f, ", {lines} line{} with text around the step", plural(lines))?;
        }
        let names: Vec<_> = self.fields.names().collect();
        if !names.is_empty() {
            write!(f, "; with {}", names.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lines::Lines;
    use crate::step::Position;

    #[test]
    fn it_says_what_is_there_or_what_is_wrong() {
        let read = |text: &str| {
            let lines = Lines::of("t", text.as_bytes(), Position::START);
            validate(&mut crate::formats::Reader::new(lines, None)?, false)
        };
        let valid = read("{\"pc\":0,\"op\":1,\"stack\":[]}\n").unwrap();
        assert_eq!(valid.to_string(), "valid jsonl, 1 step; with stack");
        assert_eq!(valid.to_json("t")["fields"], json!(["stack"]));
        let error = read("{\"pc\":0,\"op\":1}\n{\"pc\":-1,\"op\":1}\n").unwrap_err();
        let wanted = "`t`, line 2 (byte 16): `pc` must be an integer, not negative";
        assert_eq!(error.to_string(), wanted);
        let object = invalid("t", &error);
        assert_eq!((&object["line"], &object["byte"]), (&json!(2), &json!(16)));
    }
}
