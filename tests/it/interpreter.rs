//! Belongs here: the interpreter as a Python: what it was made from, its modules, pip.

use std::fs;
use std::process::Command;

use integration::Python;

#[test]
fn build_info_tells_what_it_was_made_from() {
    let info = fs::read_to_string(Python::traced().path().with_file_name("build-info.json"));
    let info = info.unwrap();
    for fact in [
        "\"version\": \"2.7.18\"",
        "\"configuration\": \"traced\"",
        "\"source\": {",
        "\"name\": \"report-to-a-hook-what-a-thread-executes.patch\"",
        "\"compiler\": \"",
        "--enable-unicode=ucs4",
        "\"cflags\": \"",
        "\"_ssl\"",
        "\"zlib\"",
    ] {
        assert!(info.contains(fact), "no {fact} in {info}");
    }
}

#[test]
fn the_modules_of_all_libraries_are_there() {
    let program = "import bz2, ctypes, curses, readline, sqlite3, ssl, zlib, hashlib, sys\n\
                   print sys.version_info[:3], sys.maxunicode";
    let run = Python::traced().run(&std::env::temp_dir(), ["-c", program]);
    assert_eq!(run.text(), "status 0\n--- output\n(2, 7, 18) 1114111\n--- errors\n");
}

/// Nothing of the hook is in sight of extension modules.
#[test]
fn the_hooks_own_symbols_are_hidden() {
    let program = "import ctypes\n\
                   program = ctypes.CDLL(None)\n\
                   print hasattr(program, 'PyEval_EvalCode'), hasattr(program, 'traced_start'), \
                   hasattr(program, 'rust_eh_personality')";
    let run = Python::traced().run(&std::env::temp_dir(), ["-c", program]);
    assert_eq!(run.text(), "status 0\n--- output\nTrue False False\n--- errors\n");
}

#[test]
fn pip_installs_from_its_index() {
    let base = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command: Command = Python::traced().command(base.path());
        let output = command.env("PYTHONUSERBASE", base.path()).args(arguments).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    run(&["-m", "ensurepip", "--user"]);
    run(&["-m", "pip", "install", "--user", "--no-cache-dir", "six==1.16.0"]);
    assert_eq!(run(&["-c", "import six; print six.__version__"]), "1.16.0\n");
}
