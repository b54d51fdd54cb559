//! Belongs here: x-python, a real emulator of 2.7 bytecode from PyPI, against our traces: that they
//! are the same where it is right, and that the first instruction where it is wrong is found,
//! with the cause.
//!
//! The causes named here were read in the sources of x-python 1.5.1 and of CPython 2.7.18.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use integration::{Outcome, Program, Python, in_parallel, programs, trace27};

/// The last versions that run on 2.7.
const PACKAGES: [&str; 4] = ["x-python==1.5.1", "xdis==6.1.7", "six==1.17.0", "click==7.1.2"];

/// Programs of the corpus that x-python runs instruction for instruction as CPython does.
const RIGHT: [&str; 13] = [
    "arithmetic_inplace.py",
    "displays.py",
    "docstrings_and_asserts.py",
    "excepthook.py",
    "exit_functions.py",
    "exit_none.py",
    // It lists no prefix.
    "extended_arg_displays.py",
    "factorial.py",
    // Modules that a program imports run natively in it.
    "import_hidden.py",
    "loop_continue_in_try.py",
    "signal_handler.py",
    "traceback_uncaught.py",
    "try_finally.py",
];

/// Programs on which it goes wrong: how many steps are right, the class of the divergence, and
/// what the hint says first.
const WRONG: [(&str, u64, &str, &str); 7] = [
    // Before the arguments of any type that is called, x-python puts its own frame (byteop.py,
    // call_function_with_args_resolved: `inspect.isclass`), so `xrange(2, n + 1)` is a TypeError.
    // That leaves no trace either: an exception that leaves a function is dropped, and the caller
    // goes on with None (vm.py, eval_frame). CPython makes the xrange and goes on.
    (
        "arithmetic_big.py",
        20,
        "exception-handled-elsewhere",
        "after CALL_FUNCTION at 22 of `factorial` the left goes on at 25",
    ),
    // `global fresh; del fresh`, the second time: CPython raises NameError (ceval.c, DELETE_GLOBAL),
    // x-python deletes from a dict (byteop24.py) and raises KeyError, which `except NameError`
    // does not catch.
    (
        "global_names.py",
        73,
        "wrong-branch",
        "after POP_JUMP_IF_FALSE at 133 of `<module>` the left does not jump",
    ),
    // The program asks `sys.exc_info()` in a handler. x-python keeps the exception in its virtual
    // machine and does not inform the interpreter that it runs on, so the answer is None.
    (
        "exception_state.py",
        44,
        "wrong-branch",
        "after JUMP_IF_FALSE_OR_POP at 13 of `current` the left does not jump",
    ),
    // Its functions are instances of an old-style class on 2.7 (pyobj.py, Function), and so not
    // bound when a class holds them: `__del__` is called without `self`, a TypeError that is
    // ignored. CPython runs it within the DELETE_FAST that drops the last reference.
    (
        "del_of_locals.py",
        55,
        "missing-or-extra-call",
        "at DELETE_FAST at 24 of `locals_` the left calls `__del__`",
    ),
    // It hands what `exec` is given to the interpreter that it runs on (byteop24.py, EXEC_STMT), so
    // another layer of a program stays unseen. In CPython that is a frame like any other.
    (
        "exec_forms.py",
        18,
        "missing-or-extra-call",
        "at EXEC_STMT at 13 of `unoptimised` the left calls `<module>`",
    ),
    // It makes each class with `type()` (byteop24.py, BUILD_CLASS) and never asks for a
    // `__metaclass__`. CPython calls that (ceval.c, build_class).
    (
        "metaclasses.py",
        42,
        "missing-or-extra-call",
        "at BUILD_CLASS at 46 of `<module>` the left calls `__new__`",
    ),
    // It ends with an AttributeError of its own: the same Function replaces its `__dict__` after
    // setting its attributes, which are gone with the old one; so a generator function has no
    // `__name__`, and no generator can be made.
    ("generator_next.py", 11, "ended-early", "the right ends here, the left goes on"),
];

/// The folder that x-python is installed in, once for all tests.
fn base() -> &'static Path {
    static BASE: OnceLock<PathBuf> = OnceLock::new();
    BASE.get_or_init(|| {
        let base = Path::new(env!("CARGO_TARGET_TMPDIR")).join("x-python");
        // Of an earlier run, which may have been of another interpreter.
        let _ = fs::remove_dir_all(&base);
        fs::create_dir_all(&base).unwrap();
        let install = |arguments: &[&str]| {
            let mut command = Python::traced().command(&base);
            let output = command.env("PYTHONUSERBASE", &base).args(arguments).output().unwrap();
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{arguments:?}: {errors}");
        };
        install(&["-m", "ensurepip", "--user"]);
        install(&[&["-m", "pip", "install", "--user", "--no-cache-dir"][..], &PACKAGES].concat());
        base
    })
}

fn corpus(names: impl IntoIterator<Item = &'static str>) -> Vec<Program> {
    let all = programs("");
    let find = |name| all.iter().find(|program| program.name() == name).expect(name).clone();
    names.into_iter().map(find).collect()
}

fn xpython(program: &Program) -> Command {
    let mut command = Python::traced().command(&program.folder);
    command.env("PYTHONUSERBASE", base()).args(["-m", "xpython", "-v"]).args(&program.command);
    command
}

/// What `trace27 diff` says of a program; `mixed` has its output in the log.
fn diff(program: &Program, options: &[&str], mixed: bool) -> (Outcome, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let (trace, log) = (folder.path().join("trace.txt"), folder.path().join("xpython.log"));
    let errors = File::create(&log).unwrap();
    let output = if mixed { errors.try_clone().unwrap().into() } else { Stdio::null() };
    xpython(program).stdout(output).stderr(errors).status().unwrap();
    let ours = Python::traced().trace(&program.folder, &["-r"], &program.arguments());
    fs::write(&trace, ours.text()).unwrap();
    let arguments = [&["diff"], options].concat();
    let files = [trace.as_os_str(), log.as_os_str()];
    let arguments = arguments.iter().map(std::ffi::OsStr::new).chain(files);
    (trace27(arguments), ours.text().to_vec())
}

/// Steps of a trace that x-python lists too: the program's own, without prefixes.
fn own_steps(trace: &[u8], program: &str) -> usize {
    // All but 70 are those of the modules that it imports.
    if program == "import_hidden.py" {
        return 70;
    }
    let lines = trace.split(|&byte| byte == b'\n').filter_map(bytecode::text::parse);
    lines.filter(|line| line.opcode != bytecode::opcode::EXTENDED_ARG).count()
}

#[test]
fn where_it_is_right_the_traces_are_identical() {
    in_parallel(corpus(RIGHT), |program| {
        for mixed in [false, true] {
            let (outcome, trace) = diff(program, &[], mixed);
            let steps = own_steps(&trace, &program.name());
            let last = format!("identical: {steps} steps\n");
            assert!(outcome.text().contains(&last), "{mixed}: {}", outcome.text());
            assert_eq!(outcome.status, 0);
        }
    });
}

#[test]
fn where_it_is_wrong_the_first_divergence_is_found_and_explained() {
    in_parallel(corpus(WRONG.map(|(name, ..)| name)), |program| {
        let wanted = WRONG.iter().find(|(name, ..)| *name == program.name());
        let (_, steps, class, hint) = wanted.unwrap();
        let (outcome, _) = diff(program, &[], false);
        let text = outcome.text();
        assert!(
            text.contains(&format!("the traces diverge after {steps} steps in common")),
            "{text}"
        );
        // A hint may take several lines.
        let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(joined.contains(&format!(": {hint}")), "{text}");
        assert_eq!(outcome.status, 1);
        let (json, _) = diff(program, &["--json"], false);
        let class = format!("\"class\": \"{class}\"");
        assert!(json.text().contains(&class), "{class}: {}", json.text());
    });
}

#[test]
fn lockstep_finds_the_same_without_a_file() {
    let lockstep = |name, more: &[&str]| {
        let program = &corpus([name])[0];
        let emulator = xpython(program);
        let mut command = Command::new(integration::project().join("trace27"));
        command.current_dir(&program.folder).env("PYTHONUSERBASE", base());
        command.env("PYTHONDONTWRITEBYTECODE", "1").args(["lockstep", "--trace-from=stderr"]);
        command.args(["--format=xpython", "--python"]).arg(Python::traced().path());
        command.arg("--tracer").arg(integration::project().join("tracer.py")).args(more);
        command.arg("--").arg(emulator.get_program()).args(emulator.get_args());
        let output = command.stdin(Stdio::null()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (text, output.status.code())
    };
    let (text, status) = lockstep("factorial.py", &[]);
    assert!(text.ends_with("identical: 126 steps\n"), "{text}");
    assert_eq!(status, Some(0));
    let (text, status) = lockstep("global_names.py", &["--json"]);
    assert!(text.contains("\"class\": \"wrong-branch\""), "{text}");
    assert_eq!(status, Some(1));
}
