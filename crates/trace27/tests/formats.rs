//! `docs/trace-format.md` and the schema beside it say what the readers do: examples are read out
//! of the page, and its commands run.

#![allow(clippy::unwrap_used, reason = "a test says with it what must be")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use trace::convert::{To, convert};
use trace::formats::Reader;
use trace::lines::Lines;
use trace::step::{Format, Position, ReadError, Steps};

fn docs(file: &str) -> String {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "../..", "docs", file].iter().collect();
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The page's examples: the word behind the fence, and the text.
fn examples() -> Vec<(String, String)> {
    let page = docs("trace-format.md");
    let mut examples = Vec::new();
    let mut pieces = page.split("\n```");
    pieces.next();
    while let (Some(example), Some(_)) = (pieces.next(), pieces.next()) {
        let (language, text) = example.split_once('\n').unwrap();
        examples.push((language.to_owned(), format!("{text}\n")));
    }
    examples
}

fn count(text: &str, format: Option<Format>) -> Result<(Format, u64), ReadError> {
    let lines = Lines::of("example", text.as_bytes(), Position::START);
    let mut reader = Reader::new(lines, format)?;
    let mut steps = 0;
    while reader.next()?.is_some() {
        steps += 1;
    }
    Ok((reader.format(), steps))
}

#[test]
fn every_example_of_the_page_is_a_trace_of_its_format() {
    let found: Vec<_> = examples()
        .iter()
        .map(|(language, text)| {
            let (format, steps) = count(text, None).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(format.name(), language);
            (language.clone(), steps)
        })
        .collect();
    let wanted =
        [("line", 5), ("line", 4), ("jsonl", 4), ("jsonl", 2), ("xpython", 5), ("byterun", 2)];
    let found: Vec<_> = found.iter().map(|(name, steps)| (&name[..], *steps)).collect();
    assert_eq!(found, wanted);
}

#[test]
fn the_full_example_is_what_we_write() {
    let (_, text) = examples().into_iter().find(|(language, _)| language == "jsonl").unwrap();
    let lines = Lines::of("example", text.as_bytes(), Position::START);
    let mut written = Vec::new();
    convert(&mut Reader::new(lines, None).unwrap(), To::Jsonl, false, &mut written).unwrap();
    assert_eq!(String::from_utf8(written).unwrap(), text);
}

#[test]
fn the_commands_of_the_page_run() {
    let dir = tempfile::tempdir().unwrap();
    let examples = examples();
    let write = |file: &str, language: &str| {
        let (_, text) = examples.iter().find(|(name, _)| name == language).unwrap();
        fs::write(dir.path().join(file), text).unwrap();
    };
    write("trace.txt", "line");
    write("trace.jsonl", "jsonl");
    let mut ran = 0;
    for line in docs("trace-format.md").lines() {
        let Some(command) = line.strip_prefix("    trace27 ") else { continue };
        let command = command.split(['#', '|']).next().unwrap();
        let status = Command::new(env!("CARGO_BIN_EXE_trace27"))
            .args(command.split_whitespace())
            .current_dir(dir.path())
            .output()
            .unwrap();
        assert!(status.status.success(), "{command}: {status:?}");
        ran += 1;
    }
    assert_eq!(ran, 3);
}

#[test]
fn schema_and_reader_agree() {
    let schema: Value = serde_json::from_str(&docs("py27-trace-1.schema.json")).unwrap();
    for (language, text) in examples() {
        for line in text.lines().filter(|_| language == "jsonl") {
            check(&schema, line, true);
        }
    }
    // What the schema cannot say is not here: lines that contradict other lines, or opcodes.
    for (line, good) in [
        (r#"{"py27trace":1}"#, true),
        (r#"{"py27trace":2}"#, false),
        (r#"{"py27trace":1,"python":"3.8"}"#, false),
        (r#"{"py27trace":1,"sha256":"00"}"#, false),
        (r#"{"code":0}"#, true),
        (r#"{"code":-1}"#, false),
        (r#"{"code":1,"name":null}"#, false),
        (r#"{"code":1,"firstLine":"3"}"#, false),
        (r#"{"pc":0}"#, false),
        (r#"{"op":0}"#, false),
        (r#"{"pc":0,"op":256}"#, false),
        (r#"{"pc":4294967296,"op":1}"#, false),
        (r#"{"pc":0.5,"op":1}"#, false),
        (r#"{"pc":0,"op":1,"own":{"anything":null}}"#, true),
        (r#"{"opName":"LOAD_CONST","arg":-2147483648,"pc":0}"#, true),
        (r#"{"pc":0,"op":100,"arg":2147483648}"#, false),
        (r#"{"pc":0,"op":100,"arg":null}"#, false),
        (r#"{"pc":0,"op":100,"argRepr":5}"#, false),
        (r#"{"pc":0,"op":1,"stack":{}}"#, false),
        (r#"{"pc":0,"op":1,"blocks":[["SETUP_LOOP",33,0]]}"#, true),
        (r#"{"steps":0}"#, true),
        (r#"{"exit":-9}"#, true),
        (r#"{"steps":-1}"#, false),
        (r#"{}"#, false),
        (r#"{"own":1}"#, false),
        (r#"[]"#, false),
    ] {
        check(&schema, line, good);
    }
}

fn check(schema: &Value, line: &str, good: bool) {
    let value: Value = serde_json::from_str(line).unwrap();
    assert_eq!(matches(schema, schema, &value), good, "the schema and {line}");
    // Alone, a line may lack the code record or the steps that it speaks of.
    let alone = count(line, Some(Format::Jsonl));
    let elsewhere = alone.as_ref().is_err_and(|error| {
        let reason = error.reason();
        reason.contains("no line before") || reason.contains("the steps before this line")
    });
    assert_eq!(alone.is_ok() || elsewhere, good, "the reader and {line}: {alone:?}");
}

/// Whether `value` is valid: as much of JSON Schema as ours uses, and a panic for any more.
fn matches(root: &Value, schema: &Value, value: &Value) -> bool {
    let Value::Object(keywords) = schema else { return schema.as_bool().unwrap() };
    let list = |of: &Value| of.as_array().unwrap().clone();
    keywords.iter().all(|(keyword, wanted)| match keyword.as_str() {
        "$schema" | "title" | "description" | "$defs" => true,
        "$ref" => {
            let pointer = wanted.as_str().unwrap().strip_prefix('#').unwrap();
            matches(root, root.pointer(pointer).unwrap(), value)
        }
        "oneOf" => list(wanted).iter().filter(|one| matches(root, one, value)).count() == 1,
        "anyOf" => list(wanted).iter().any(|one| matches(root, one, value)),
        "const" => wanted == value,
        "type" => match wanted.as_str().unwrap() {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "integer" => value.is_i64() || value.is_u64(),
            other => panic!("type `{other}`"),
        },
        "minimum" => value.as_i64().is_none_or(|value| value >= wanted.as_i64().unwrap()),
        "maximum" => value.as_i64().is_none_or(|value| value <= wanted.as_i64().unwrap()),
        "pattern" => value.as_str().is_none_or(|value| match wanted.as_str().unwrap() {
            "^2\\.7" => value.starts_with("2.7"),
            "^[0-9a-f]{64}$" => {
                value.len() == 64 && value.bytes().all(|b| b"0123456789abcdef".contains(&b))
            }
            other => panic!("pattern `{other}`"),
        }),
        "required" => list(wanted).iter().all(|key| value.get(key.as_str().unwrap()).is_some()),
        "properties" => {
            wanted.as_object().unwrap().iter().all(|(key, schema)| {
                value.get(key).is_none_or(|value| matches(root, schema, value))
            })
        }
        other => panic!("keyword `{other}`: teach it to this test"),
    })
}

#[test]
fn every_format_has_its_place() {
    let page = docs("trace-format.md");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for format in Format::ALL {
        assert!(page.contains(&format!("\n## {format}")), "{format}: no section on the page");
        let target = root.join(format!("fuzz/fuzz_targets/{format}.rs"));
        assert!(target.is_file(), "{} is missing", target.display());
    }
}
