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
        (["sub", TRACE], "`sub` is a directory without a `__main__.py`"),
        (["", TRACE], "`` is an empty name; name a .pyc"),
        (["prog.py", ""], "`` is an empty name; name a file for the trace"),
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
        (&["p.pyc"], "too few arguments: pycfile and tracefile are needed"),
        (&["-m", "m"], "too few arguments: tracefile is needed"),
        (&["p.pyc", "-m", "m", "t"], "`p.pyc` and `-m m` both name a program"),
        (&["--raw", "-m", "m", "t"], "`--raw` is for a file, and `-m m` names a module"),
        (&["--max-bytes", "10Q", "p", "t"], "`--max-bytes 10Q` is not a number from 1 to "),
        (&["--max-bytes", "K", "p", "t"], "`--max-bytes K` is not a number from 1 to "),
        (&["--max-bytes", "17179869184G", "p", "t"], "`--max-bytes 17179869184G` is not a number"),
        (&["--limit", "0", "p", "t"], "`--limit 0` is not a number from 1 to 18446744073709551615"),
        (&["--limit", "1K", "p", "t"], "`--limit 1K` is not"),
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

/// What a terminal would obey is escaped, wherever it comes from.
#[test]
fn messages_hold_no_control_characters() {
    let escapes = b"\x1b]0;owned\x07\x1b[2J";
    let text = [&b"f\x0e"[..], escapes].concat();
    // A float whose text is none, which marshal's message repeats.
    for content in [code(STRING, &[b"(\x01\0\0\0", &text[..]].concat(), EMPTY), pyc(&text)] {
        let message = refusal(&content, &[]);
        assert!(message.contains(r"\x1b]0;owned\x07\x1b[2J"), "{message}");
        assert!(!message.trim_end().contains(char::is_control), "{message}");
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("p.py"), "").unwrap();
    let name = std::str::from_utf8(escapes).unwrap();
    for arguments in [
        &[name, TRACE][..],
        &["p.py", &format!("{name}/none")],
        &["-m", name, TRACE],
        &[&format!("--{name}")],
        &["--limit", name],
        &["-t", name],
        &["caf\u{e9}\u{9b}2J", TRACE],
    ] {
        let outcome = run(folder.path(), arguments);
        assert_eq!(outcome.status, 2, "{}", outcome.text());
        let message = String::from_utf8(outcome.errors).unwrap();
        let last = message.lines().last().unwrap();
        assert!(
            last.contains(r"\x1b]0;owned\x07\x1b[2J") || last.contains("caf\u{e9}\\x9b2J"),
            "{last}"
        );
        assert!(!message.contains(|c: char| c.is_control() && c != '\n'), "{message}");
    }
}

#[test]
fn what_holds_a_program_is_named() {
    let whole = code(STRING, b"(\x01\0\0\0N", EMPTY);
    let (header, bare) = whole.split_at(8);
    for size in [12, 16] {
        let longer = [header, &vec![0; size - 8], bare].concat();
        refused(
            &longer,
            &format!("has a header of {size} bytes, as a .pyc of Python 3; one of 2.7"),
        );
    }
    refused(bare, "is a code object without the header of a .pyc; give `--raw`");
    refused(b"PYZ\0\x03\xf3\r\n\0\0\x01\0", "is an archive of PyInstaller");
    let bundle = [&b"\x7fELF\x02\x01\x01"[..], &[0; 300], b"MEI\x0c\x0b\x0a\x0b\x0e", &[0; 80]];
    refused(&bundle.concat(), "is an executable made by PyInstaller; extract it");
    let folder = tempfile::tempdir().unwrap();
    for (content, hint) in [(bare, "with `--raw`"), (&whole, "trace what is in it\n")] {
        fs::write(folder.path().join("whole"), content).unwrap();
        let program = "import zlib; \
            open('packed', 'wb').write(zlib.compress(open('whole', 'rb').read()))";
        Python::traced().run(folder.path(), ["-c", program]);
        let packed = fs::read(folder.path().join("packed")).unwrap();
        let text = refusal(&packed, &[]);
        assert!(
            text.contains("is compressed with zlib, as in the archives of PyInstaller"),
            "{text}"
        );
        assert!(text.contains(hint), "{text}");
    }
    refused(b"x\x9cnothing that was compressed", "is no .pyc of Python 2.7: it starts with 789c");
}

/// Run as a directory or an archive, `__main__.pyc` is read by the interpreter as any program is.
#[test]
fn damaged_code_in_a_directory_or_an_archive() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("app")).unwrap();
    let damaged = code(STRING, EMPTY, b"(\x01\0\0\0N");
    fs::write(folder.path().join("app/__main__.pyc"), damaged).unwrap();
    let program = "import zipfile\n\
        app = zipfile.ZipFile('app.zip', 'w')\n\
        app.write('app/__main__.pyc', '__main__.pyc')\n\
        app.close()\n\
        zipfile.ZipFile('empty.zip', 'w').writestr('a.py', '')";
    let made = Python::traced().run(folder.path(), ["-c", program]);
    assert_eq!(made.status, 0, "{}", made.text());
    for (name, wanted) in [
        ("app", "is damaged: a code object has no string at byte"),
        ("app.zip", "is damaged: a code object has no string at byte"),
        ("empty.zip", "is a zip file without a `__main__.py`"),
    ] {
        let text = message(folder.path(), &run(folder.path(), &[name, TRACE]));
        assert!(text.starts_with(&format!("tracer.py: `{name}` {wanted}")), "{text}");
    }
}

#[test]
fn a_module_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    for (name, wanted) in [
        ("no_such_module", "`no_such_module` is no module that can be found"),
        ("no_such_package.part", "`no_such_package.part` is no module that can be found"),
        ("", "`` names no module"),
        (".part", "`.part` names no module"),
    ] {
        let text = message(folder.path(), &run(folder.path(), &["-m", name, TRACE]));
        assert!(text.contains(wanted), "{text}");
        assert!(!folder.path().join(TRACE).exists());
    }
}

/// What the environment asks for and nobody can do is refused before the program starts.
#[test]
fn a_wrong_wish_in_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    for (file, options, wanted) in [
        (TRACE, "flows", "`PYTHON27_TRACED_OPTIONS` holds `flows`; it knows `resolve`, `blog`, "),
        (TRACE, "text,flow", "holds both `flow` and `text`; name one format"),
        (TRACE, "max-bytes=10Q", "holds `max-bytes=10Q`; `max-bytes=` takes a number from 1 to "),
        (TRACE, "\u{1b}[2J", r"holds `\x1b[2J`"),
        ("", "", "`PYTHON27_TRACED_FILE` is empty; name a file for the trace"),
        (".", "", "cannot open `.` to write the trace: is a directory"),
        ("a\u{1b}[2J/b", "", r"cannot open `a\x1b[2J/b` to write the trace"),
    ] {
        let mut command = Python::traced().command(folder.path());
        command.env("PYTHON27_TRACED_FILE", file).env("PYTHON27_TRACED_OPTIONS", options);
        let outcome = Python::traced().finish(command.args(["-c", "print 'ran'"]));
        let text = message(folder.path(), &outcome);
        assert!(text.contains(wanted), "{wanted}: {text}");
        assert!(!text.trim_end().contains(char::is_control), "{text}");
        assert!(!folder.path().join(TRACE).exists());
    }
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
