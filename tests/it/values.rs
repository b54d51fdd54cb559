//! Belongs here: recordings with values, against an oracle that reads the frames of plain CPython.
//!
//! The state before each instruction is the same: stack, blocks, locals and cells, byte for byte once
//! addresses, the process's number and the interpreter's folder are masked.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use integration::{
    Program, Python, assert_same, in_parallel, mask, programs, project, random_bytecode,
    random_source, trace27, wait_for,
};

/// More than most values of the tests are long: where a text is cut depends on addresses.
const SIZE: usize = 2000;

/// Programs that see how they are run, or that the oracle cannot run.
const NOT_COMPARED: [(&str, &str); 28] = [
    ("class_new_style.py", "a message lists classes in the order of their addresses"),
    ("code_objects_replaced.py", "it reads `co_lnotab`, which the oracle replaces"),
    ("constants_huge.py", "the oracle takes minutes"),
    ("extended_arg_displays.py", "the oracle takes minutes"),
    ("extended_arg_names.py", "it loads `sys.modules`, which has the oracle's"),
    ("fork.py", "it stores the number of its child"),
    ("gc_automatic.py", "when objects are collected depends on how many the oracle has made"),
    ("import_ast.py", "it loads `sys.modules`"),
    ("import_collections.py", "it loads `sys.modules`"),
    ("import_decimal.py", "it loads `sys.modules`"),
    ("import_difflib.py", "it loads `sys.modules`"),
    ("import_forms.py", "it loads `sys.modules`"),
    ("import_hidden.py", "it loads `sys.modules`"),
    ("import_hooks.py", "it loads `sys.modules`"),
    ("import_html_parser.py", "it loads `sys.modules`"),
    ("import_json_pickle.py", "it loads `sys.modules`"),
    ("import_logging.py", "tracebacks have lines, which are the oracle's"),
    ("import_re.py", "it loads `sys.modules`"),
    ("import_small_modules.py", "it loads `sys.modules`"),
    ("import_tokenize.py", "it loads `sys.modules`"),
    ("import_unittest.py", "it loads `sys.modules`"),
    ("marshalled_functions.py", "it marshals `co_lnotab`, which the oracle replaces"),
    ("recursion_limit.py", "the oracle's own frames count"),
    ("recursion_uncaught.py", "the oracle's own frames count"),
    ("signal_handler.py", "when a signal arrives depends on the time"),
    ("signal_keyboard_interrupt.py", "when a signal arrives depends on the time"),
    ("threads.py", "it prints numbers of threads"),
    ("threads_share_code.py", "it prints numbers of threads"),
];

/// What a line of the comparison has.
const KEYS: [&str; 6] = ["in", "pc", "stack", "blocks", "locals", "cells"];

/// One line for each instruction, as JSON.
fn line(step: &Value, processes: &[String]) -> String {
    let parts: Vec<String> = KEYS.iter().map(|key| shown(&step[*key], processes)).collect();
    format!("{}\n", parts.join(" "))
}

fn shown(value: &Value, processes: &[String]) -> String {
    match value {
        Value::String(text) => {
            let masked = String::from_utf8_lossy(&mask(text.as_bytes())).into_owned();
            let prefix = |name: &str| project().join("target/python/prefix").join(name);
            let mut masked = masked;
            for name in ["traced", "unpatched"] {
                masked = masked
                    .replace(&prefix(name).display().to_string(), "PREFIX")
                    .replace(&format!("tree/{name}/"), "tree/");
            }
            for process in processes {
                masked = without(&masked, process);
            }
            // What is cut is cut elsewhere where addresses are longer.
            if text.len() == SIZE + 3 && text.ends_with("...") {
                masked = masked.chars().take(SIZE / 2).collect();
            }
            Value::String(masked).to_string()
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| shown(item, processes)).collect();
            format!("[{}]", items.join(","))
        }
        other => other.to_string(),
    }
}

/// A text without a number, where that is not part of a longer one.
fn without(text: &str, number: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(number) {
        let (before, after) = (&rest[..at], &rest[at + number.len()..]);
        let joins = |char: Option<char>| char.is_some_and(|char| char.is_ascii_alphanumeric());
        out.push_str(before);
        if joins(before.chars().next_back()) || joins(after.chars().next()) {
            out.push_str(number);
        } else {
            out.push_str("PROCESS");
        }
        rest = after;
    }
    out + rest
}

/// The states that a recording has, of instructions in the program's own file and in code that it
/// makes. The oracle stops once at an instruction with prefixes.
fn ours(jsonl: &[u8], processes: &[String]) -> String {
    let (mut codes, mut lines) = (std::collections::HashMap::new(), String::new());
    let mut own: Option<String> = None;
    let mut prefixed = std::collections::HashMap::new();
    for text in jsonl.split(|&byte| byte == b'\n').filter(|text| !text.is_empty()) {
        let mut step: Value = serde_json::from_slice(&lossless(text)).unwrap();
        if let Some(code) = step["code"].as_u64() {
            codes.insert(code, (step["name"].clone(), step["file"].clone()));
            continue;
        }
        let Some(code) = step["c"].as_u64() else { continue };
        let (name, file) = &codes[&code];
        let file = file.as_str().unwrap();
        let own = own.get_or_insert_with(|| file.to_owned());
        if own != file && !file.starts_with('<') {
            continue;
        }
        let is_prefix = step["op"] == 145;
        if prefixed.insert(step["d"].as_u64(), is_prefix) != Some(true) {
            step["in"] = name.clone();
            lines.push_str(&line(&step, processes));
        }
    }
    lines
}

/// Bytes that are not ASCII as the code points of the same numbers, as the oracle writes them;
/// py27-trace 1 has those that are not UTF-8 as lone surrogates.
fn lossless(text: &[u8]) -> Vec<u8> {
    let mut out = String::new();
    for &byte in text {
        match byte.is_ascii() {
            true => out.push(byte as char),
            false => out.push_str(&format!("\\u00{byte:02x}")),
        }
    }
    out.replace("\\udc", "\\u00").into_bytes()
}

fn agree(program: &Program, options: &[&str]) {
    let scratch = tempfile::tempdir().unwrap();
    let (python, plain) = (Python::traced(), Python::unpatched());
    let size = format!("--value-size={SIZE}");
    let options = [options, &["--values", &size]].concat();
    let recorded = python.record(&program.folder, &options, &program.arguments(), "t.flow");
    let converted = scratch.path().join("t.jsonl");
    let (from, to) = (recorded.file(), converted.as_path());
    let arguments = ["convert", "--values", "--to", "jsonl"].map(Path::new);
    let outcome = trace27(arguments.into_iter().chain([from.as_path(), to]));
    assert_eq!(outcome.status, 0, "{}", outcome.text());
    let oracle = scratch.path().join("oracle.jsonl");
    let tracer = project().join("tests/oracle/values.py");
    let mut command = plain.command(&program.folder);
    command.arg(tracer).arg(&oracle).arg(format!("{SIZE},4,32")).args(program.arguments());
    plain.finish(&mut command);
    let oracle = fs::read(&oracle).unwrap();
    let mut lines = oracle.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    let first: Value = serde_json::from_slice(lines.next().unwrap()).unwrap();
    let about = fs::read(recorded.file()).unwrap();
    let about = String::from_utf8_lossy(&about[..1024.min(about.len())]).into_owned();
    let process = about.split("\"process\":").nth(1).unwrap();
    let process = process.split(|char: char| !char.is_ascii_digit()).next().unwrap();
    let processes = [process.to_owned(), first["process"].to_string()];
    let wanted: String =
        lines.map(|text| line(&serde_json::from_slice(text).unwrap(), &processes)).collect();
    let found = ours(&fs::read(converted).unwrap(), &processes);
    // The oracle ends with the program, the recording with the interpreter.
    let count = wanted.lines().count();
    let found: String = found.split_inclusive('\n').take(count).collect();
    assert!(count > 0, "the oracle has not run {}", program.name());
    assert_same("the states", wanted.as_bytes(), found.as_bytes());
}

fn compared(folder: &str) -> Vec<Program> {
    let mut all = programs(folder);
    all.retain(|program| NOT_COMPARED.iter().all(|(name, _)| program.name() != *name));
    all
}

#[test]
fn the_state_before_each_instruction_of_the_corpus() {
    in_parallel(compared(""), |program| agree(program, &[]));
}

/// Each instruction is recorded individually: the same state.
#[test]
fn the_state_of_guarded_programs() {
    let mut programs = compared("");
    programs.retain(|program| program.name().as_str() < "d");
    in_parallel(programs, |program| agree(program, &["--guard"]));
}

/// The steps of a program that is recorded with these words in the environment.
fn steps(program: &Program, words: &str) -> Vec<u8> {
    let scratch = tempfile::tempdir().unwrap();
    let (file, out) = (scratch.path().join("t.flow"), scratch.path().join("t.jsonl"));
    let python = Python::traced();
    let mut command = python.command(&program.folder);
    command.env("PYTHON27_TRACED_FILE", &file).env("PYTHON27_TRACED_OPTIONS", words);
    python.finish(command.args(program.arguments()));
    wait_for(&file);
    let arguments = ["convert", "--values", "--to", "jsonl"].map(Path::new);
    let outcome = trace27(arguments.into_iter().chain([file.as_path(), out.as_path()]));
    assert_eq!(outcome.status, 0, "{words}: {}", outcome.text());
    fs::read(out).unwrap()
}

/// Trace functions change locals and jump, code objects are rewritten, processes end at once.
#[test]
fn the_values_of_odd_programs_are_those_of_their_instructions() {
    let folders = ["settrace", "rewritten", "ours_only"];
    in_parallel(folders.into_iter().flat_map(programs).collect(), |program| {
        assert!(!steps(program, "values").is_empty());
    });
}

/// Where each instruction is recorded individually no packet says what is unwound.
#[test]
fn the_state_of_programs_that_are_single_stepped() {
    let mut programs = compared("");
    programs.retain(|program| {
        let starts = ["class", "end_", "finally", "generator", "loop", "return", "try", "with"];
        starts.iter().any(|start| program.name().starts_with(start))
    });
    assert!(programs.len() > 15, "{}", programs.len());
    in_parallel(programs, |program| {
        let [fast, stepped] = ["values", "values,every"].map(|words| steps(program, words));
        assert_same("single-stepped", &fast, &stepped);
    });
}

/// A list of programs that would be wrong if one were renamed.
#[test]
fn what_is_not_compared_is_there() {
    let all = programs("");
    for (name, reason) in NOT_COMPARED {
        assert!(all.iter().any(|program| program.name() == name), "{name}: {reason}");
    }
}

/// The examples of docs/values.md, which print what the page says.
#[test]
fn the_page() {
    let page = fs::read_to_string(project().join("docs/values.md")).unwrap();
    let blocks = page.split("```console\n").skip(1).map(|text| text.split("```").next().unwrap());
    let block: String = blocks.collect();
    let scratch = tempfile::tempdir().unwrap();
    let path = |name: &str| scratch.path().join(name);
    symlink(Python::traced().path(), path("python27-traced")).unwrap();
    for name in ["trace27", "tracer.py"] {
        symlink(project().join(name), path(name)).unwrap();
    }
    let source = block.split("wrong.py\n").nth(1).unwrap().split("$ ").next().unwrap();
    fs::write(path("wrong.py"), source).unwrap();
    let mut found = String::new();
    for line in block.lines().filter_map(|line| line.strip_prefix("$ ")) {
        let mut command = Command::new("sh");
        let output = command.args(["-c", line]).current_dir(scratch.path()).output().unwrap();
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        found.push_str(&format!("$ {line}\n{text}"));
        assert!(output.status.success(), "{line}: {text}");
    }
    assert_same("docs/values.md", block.as_bytes(), found.as_bytes());
}

/// A closure that changes a global and an argument, and an `exec` that changes a local.
const NAMES: &str = "\
count = 0
def outer(box):
    x = 'before'
    def change():
        global count
        count = count + 1
        box[0] = x + '!'
        return box[0]
    change()
    x = change()
    return x
def bare(y):
    z = 1
    exec 'y = y + 1'
    return y
class Plain:
    kind = 'plain'
    kind = kind + '!'
globals()['hidden'] = 5
print outer([None]), bare(2), Plain.kind, hidden
";

/// What `who` says of the kinds of names that fast locals are not.
#[test]
fn who_set_cells_globals_and_names() {
    let scratch = tempfile::tempdir().unwrap();
    fs::write(scratch.path().join("names.py"), NAMES).unwrap();
    let recorded = Python::traced().record(scratch.path(), &["--values"], &["names.py"], "t.flow");
    let file = recorded.file();
    let who = |arguments: &[&str]| {
        let arguments = ["who"].iter().chain(arguments).map(Path::new);
        let outcome = trace27(arguments.chain([file.as_path()]));
        assert_eq!(outcome.status, 0, "{}", outcome.text());
        String::from_utf8(outcome.output).unwrap()
    };
    for (arguments, wanted) in [
        (&["x", "--at", "outer:43"][..], "x = 'before!' | outer> 37 | outer> 34 | outer> 3"),
        (&["x", "--at", "change:20#2", "--frame", "1"], "x = 'before' | outer> 3 | outer> 0"),
        (&["count", "--at", "end"], "count = 2 | change> 7 | change> 6 | change> 7"),
        (&["count", "--at", "end", "--all"], "count = 2 | <module>> 3 | change> 7 | change> 7"),
        (&["count", "--at", "change:17"], "count = 1 | change> 7 | change> 6 | <module>> 3"),
        (&["y", "--at", "line:15"], "y = 3 | bare> 13 EXEC_STMT | CALL_FUNCTION (1)"),
        (&["kind", "--at", "Plain:22"], "kind = 'plain!' | Plain> 19 | Plain> 18 | Plain> 9"),
        (&["hidden", "--at", "end"], "hidden = 5 | <module>> "),
        (&["hidden", "--at", "end", "--all"], "hidden = 5 | set before "),
    ] {
        let text = who(arguments);
        let found: Vec<&str> = text.lines().collect();
        let wanted: Vec<&str> = wanted.split(" | ").collect();
        assert_eq!(found.len(), wanted.len(), "{arguments:?}: {text}");
        for (found, wanted) in found.iter().zip(wanted) {
            assert!(found.contains(wanted), "{arguments:?}: `{wanted}`: {text}");
        }
    }
}

/// `state` prints globals and the names of class bodies, each with who set or read it.
#[test]
fn the_state_has_globals_and_names() {
    let scratch = tempfile::tempdir().unwrap();
    fs::write(scratch.path().join("names.py"), NAMES).unwrap();
    let recorded = Python::traced().record(scratch.path(), &["--values"], &["names.py"], "t.flow");
    let file = recorded.file();
    let state = |at: &str, json: &[&str]| {
        let arguments = [&["state", "--at", at], json].concat();
        let arguments = arguments.into_iter().map(Path::new);
        let outcome = trace27(arguments.chain([file.as_path()]));
        assert_eq!(outcome.status, 0, "{}", outcome.text());
        String::from_utf8(outcome.output).unwrap()
    };
    let row = |at: &str, title: &str| {
        let text = state(at, &[]);
        let row = text.lines().find_map(|line| line.strip_prefix(title)).map(str::to_owned);
        row.map(|row| row.replace(|char: char| char.is_ascii_digit(), "9"))
    };
    assert_eq!(row("change:0", "  globals  ").as_deref(), Some("count = 9  (set by 9)"));
    assert_eq!(row("bare:3", "  globals  "), None);
    assert_eq!(row("outer:0", "  names  "), None);
    let names = row("Plain:22", "  names    ").unwrap();
    assert!(names.ends_with("kind = 'plain!'  (set by 99)"), "{names}");
    let globals = row("end", "  globals  ").unwrap();
    assert!(globals.starts_with("count = 9  (set by 99)"), "{globals}");
    assert!(globals.contains("globals = <built-in function globals>  (read by 99)"), "{globals}");
    assert!(globals.ends_with("hidden = 9  (read by 999)"), "{globals}");
    let json: Value = serde_json::from_str(&state("change:0#2", &["--json"])).unwrap();
    let global = &json["frames"][0]["globals"][0];
    assert_eq!((&global["name"], &global["value"]), (&"count".into(), &"1".into()));
    assert!(global["set"].as_u64() > global["made"].as_u64());
}

/// What C code calls a function with, exceptions, and text of each type.
const FOUND: &str = "\
def check(line):
    return line.strip()
names = map(check, ' a \\n FLAG{x} \\n'.split('\\n'))
try:
    raise ValueError('FLAG{y}')
except ValueError as error:
    text = u'its ' + str(error)
large = 7L ** 30
";

#[test]
fn find_sees_arguments_exceptions_and_text_of_each_type() {
    let scratch = tempfile::tempdir().unwrap();
    fs::write(scratch.path().join("found.py"), FOUND).unwrap();
    let recorded = Python::traced().record(scratch.path(), &["--values"], &["found.py"], "t.flow");
    let file = recorded.file();
    for (pattern, wanted) in [
        (
            "~'FLAG{'",
            &[
                "LOAD_CONST",
                "' FLAG{x} '  (argument line)",
                "check> 6 CALL_FUNCTION (0)",
                "LOAD_CONST (FLAG{y})",
                "'FLAG{y}'",
                "u'its FLAG{y}'",
            ][..],
        ),
        ("/^ValueError\\(/", &["CALL_FUNCTION", "RAISE_VARARGS"]),
        ("22539340290692258087863249", &["LOAD_CONST"]),
        ("'FLAG{'", &[]),
    ] {
        let arguments = ["find", pattern].map(Path::new);
        let outcome = trace27(arguments.into_iter().chain([file.as_path()]));
        let text = String::from_utf8(outcome.output.clone()).unwrap();
        assert_eq!(outcome.status, i32::from(wanted.is_empty()), "{pattern}: {}", outcome.text());
        assert_eq!(text.lines().count(), wanted.len(), "{pattern}: {text}");
        for (line, wanted) in text.lines().zip(wanted) {
            assert!(line.contains(wanted), "{pattern}: `{wanted}`: {text}");
        }
    }
}

/// Files of each kind, of 50 programs each.
const FILES: u64 = 10;

#[test]
fn the_state_of_random_programs() {
    let folder = project().join("target/random/values");
    fs::create_dir_all(&folder).unwrap();
    let mut all = Vec::new();
    for seed in 1..=FILES {
        // The oracle's own frames count towards the limit of recursion.
        let source = random_source(seed, 50).replace(
            "    return deep(n + 1)\n",
            "    if n < 50:\n        return deep(n + 1)\n    raise RuntimeError('deep')\n",
        );
        let files = [("py", source.into_bytes()), ("pyc", random_bytecode(seed, 50))];
        for (suffix, text) in files {
            let name = format!("seed_{seed}.{suffix}");
            fs::write(folder.join(&name), text).unwrap();
            all.push(Program { folder: folder.clone(), command: vec![name] });
        }
    }
    in_parallel(all, |program| agree(program, &[]));
}
