//! Ends that were asked for: after a number of instructions, or before a size.

use std::fs;

use integration::{assert_same, trace27};

use super::{FORMATS, Scene, assert_begins};

const PROGRAM: &str = "\
import sys

def step(number):
    if number % 3:
        return number
    return -number

def work(count):
    total = 0
    for number in xrange(count):
        total += step(number)
    return total

print work(12000)
sys.exit(4)
";

const OUTCOME: &str = "status 4\n--- output\n24006000\n--- errors\n";

fn whole(scene: &Scene) -> Vec<u8> {
    assert_eq!(scene.trace(&[], "whole.txt", &[]).text(), OUTCOME);
    scene.text("whole.txt")
}

/// Each instruction is one line here.
#[test]
fn so_many_instructions() {
    let scene = Scene::new(PROGRAM);
    let whole = whole(&scene);
    let lines: Vec<&[u8]> = whole.split_inclusive(|&byte| byte == b'\n').collect();
    for name in [FORMATS[0], FORMATS[1], "packed.flow.zst"] {
        for limit in [1, 2, 17, 1000, 99_999, lines.len() - 1, lines.len(), lines.len() + 1] {
            let outcome = scene.trace(&["--limit", &limit.to_string()], name, &[]);
            assert_eq!(outcome.text(), OUTCOME, "{name}, {limit}");
            let wanted = lines[..limit.min(lines.len())].concat();
            assert_same(&format!("{name}, {limit}"), &wanted, &scene.text(name));
        }
    }
}

/// In either format the file holds whole lines and is no larger, nor much smaller.
#[test]
fn no_more_than_a_size() {
    let scene = Scene::new(PROGRAM);
    let whole = whole(&scene);
    for (name, sizes) in [
        ("trace.txt", &["1", "30", "1000", "100K", "3M"][..]),
        ("trace.flow", &["1500", "10K", "40K"]),
        ("packed.flow.zst", &["900", "1500", "2K"]),
    ] {
        for size in sizes {
            let outcome = scene.trace(&["--max-bytes", size], name, &[]);
            assert_eq!(outcome.text(), OUTCOME, "{name}, {size}");
            let text = scene.text(name);
            assert_begins(&format!("{name}, {size}"), &whole, &text);
            let most = match size.strip_suffix(['K', 'M']) {
                Some(number) if size.ends_with('K') => number.parse::<u64>().unwrap() << 10,
                Some(number) => number.parse::<u64>().unwrap() << 20,
                None => size.parse().unwrap(),
            };
            let length = fs::metadata(scene.path(name)).unwrap().len();
            assert!(length <= most, "{name}, {size}: {length} bytes");
            assert!(most < 1000 || length > most / 2, "{name}, {size}: {length} bytes");
            assert!(text.len() < whole.len(), "{name}, {size}");
        }
    }
}

/// Compressed text, which is many times smaller than its text.
#[test]
fn compressed_text_of_a_size() {
    let scene = Scene::new(PROGRAM);
    let whole = whole(&scene);
    let outcome = scene.trace(&["--max-bytes", "2K"], "packed.txt.zst", &[]);
    assert_eq!(outcome.text(), OUTCOME);
    let length = fs::metadata(scene.path("packed.txt.zst")).unwrap().len();
    assert!((1025..=2048).contains(&length), "{length} bytes");
    let packed = scene.path("packed.txt.zst");
    super::wait_for(&packed);
    let arguments = ["convert", "--to", "blog", packed.to_str().unwrap(), "-"];
    let text = integration::trace27(arguments);
    assert_eq!(text.status, 0, "{}", text.text());
    assert_begins("compressed", &whole, &text.output);
    assert!(text.output.len() > 2048);
}

/// Without a limit that is reached, all of it is there.
#[test]
fn more_than_enough() {
    let scene = Scene::new(PROGRAM);
    let whole = whole(&scene);
    for name in [FORMATS[0], FORMATS[1], "packed.flow.zst"] {
        let outcome = scene.trace(&["--limit", "10000000", "--max-bytes", "1G"], name, &[]);
        assert_eq!(outcome.text(), OUTCOME);
        assert_same(name, &whole, &scene.text(name));
    }
}

/// Of text the lines count that are written: those of one name, those that `--blog` leaves, and
/// those of code whose instructions are recorded individually.
#[test]
fn so_many_lines_of_what_is_kept() {
    let program = PROGRAM.replace(
        "print work(12000)",
        "\
import types
prefixed = types.CodeType(
    0, 0, 9, 64, '\\x09\\x91\\0\\0\\x64\\0\\0\\x01' * 3 + 'd\\0\\0S', (None,), (), (), 'f', 'step', 1, '')
class Part(str): pass
changing = types.CodeType(0, 0, 9, 64, 'd\\0\\0\\x01d\\0\\0S', (['a'],), (), (), 'f', 'step', 1, '')
for code in (prefixed, changing):
    for _ in xrange(50):
        eval(code)
print work(12000)",
    );
    let scene = Scene::new(&program);
    let nobody = format!(
        "{OUTCOME}python27-traced: no code object named `nobody` ran, so the trace is empty\n"
    );
    for (options, wanted) in [
        (&["-n", "step"][..], OUTCOME),
        (&["-n", "step", "--blog"], OUTCOME),
        (&["-n", "step", "-r"], OUTCOME),
        (&["--blog"], OUTCOME),
        (&["-n", "nobody"], &nobody),
    ] {
        let outcome = scene.trace(options, "whole.txt", &[]);
        assert_eq!(outcome.text(), wanted, "{options:?}");
        let whole = scene.text("whole.txt");
        let lines: Vec<&[u8]> = whole.split_inclusive(|&byte| byte == b'\n').collect();
        for limit in [1, 2, 5, 37, 311, 600, 9_999] {
            let number = limit.to_string();
            let options = [options, &["--limit", &number]].concat();
            let outcome = scene.trace(&options, "trace.txt", &[]);
            assert_eq!(outcome.text(), wanted, "{options:?}");
            let wanted = lines[..limit.min(lines.len())].concat();
            assert_same(&format!("{options:?}"), &wanted, &scene.text("trace.txt"));
        }
    }
}

/// A code object that is too large for a recording: a text trace has all of it, a recording what
/// fits, and both go on.
#[test]
fn code_objects_beyond_the_limits_of_recordings() {
    let program = "\
import sys, types
def code(bytes, constants, name):
    return types.CodeType(0, 0, 1, 64, bytes, constants, (), (), '<m>', name, 1, '')
cases = {
    'name': lambda: code('d\\0\\0S', (None,), 'n' * 16777300),
    'constants': lambda: code('\\x91\\x41\\0d\\0\\0\\x01d\\0\\0S', (7,) * 4400000, 'many'),
    'text': lambda: code('d\\0\\0\\x01d\\1\\0S', ('x' * 70000000, 7), 'text'),
    'code': lambda: code('\\x09' * 10 + 'd\\0\\0S' + '\\x09' * 67200000, (None,), 'long'),
}
exec cases[sys.argv[1]]()
def after(): return 2
print after()
";
    let scene = Scene::new(program);
    let name = "n".repeat(16_777_300);
    for (case, own, in_recording) in [
        ("name", format!("{name}> 0 LOAD_CONST (None)\n{name}> 3 RETURN_VALUE\n"), None),
        (
            "constants",
            "many> 0 EXTENDED_ARG (65)\nmany> 3 LOAD_CONST (7)\nmany> 6 POP_TOP\n\
             many> 7 LOAD_CONST (7)\nmany> 10 RETURN_VALUE\n"
                .to_owned(),
            Some("many> 3 LOAD_CONST (None)\n"),
        ),
        ("text", "text> 3 POP_TOP\ntext> 4 LOAD_CONST (7)\n".to_owned(), Some("LOAD_CONST ()\n")),
        (
            "code",
            "long> 9 NOP\nlong> 10 LOAD_CONST (None)\nlong> 13 RETURN_VALUE\n".to_owned(),
            None,
        ),
    ] {
        for file in FORMATS {
            let options = if file == "trace.txt" { &["-r"][..] } else { &[] };
            let outcome = scene.trace(options, file, &[case]);
            assert_eq!(outcome.text(), "status 0\n--- output\n2\n--- errors\n", "{case}, {file}");
            let text = match file {
                "trace.txt" => scene.text(file),
                _ => trace27(["expand", "-r", scene.path(file).to_str().unwrap()]).output,
            };
            let text = String::from_utf8_lossy(&text).into_owned();
            let has = |wanted: &str| text.contains(wanted);
            let tail = &text[text.len().saturating_sub(400)..];
            assert!(has("\nafter> 0 LOAD_CONST (2)\nafter> 3 RETURN_VALUE\n"), "{case}: {tail}");
            match in_recording.filter(|_| file == "trace.flow") {
                Some(wanted) => assert!(has(wanted), "{case}, {file}"),
                None if case == "name" && file == "trace.flow" => {
                    assert!(has(&format!("\n{}> 0 LOAD_CONST (None)\n", &name[..16 << 20])));
                }
                None => assert!(has(&own), "{case}, {file}"),
            }
        }
    }
}
