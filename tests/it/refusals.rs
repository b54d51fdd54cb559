//! Belongs here: what tracer.py refuses: one line, exit 2, and no trace file touched.

use std::fs;
use std::path::Path;

use integration::{Outcome, Python, project};

const TRACE: &str = "trace.txt";
const OLD: &str = "an older trace\n";

/// The magic of 2.7, a time, and what is given.
fn pyc(marshalled: &[u8]) -> Vec<u8> {
    [b"\x03\xf3\r\n\0\0\0\0", marshalled].concat()
}

fn run(folder: &Path, arguments: &[&str]) -> Outcome {
    let tracer = project().join("tracer.py");
    let tracer = [tracer.to_str().unwrap()];
    Python::traced().run(folder, tracer.iter().chain(arguments))
}

/// Traces `prog.pyc` of this content, beside a trace that must survive.
fn refusal(content: &[u8], options: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("prog.pyc"), content).unwrap();
    fs::write(folder.path().join(TRACE), OLD).unwrap();
    let outcome = run(folder.path(), &[options, &["prog.pyc", TRACE]].concat());
    message(folder.path(), &outcome)
}

fn message(folder: &Path, outcome: &Outcome) -> String {
    assert_eq!(outcome.status, 2, "{}", outcome.text());
    assert_eq!(outcome.output, b"", "{}", outcome.text());
    if folder.join(TRACE).is_file() {
        assert_eq!(fs::read_to_string(folder.join(TRACE)).unwrap(), OLD);
    }
    let text = String::from_utf8(outcome.errors.clone()).unwrap();
    assert_eq!(text.lines().count(), 1, "one line: {text}");
    text
}

#[track_caller]
fn refused(content: &[u8], wanted: &str) {
    let text = refusal(content, &[]);
    assert!(text.starts_with("tracer.py: `prog.pyc` "), "{text}");
    assert!(text.contains(wanted), "{text}");
}

/// A code object with nothing in it but what is given in place of its fields.
fn code(code: &[u8], consts: &[u8], names: &[u8]) -> Vec<u8> {
    let empty = &b"(\0\0\0\0"[..];
    let string = &b"s\0\0\0\0"[..];
    let numbers = [0; 16];
    let fields = [
        b"c",
        &numbers[..],
        code,
        consts,
        names,
        empty,
        empty,
        empty,
        string,
        string,
        &[0; 4],
        string,
    ];
    pyc(&fields.concat())
}

const EMPTY: &[u8] = b"(\0\0\0\0";
const STRING: &[u8] = b"s\x04\0\0\0d\0\0S";

#[test]
fn what_is_no_compiled_file() {
    refused(b"", "is empty");
    refused(b"\x03\xf3\r", "cut short: 3 bytes");
    refused(b"\x03\xf3\r\n\0\0\0\0", "cut short: 8 bytes");
    refused(b"print 'hello, world'", "starts with 7072696e");
    refused(b"\x7fELF\x02\x01\x01\0\0\0", "starts with 7f454c46");
}

#[test]
fn other_pythons_are_named() {
    for (magic, version) in [
        (62161u16, "Python 2.6 (magic 62161)"),
        (62131, "Python 2.5"),
        (3379, "Python 3.6"),
        (3495, "Python 3.11"),
        (62218, "PyPy 2.7"),
    ] {
        refused(&[&magic.to_le_bytes()[..], b"\r\n\0\0\0\0\xe3\0"].concat(), version);
    }
}

#[test]
fn damaged_code() {
    refused(&pyc(b"c\0\0"), "cut short: it ends at byte 11");
    refused(&pyc(b"s\xff\xff\xff\x7f"), "2147483647 items or bytes at byte 8");
    refused(&pyc(b"(\xff\xff\xff\x7f"), "2147483647 items or bytes at byte 8");
    refused(&pyc(b"(\xff\xff\xff\xff"), "-1 items");
    refused(&pyc(b"?"), "no object of type '?' at byte 8");
    refused(&pyc(b"N"), "holds NoneType and no code object");
    refused(&pyc(b"i\x07\0\0\0"), "holds int and no code object");
    refused(&pyc(b"0"), "is damaged");
    refused(&code(b"N", EMPTY, EMPTY), "has no string at byte 25");
    refused(&code(b"u\0\0\0\0", EMPTY, EMPTY), "has no string at byte 25");
    refused(&code(STRING, EMPTY, b"(\x01\0\0\0N"), "has no string at byte");
    refused(&code(STRING, EMPTY, b"[\0\0\0\0"), "has no names at byte");
    refused(&code(STRING, b"N", EMPTY), "is damaged");
    refused(&pyc(&[&b"(\x01\0\0\0".repeat(100_000)[..], b"N"].concat()), "is damaged");
    let whole = code(STRING, EMPTY, EMPTY);
    for length in 8..whole.len() {
        refused(&whole[..length], "is cut short");
    }
}

#[test]
fn what_is_whole_is_not_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("prog.pyc"), code(STRING, b"(\x01\0\0\0N", EMPTY)).unwrap();
    let outcome = run(folder.path(), &["prog.pyc", TRACE]);
    assert_eq!(outcome.status, 0, "{}", outcome.text());
    let text = fs::read_to_string(folder.path().join(TRACE)).unwrap();
    assert_eq!(text, "> 0 LOAD_CONST (0)\n> 3 RETURN_VALUE\n");
}

#[test]
fn raw_data_is_checked_as_well() {
    let text = refusal(b"", &["--raw"]);
    assert!(text.contains("cut short: 0 bytes"), "{text}");
    let text = refusal(b"N", &["--raw"]);
    assert!(text.contains("no code object"), "{text}");
}

#[test]
fn what_is_no_file() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(TRACE), OLD).unwrap();
    fs::create_dir(folder.path().join("sub")).unwrap();
    fs::write(folder.path().join("prog.py"), "x = 1\n").unwrap();
    for (arguments, wanted) in [
        (["gone.pyc", TRACE], "`gone.pyc` does not exist"),
        (["sub", TRACE], "`sub` is a directory"),
        (["/dev/null", TRACE], "`/dev/null` is no regular file"),
        (["prog.py", "prog.py"], "is the program itself"),
        (["prog.py", "sub"], "cannot open `sub` to write the trace: is a directory"),
        (["prog.py", "no/such/trace.txt"], "cannot open `no/such/trace.txt`"),
    ] {
        let outcome = run(folder.path(), &arguments);
        let text = message(folder.path(), &outcome);
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    assert_eq!(fs::read_to_string(folder.path().join("prog.py")).unwrap(), "x = 1\n");
}

#[test]
fn usage() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, wanted) in [
        (&["-t", "only", "p.pyc", "t"][..], "`--trace only` needs a name"),
        (&["-t", "some", "p.pyc", "t"], "invalid choice"),
        (&["p.pyc"], "too few arguments"),
    ] {
        let outcome = run(folder.path(), arguments);
        assert_eq!(outcome.status, 2);
        let text = String::from_utf8(outcome.errors).unwrap();
        assert!(text.contains(wanted), "{text}");
    }
    let help = run(folder.path(), &["-h"]);
    let text = String::from_utf8(help.output).unwrap();
    for option in
        ["-t {all,only}", "-n NAME", "-r, --resolve", "--blog", "--raw", "pycfile", "args"]
    {
        assert!(text.contains(option), "{option}: {text}");
    }
}

/// On a Python that has no hook the program would run, and no trace come of it.
#[test]
fn another_python_is_told() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("prog.py"), "print 'ran'\n").unwrap();
    let tracer = project().join("tracer.py");
    let tracer = tracer.to_str().unwrap();
    let outcome = Python::unpatched().run(folder.path(), [tracer, "prog.py", TRACE]);
    let text = message(folder.path(), &outcome);
    assert!(text.contains("start me with `./python27-traced tracer.py"), "{text}");
    assert!(!folder.path().join(TRACE).exists());
}

#[test]
fn a_wrong_option_in_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Python::traced().command(folder.path());
    command
        .env("PYTHON27_TRACED_FILE", TRACE)
        .env("PYTHON27_TRACED_OPTIONS", "flows")
        .args(["-c", ""]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&output.stderr)
            .contains("holds `flows`; it knows `resolve`, `blog`, `raw`, ")
    );
    assert!(!folder.path().join(TRACE).exists());
}

/// The device that is always full: said once, and the program goes on to its own status.
#[test]
fn a_full_disk_ends_the_trace_and_not_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let program = "for i in xrange(200000): pass\nprint 'done'\nraise SystemExit(5)\n";
    fs::write(folder.path().join("prog.py"), program).unwrap();
    let outcome = run(folder.path(), &["prog.py", "/dev/full"]);
    assert_eq!((outcome.status, &outcome.output[..]), (5, &b"done\n"[..]));
    let text = String::from_utf8(outcome.errors).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains("no space left on device; tracing ends here"), "{text}");
}
