//! What the user asked for, as it stands in the environment.
//!
//! tracer.py sets these variables and starts the interpreter anew, so that the program finds
//! it as if nothing had happened; they can be set by hand as well. The hook takes them out of
//! the environment before the program sees it.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// The file to write; tracing is on when it is set. `-` is standard output.
pub const FILE: &str = "PYTHON27_TRACED_FILE";
/// The `co_name` to which the trace is confined.
pub const NAME: &str = "PYTHON27_TRACED_NAME";
/// Any of `resolve`, `blog`, `raw`, joined by commas.
pub const OPTIONS: &str = "PYTHON27_TRACED_OPTIONS";

/// The wishes of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The file to write, or `-`.
    pub file: OsString,
    /// Only code objects of this `co_name` are traced.
    pub name: Option<Vec<u8>>,
    /// Operands are written as their meaning.
    pub resolve: bool,
    /// As the original: the instruction behind EXTENDED_ARG is left out.
    pub blog: bool,
    /// The program is a marshalled code object without a header.
    pub raw: bool,
}

impl Settings {
    /// Reads the variables through `get`. `None` if no file is named; the error is a message
    /// for the user.
    pub fn read(get: impl Fn(&str) -> Option<OsString>) -> Result<Option<Settings>, String> {
        let Some(file) = get(FILE).filter(|file| !file.is_empty()) else { return Ok(None) };
        let name = get(NAME).map(|name| name.as_bytes().to_vec());
        let mut settings = Settings { file, name, ..Settings::default() };
        for option in get(OPTIONS).unwrap_or_default().as_bytes().split(|&byte| byte == b',') {
            match option {
                b"" => {}
                b"resolve" => settings.resolve = true,
                b"blog" => settings.blog = true,
                b"raw" => settings.raw = true,
                other => {
                    return Err(format!(
                        "`{OPTIONS}` holds `{}`; it knows `resolve`, `blog` and `raw`",
                        OsStr::from_bytes(other).to_string_lossy()
                    ));
                }
            }
        }
        Ok(Some(settings))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Option<Settings>, String> {
        Settings::read(|wanted| {
            let found = variables.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn without_a_file_there_is_no_trace() {
        assert_eq!(read(&[(OPTIONS, "nonsense")]), Ok(None));
        assert_eq!(read(&[(FILE, "")]), Ok(None));
    }

    #[test]
    fn all_are_read() {
        let settings = read(&[(FILE, "t"), (NAME, ""), (OPTIONS, "resolve,blog,raw")]);
        let wanted = Settings {
            file: "t".into(),
            name: Some(Vec::new()),
            resolve: true,
            blog: true,
            raw: true,
        };
        assert_eq!(settings, Ok(Some(wanted)));
    }

    #[test]
    fn an_unknown_option_is_named() {
        let error = read(&[(FILE, "t"), (OPTIONS, "resolve,flow")]).unwrap_err();
        assert!(error.contains("`flow`"), "{error}");
    }
}
