//! `convert`: any trace that we read, written as `line` or `jsonl`.

use std::io::{self, Write};
use std::{error, fmt};

use crate::formats::jsonl::{Either, Writer};
use crate::formats::{Reader, line};
use crate::step::{ReadError, Saved, Step, Steps};

/// How much of a line trace is read to distinguish numbers from meanings.
const SAMPLE: usize = 1 << 20;

/// The formats that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// The text of `tracer.py`
    Line,
    /// py27-trace 1
    Jsonl,
    /// Refused
    Flow,
}

/// Why a trace was not converted.
#[derive(Debug)]
pub enum Error {
    /// It cannot be read, or has a step that lacks what the format needs.
    Read(ReadError),
    /// The output cannot be written.
    Write(io::Error),
    /// Recordings are not made of steps.
    Recording,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Error::Read(error) => error.fmt(f),
            Error::Write(error) => error.fmt(f),
            Error::Recording => f.write_str(
                "`flow` needs the code objects themselves, which a trace lacks; record the program \
                 with `tracer.py --format flow`",
            ),
        }
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Error::Read(error) => error.source(),
            Error::Write(error) => error.source(),
            Error::Recording => None,
        }
    }
}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Error {
        Error::Read(error)
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        Error::Write(error)
    }
}

/// Writes the steps of `reader` to `output`, and gives their number. `resolve` chooses meanings
/// over numbers where `line` has room for one of them and a step has both.
///
/// # Errors
///
/// Those of reading and of `output`, a step that lacks what `line` needs, and `flow`.
pub fn convert(
    reader: &mut Reader<'_>,
    to: To,
    resolve: bool,
    output: &mut impl Write,
) -> Result<u64, Error> {
    match to {
        To::Line => to_line(reader, resolve, output),
        To::Jsonl => to_jsonl(reader, output),
        To::Flow => Err(Error::Recording),
    }
}

fn to_line(reader: &mut Reader<'_>, resolve: bool, output: &mut impl Write) -> Result<u64, Error> {
    let mut line = Vec::new();
    let mut steps = 0;
    let name = reader.name().to_owned();
    if let (true, Reader::Flow(flow)) = (resolve, &*reader)
        && !flow.has_constants()
    {
        return Err(ReadError::syntax(UNRESOLVED).in_file(&name).into());
    }
    while let Some(event) = reader.next()? {
        line.clear();
        line::write(&mut line, &event, resolve).map_err(|what| lacks(&event, what, &name))?;
        output.write_all(&line)?;
        steps += 1;
    }
    Ok(steps)
}

/// Why a recording has no meanings of operands.
pub const UNRESOLVED: &str = "it was recorded without constants; leave out `--resolve`";

fn lacks(event: &Step<'_>, what: &str, name: &str) -> ReadError {
    ReadError::syntax(format!("`line` needs {what}, which this step lacks; convert to `jsonl`"))
        .at(event.position.line, event.position.offset)
        .in_file(name)
}

fn to_jsonl(reader: &mut Reader<'_>, output: &mut impl Write) -> Result<u64, Error> {
    let either = match reader {
        Reader::Line(reader) => match reader.is_resolved(SAMPLE)? {
            Some(true) => Either::Meaning,
            Some(false) | None => Either::Number,
        },
        _ => Either::Number,
    };
    // What the header says is known once the first step is.
    let first = reader.next()?.map(|event| Saved::new(&event));
    let mut writer = Writer::new(output, &reader.about(), either)?;
    if let Some(first) = first {
        writer.step(&first.step())?;
        while let Some(event) = reader.next()? {
            writer.step(&event)?;
        }
    }
    let steps = writer.steps();
    writer.finish(&reader.about())?;
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lines::Lines;
    use crate::step::{Code, Format, Operand, Position};
    use bytecode::opcode;

    fn converted(text: &[u8], to: To, resolve: bool) -> Result<Vec<u8>, Error> {
        let mut reader = Reader::new(Lines::of("t", text, Position::START), None)?;
        let mut out = Vec::new();
        convert(&mut reader, to, resolve, &mut out)?;
        Ok(out)
    }

    #[test]
    fn a_blog_trace_comes_back_byte_for_byte() {
        for text in [
            &b"f> 0 LOAD_CONST (1)\nf> 3 STORE_NAME (0)\nf> 6 6 **********INVALID**********\n"[..],
            b"f> 0 LOAD_CONST (1)\nf> 3 STORE_NAME (x)\n\xff\n\"> 6 CALL_FUNCTION (1)\n\xff\n\"> 9 POP_TOP\n",
            b"> 0 LOAD_CONST (007)\n> 0 LOAD_CONST (a)\n\n)\n> 3 JUMP_FORWARD (-4)\n",
            b"> 0 LOAD_CONST ()\n",
        ] {
            let json = converted(text, To::Jsonl, false).unwrap();
            let back = converted(&json, To::Line, false).unwrap();
            assert_eq!(back.escape_ascii().to_string(), text.escape_ascii().to_string());
        }
    }

    #[test]
    fn a_log_becomes_either() {
        let log = include_bytes!("../../../tests/logs/xpython/closures_vv.log");
        let json = converted(log, To::Jsonl, false).unwrap();
        let text = String::from_utf8(json.clone()).unwrap();
        let second = r#"{"code":1,"name":"<module>","file":"closures.py"}"#;
        assert_eq!(text.lines().nth(1), Some(second));
        assert_eq!(converted(&json, To::Jsonl, false).unwrap(), json);
        // Names of cells stand for no number, so that `line` has nothing to write.
        let error = converted(log, To::Line, false).unwrap_err().to_string();
        assert!(error.contains("`line` needs the operand"), "{error}");
        let log = include_bytes!("../../../tests/logs/xpython/factorial.log");
        let error = converted(log, To::Line, false).unwrap_err().to_string();
        assert!(error.starts_with("`t`, line 1 (byte 0): `line` needs the name"), "{error}");
    }

    #[test]
    fn header_and_summary_go_along() {
        let text = b"{\"py27trace\":1,\"python\":\"2.7.18\",\"program\":\"a.py\"}\n\
            {\"n\":1,\"pc\":0,\"op\":1,\"opName\":\"POP_TOP\"}\n{\"steps\":1,\"exit\":3}\n";
        let written = converted(text, To::Jsonl, false).unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), std::str::from_utf8(text).unwrap());
    }

    #[test]
    fn nothing_is_a_trace_without_steps() {
        let json = converted(b"", To::Jsonl, false).unwrap();
        assert_eq!(json, b"{\"py27trace\":1,\"python\":\"2.7.18\"}\n{\"steps\":0}\n");
        assert_eq!(converted(&json, To::Line, false).unwrap(), b"");
    }

    /// A step by its parts, so that proptest can shrink it.
    #[derive(Clone, Debug)]
    struct Parts {
        name: Vec<u8>,
        pc: u32,
        opcode: u8,
        number: Option<i32>,
        meaning: Option<Vec<u8>>,
        depth: Option<u32>,
        stack: Option<Vec<Vec<u8>>>,
    }

    fn parts() -> impl Strategy<Value = Parts> {
        let name = prop_oneof![
            Just(b"f".to_vec()),
            prop::collection::vec(any::<u8>(), 0..6),
            prop::collection::vec(prop::sample::select(&b"> )(\n\r1\\\""[..]), 0..9),
        ];
        (
            name.clone(),
            any::<u32>(),
            any::<u8>(),
            prop::option::of(any::<i32>()),
            prop::option::of(name),
            prop::option::of(any::<u32>()),
            prop::option::of(prop::collection::vec(prop::collection::vec(any::<u8>(), 0..4), 0..3)),
        )
            .prop_map(|(name, pc, opcode, number, meaning, depth, stack)| {
                let operand = opcode >= opcode::HAVE_ARGUMENT;
                let number = number.filter(|_| operand);
                let meaning = meaning.filter(|_| operand);
                Parts { name, pc, opcode, number, meaning, depth, stack }
            })
    }

    impl Parts {
        fn with<T>(&self, use_it: impl FnOnce(&Step<'_>) -> T) -> T {
            let stack = self.stack.as_ref().map(|values| {
                let mut array = b"[".to_vec();
                for (index, value) in values.iter().enumerate() {
                    array.extend_from_slice(if index > 0 { b"," } else { b"" });
                    crate::formats::json::write_string(value, &mut array);
                }
                array.push(b']');
                array
            });
            use_it(&Step {
                position: Position::START,
                code: Code { name: Some(&self.name), ..Code::default() },
                pc: self.pc,
                opcode: self.opcode,
                operand: match (self.number, &self.meaning) {
                    (None, None) => Operand::Absent,
                    (Some(number), None) => Operand::Number(number),
                    (None, Some(meaning)) => Operand::Meaning(meaning),
                    (Some(number), Some(meaning)) => Operand::Both(number, meaning),
                },
                depth: self.depth,
                stack: stack.as_deref(),
                blocks: None,
                locals: None,
                cells: None,
            })
        }
    }

    proptest! {
        #[test]
        fn steps_survive_jsonl(steps in prop::collection::vec(parts(), 0..12)) {
            let about = crate::step::About::default();
            let mut writer = Writer::new(Vec::new(), &about, Either::Number).unwrap();
            for step in &steps {
                step.with(|event| writer.step(event)).unwrap();
            }
            let text = writer.finish(&about).unwrap();
            let lines = Lines::of("t", &text, Position::START);
            let mut reader = Reader::new(lines, Some(Format::Jsonl)).unwrap();
            for step in &steps {
                let read = reader.next().unwrap().unwrap();
                let same = step.with(|event| {
                    let code = Code { number: read.code.number, ..event.code };
                    Step { position: read.position, code, ..*event } == read
                });
                prop_assert!(same, "{step:?} became {read:?}");
            }
            prop_assert!(reader.next().unwrap().is_none());
            prop_assert_eq!(converted(&text, To::Jsonl, false).unwrap(), &text[..]);
        }

        #[test]
        fn steps_survive_blog(steps in prop::collection::vec(parts(), 1..12)) {
            let mut text = Vec::new();
            for step in &steps {
                let mut plain = step.clone();
                // What the format cannot distinguish: see the rules in `formats::line`.
                let odd = |byte: &u8| matches!(byte, b'\n' | b'>' | b')' | b'(' | b'\r');
                plain.name.retain(|byte| !odd(byte));
                plain.meaning = plain.meaning.map(|mut meaning| {
                    meaning.retain(|byte| !odd(byte));
                    meaning
                });
                if plain.meaning.is_none() {
                    plain.number = plain.number.or(Some(0));
                }
                plain.with(|event| line::write(&mut text, event, true)).unwrap();
            }
            let lines = Lines::of("t", &text, Position::START);
            let mut reader = Reader::new(lines, Some(Format::Line)).unwrap();
            for step in &steps {
                let read = reader.next().unwrap().unwrap();
                prop_assert_eq!((read.pc, read.opcode), (step.pc, step.opcode));
            }
            prop_assert!(reader.next().unwrap().is_none());
            let json = converted(&text, To::Jsonl, false).unwrap();
            prop_assert_eq!(converted(&json, To::Line, false).unwrap(), &text[..]);
        }

        /// Whatever is read as blog is written as it was, odd names and constants included.
        #[test]
        fn any_blog_text_comes_back(steps in prop::collection::vec(parts(), 1..12)) {
            let mut text = Vec::new();
            for step in &steps {
                let given = step.with(|event| line::write(&mut text, event, true));
                if given.is_err() {
                    text.extend_from_slice(b"f> 0 POP_TOP\n");
                }
            }
            let lines = Lines::of("t", &text, Position::START);
            let mut reader = Reader::new(lines, Some(Format::Line)).unwrap();
            let mut json = Vec::new();
            if convert(&mut reader, To::Jsonl, false, &mut json).is_ok() {
                prop_assert_eq!(converted(&json, To::Line, false).unwrap(), &text[..]);
            }
        }
    }
}
