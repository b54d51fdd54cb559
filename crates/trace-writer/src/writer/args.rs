//! What the hook starts the writer with.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;
use std::str::FromStr;

use recording::text::RenderOptions;

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Lines of text.
    Text,
    /// A recording.
    Flow,
}

/// The arguments: `--NAME VALUE` or `--NAME=VALUE`, and switches without a value.
#[derive(Clone, Debug)]
pub struct Args {
    /// The descriptor of the shared memory.
    pub ring: Option<i32>,
    /// The number of the segment that is the shared memory, where no descriptor is.
    pub segment: Option<i32>,
    /// The descriptor of the output.
    pub out: i32,
    /// The descriptor of the memory that is mapped while the traced program is there.
    pub presence: i32,
    /// The traced process.
    pub process: u32,
    /// The output's name; other threads' files are named after it.
    pub file: PathBuf,
    /// What is written.
    pub kind: Kind,
    /// Whether it is compressed.
    pub compress: bool,
    /// Operands as their meaning.
    pub resolve: bool,
    /// As the original.
    pub blog: bool,
    /// Code objects of this name alone.
    pub name: Option<OsString>,
    /// Other threads are recorded too, each in a file with limits of its own.
    pub threads: bool,
    /// End after this many lines, or instructions of a recording.
    pub limit: Option<u64>,
    /// End before the file is larger than this.
    pub max_bytes: Option<u64>,
    /// What the recording says of itself, a JSON object.
    pub about: OsString,
}

impl Args {
    /// Reads them.
    ///
    /// # Errors
    ///
    /// What the hook never passes: a person has typed it.
    pub fn parse(arguments: impl Iterator<Item = OsString>) -> io::Result<Args> {
        let (mut ring, mut segment, mut out, mut presence, mut process) =
            (None, None, None, None, None);
        let (mut file, mut kind, mut name, mut limit, mut max_bytes, mut about) =
            (None, None, None, None, None, None);
        let (mut compress, mut resolve, mut blog, mut threads) = (false, false, false, false);
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            let bytes = argument.as_encoded_bytes();
            let (option, mut value) = match bytes.iter().position(|&byte| byte == b'=') {
                Some(at) => (&bytes[..at], Some(suffix(&argument, at + 1))),
                None => (bytes, None),
            };
            let mut value = || {
                let next = value.take().or_else(|| arguments.next());
                next.ok_or_else(|| unknown(&argument, "has no value"))
            };
            match option {
                b"--ring" => ring = Some(number(&value()?)?),
                b"--segment" => segment = Some(number(&value()?)?),
                b"--out" => out = Some(number(&value()?)?),
                b"--presence" => presence = Some(number(&value()?)?),
                b"--process" => process = Some(number(&value()?)?),
                b"--file" => file = Some(PathBuf::from(value()?)),
                b"--kind" => {
                    kind = Some(match value()?.as_encoded_bytes() {
                        b"text" => Kind::Text,
                        b"flow" => Kind::Flow,
                        _ => return Err(unknown(&argument, "is neither `text` nor `flow`")),
                    });
                }
                b"--name" => name = Some(value()?),
                b"--limit" => limit = Some(number(&value()?)?),
                b"--max-bytes" => max_bytes = Some(number(&value()?)?),
                b"--about" => about = Some(value()?),
                b"--compress" => compress = true,
                b"--resolve" => resolve = true,
                b"--blog" => blog = true,
                b"--threads" => threads = true,
                _ => return Err(unknown(&argument, "is no argument of the writer")),
            }
        }
        let missing = |name: &str| {
            let message =
                format!("there is no `{name}`; the traced interpreter starts this program");
            io::Error::other(message)
        };
        if ring.is_none() && segment.is_none() {
            return Err(missing("--ring"));
        }
        Ok(Args {
            ring,
            segment,
            out: out.ok_or_else(|| missing("--out"))?,
            presence: presence.ok_or_else(|| missing("--presence"))?,
            process: process.ok_or_else(|| missing("--process"))?,
            file: file.ok_or_else(|| missing("--file"))?,
            kind: kind.ok_or_else(|| missing("--kind"))?,
            compress,
            resolve,
            blog,
            name,
            threads,
            limit,
            max_bytes,
            about: about.unwrap_or_else(|| "{}".into()),
        })
    }

    pub(super) fn render(&self) -> RenderOptions {
        RenderOptions {
            resolve: self.resolve,
            blog: self.blog,
            name: self.name.as_ref().map(|name| name.as_encoded_bytes().to_vec()),
            counts_lines: true,
        }
    }
}

fn suffix(argument: &OsStr, at: usize) -> OsString {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    OsString::from_vec(argument.as_bytes()[at..].to_vec())
}

fn number<T: FromStr>(value: &OsStr) -> io::Result<T> {
    let number = value.to_str().and_then(|text| text.parse().ok());
    number.ok_or_else(|| unknown(value, "is no number"))
}

fn unknown(argument: &OsStr, why: &str) -> io::Error {
    io::Error::other(format!("`{}` {why}", argument.to_string_lossy().escape_debug()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> io::Result<Args> {
        Args::parse(arguments.iter().map(OsString::from))
    }

    #[test]
    fn both_forms_of_a_value() {
        let rest = ["--out", "3", "--presence=4", "--process", "77", "--kind=text", "--compress"];
        let args = parse(&[&["--ring", "5", "--file=a=b", "--name=-x=y"], &rest[..]].concat());
        let args = args.unwrap();
        assert_eq!((args.ring, args.out, args.presence, args.process), (Some(5), 3, 4, 77));
        assert_eq!((args.file, args.name), ("a=b".into(), Some("-x=y".into())));
        assert_eq!((args.kind, args.compress, args.blog), (Kind::Text, true, false));
        assert_eq!(args.about, "{}");
    }

    #[test]
    fn what_a_person_types_is_answered() {
        for (arguments, message) in [
            (&["--ring", "x"][..], "`x` is no number"),
            (&["--ring"], "`--ring` has no value"),
            (&["--kind=html"], "`--kind=html` is neither `text` nor `flow`"),
            (&["\u{1b}[1m"], "`\\u{1b}[1m` is no argument of the writer"),
            (&[], "there is no `--ring`; the traced interpreter starts this program"),
        ] {
            assert_eq!(parse(arguments).unwrap_err().to_string(), message);
        }
    }
}
