//! Belongs here: the product of the modes of recording. Each program runs in every combination of
//! threads, forks, formats, ways of recording and moments at which `ctypes` is loaded, and each
//! file must hold what the oracle says of the program's own functions.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use integration::{Python, assert_same, each_in_parallel, mask, wait_for};

/// What all programs share: a second thread that runs before and after `ctypes` is loaded, a child,
/// and the work of the program, whose functions are all named `w_…`.
const DRIVER: &str = r#"
import os, sys, threading, types

def copied(function, *replaced):
    # A code object of its own, whose bytes no other one shares.
    c = function.func_code
    code, consts = c.co_code, c.co_consts
    for old, new in replaced:
        code = code.replace(old, new)
    code = ''.join(list(code))
    made = types.CodeType(c.co_argcount, c.co_nlocals, c.co_stacksize, c.co_flags, code, consts,
                          c.co_names, c.co_varnames, c.co_filename, c.co_name, c.co_firstlineno,
                          c.co_lnotab)
    return types.FunctionType(made, globals())

def rewrite(function, old, new):
    # In place, where `ctypes` is there.
    ctypes = sys.modules.get('ctypes')
    if ctypes is None:
        return
    code = function.func_code.co_code
    at = code.index(old)
    head = type(code).__basicsize__ - 1
    ctypes.memmove(id(code) + head + at, new, len(new))

WORK

def second(go, ready):
    w_work()
    ready.set()
    go.wait()
    w_work()

def main(when, child, thread):
    if when == 'before':
        import ctypes
    if thread:
        go, ready = threading.Event(), threading.Event()
        other = threading.Thread(target=second, args=(go, ready))
        other.start()
        ready.wait()
    w_work()
    if when == 'during':
        import ctypes
    if child:
        # No other thread runs Python code meanwhile: it waits.
        pid = os.fork()
        if pid == 0:
            w_work()
            os._exit(0)
        os.waitpid(pid, 0)
        with open(sys.argv[4], 'w') as out:
            out.write(str(pid))
    if thread:
        go.set()
        other.join()
    w_work()

main(sys.argv[1], sys.argv[2] == 'fork', sys.argv[3] == 'thread')
"#;

/// The programs: a name and the functions that do its work.
const PROGRAMS: [(&str, &str); 5] = [
    (
        "branches",
        r#"
def w_fact(n):
    return 1 if n <= 1 else n * w_fact(n - 1)

def w_work():
    total = 0
    for i in range(40):
        if i % 3 == 0 and i % 5:
            continue
        while total % 7:
            total -= 1
        total += w_fact(i % 4)
    return total
"#,
    ),
    (
        "generators_and_exceptions",
        r#"
def w_tree(depth):
    if depth:
        for item in w_tree(depth - 1):
            yield item
        yield depth
        for item in w_tree(depth - 1):
            yield item

def w_fails(n):
    try:
        try:
            return {}[n]
        finally:
            n += 1
    except KeyError, e:
        return e.args[0]

def w_work():
    for item in w_tree(3):
        w_fails(item)
    stopped = w_tree(2)
    next(stopped)
    del stopped
"#,
    ),
    (
        // A path that leaves the bytes of the code object: never taken, but it must be watched.
        "code_beyond_its_bytes",
        r#"
def w_outside():
    return 7

def w_hot(n):
    for i in range(n):
        n = i and n or n
    return n

def w_work():
    code = 'd\x01\x00r\xf0\x00d\x01\x00S'
    c = w_outside.func_code
    made = types.CodeType(0, 0, 1, 0, code, (None, 7), (), (), c.co_filename, 'w_made', 1, '')
    types.FunctionType(made, {})()
    w_hot(20)
    types.FunctionType(made, {})()
"#,
    ),
    (
        "code_rewritten_in_place",
        r#"
def w_first():
    x = 11
    return x

def w_caller(function):
    # The caller is rewritten while it waits.
    y = function()
    return -y

def w_work():
    function, caller = copied(w_first), copied(w_caller)
    caller(function)
    # LOAD_FAST, RETURN_VALUE to LOAD_CONST 0, RETURN_VALUE.
    rewrite(function, '|\x00\x00S', 'd\x01\x00S')
    caller(function)
    def w_between():
        rewrite(caller, '\x0bS', '\x0aS')
        return 5
    caller(w_between)
    rewrite(function, 'd\x01\x00S', '|\x00\x00S')
    caller(function)
"#,
    ),
    (
        "constants_that_change",
        r#"
def w_list():
    return 99

def w_work():
    shared = [1]
    c = w_list.func_code
    made = types.CodeType(0, 0, 1, 0, 'd\x00\x00S', (shared,), (), (), c.co_filename, 'w_shared',
                          1, '')
    function = types.FunctionType(made, {})
    for i in range(3):
        function().append(i)
    del shared[1:]
"#,
    ),
];

const FORMATS: [(&str, &str); 3] = [("t.txt", "text"), ("t.flow", "flow"), ("t.flow.zst", "flow")];

/// How it is recorded: the word in the options, and whether each file holds the whole run.
const WAYS: [(&str, bool); 4] =
    [("", true), ("every", true), ("guard", true), ("limit=400", false)];

struct Mode {
    program: (&'static str, &'static str),
    threads: bool,
    fork: bool,
    format: (&'static str, &'static str),
    way: (&'static str, bool),
    ctypes: &'static str,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Mode { program: (program, _), format: (file, _), way: (way, _), .. } = self;
        let (threads, fork, ctypes) = (self.threads, self.fork, self.ctypes);
        write!(f, "{program} to {file}, `{way}`, threads {threads}, fork {fork}, ctypes {ctypes}")
    }
}

fn product() -> Vec<Mode> {
    let mut modes = Vec::new();
    for program in PROGRAMS {
        for threads in [false, true] {
            for fork in [false, true] {
                for format in FORMATS {
                    for way in WAYS {
                        for ctypes in ["before", "during", "never"] {
                            modes.push(Mode { program, threads, fork, format, way, ctypes });
                        }
                    }
                }
            }
        }
    }
    modes
}

/// The lines of the program's own functions.
fn own(text: &[u8]) -> Vec<u8> {
    let lines = text.split_inclusive(|&byte| byte == b'\n');
    lines.filter(|line| line.starts_with(b"w_")).collect::<Vec<_>>().concat()
}

/// What is in a file of this format, with operands as their meaning.
fn text(file: &Path) -> Vec<u8> {
    assert!(file.exists(), "there is no `{}`", file.display());
    wait_for(file);
    if file.to_str().unwrap().contains(".flow") {
        let expanded = integration::trace27(["expand".as_ref(), "-r".as_ref(), file.as_os_str()]);
        assert_eq!(expanded.status, 0, "{}: {}", file.display(), expanded.text());
        return expanded.output;
    }
    fs::read(file).unwrap()
}

/// One file of a mode against what it must hold.
fn check(mode: &Mode, file: &Path, wanted: &[u8]) {
    let found = text(file);
    let (what, found) = (format!("{mode}: `{}`", file.display()), own(&found));
    if mode.way.1 {
        assert_same(&what, wanted, &found);
    } else {
        // It ends early: in the first thread's file before the program's own functions.
        assert!(mask(wanted).starts_with(&mask(&found)), "{what}");
    }
}

/// Where the traces of a mode are, beside the first thread's.
fn beside(folder: &Path, name: &str, suffix: &str) -> PathBuf {
    let (stem, extension) = name.split_once('.').unwrap();
    folder.join(format!("{stem}.{suffix}.{extension}"))
}

fn runs(mode: &Mode, wanted: &Wanted) {
    let folder = tempfile::tempdir().unwrap();
    let program = DRIVER.replace("WORK", mode.program.1);
    fs::write(folder.path().join("p.py"), program).unwrap();
    // A recording holds what operands mean in any case.
    let resolve = if mode.format.1 == "text" { "resolve" } else { "" };
    let mut words = vec![resolve, mode.format.1, mode.way.0];
    words.extend(mode.threads.then_some("threads"));
    words.extend(mode.fork.then_some("follow-fork"));
    words.retain(|word| !word.is_empty());
    let python = Python::traced();
    let mut command = python.command(folder.path());
    command
        .env("PYTHON27_TRACED_FILE", folder.path().join(mode.format.0))
        .env("PYTHON27_TRACED_OPTIONS", words.join(","))
        .args(["p.py", mode.ctypes, if mode.fork { "fork" } else { "-" }, "thread", "pid"]);
    let outcome = python.finish(&mut command);
    assert_eq!((outcome.status, &*outcome.errors), (0, &b""[..]), "{mode}: {}", outcome.text());
    check(mode, &folder.path().join(mode.format.0), &wanted.main);
    if mode.threads {
        check(mode, &beside(folder.path(), mode.format.0, "thread-1"), &wanted.thread);
    }
    if mode.fork {
        let pid = fs::read_to_string(folder.path().join("pid")).unwrap();
        check(mode, &folder.path().join(format!("{}.{pid}", mode.format.0)), &wanted.child);
    }
}

/// What the oracle says that each line of execution does.
#[derive(Debug)]
struct Wanted {
    main: Vec<u8>,
    thread: Vec<u8>,
    child: Vec<u8>,
}

impl Wanted {
    /// The oracle traces one thread, so each line of execution is played there by the main thread:
    /// the work with `ctypes` loaded at the same moments.
    fn of(program: &str, ctypes: &str) -> Wanted {
        let play = |steps: &str| {
            let folder = tempfile::tempdir().unwrap();
            let driver = DRIVER.replace("WORK", program);
            let (driver, _) = driver.split_once("\ndef second(").unwrap();
            fs::write(folder.path().join("p.py"), format!("{driver}\n{steps}")).unwrap();
            let trace = Python::oracle().trace(folder.path(), &["-r"], &["p.py"]);
            assert_eq!(trace.outcome.status, 0, "{}", trace.outcome.text());
            own(trace.text())
        };
        let (load, work) = ("import ctypes\n", "w_work()\n");
        let (before, between) = match ctypes {
            "before" => (load, ""),
            "during" => ("", load),
            _ => ("", ""),
        };
        let both = play(&[before, work, between, work].concat());
        Wanted { thread: both.clone(), child: play(&[before, between, work].concat()), main: both }
    }
}

#[test]
fn each_file_holds_what_the_oracle_says() {
    let mut tasks = Vec::new();
    for program in PROGRAMS {
        for ctypes in ["before", "during", "never"] {
            tasks.push((program, ctypes));
        }
    }
    let modes = product();
    assert_eq!(modes.len(), 720);
    let name = |((name, _), ctypes): &((&str, &str), &str)| format!("{name}, ctypes {ctypes}");
    each_in_parallel(tasks, name, |(program, ctypes)| {
        let wanted = Wanted::of(program.1, ctypes);
        assert!(!wanted.main.is_empty() && !wanted.child.is_empty(), "{program:?}");
        let same = |mode: &&Mode| mode.program == *program && mode.ctypes == *ctypes;
        modes.iter().filter(same).for_each(|mode| runs(mode, &wanted));
    });
}
