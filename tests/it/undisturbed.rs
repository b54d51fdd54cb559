//! Belongs here: that a traced program does what it does under plain CPython.

use std::fs;
use std::path::Path;

use integration::{Outcome, Program, Python, assert_same, in_parallel, programs, real_programs};

/// What a program must print, end with and leave alone, traced or not.
fn same(program: &Program) {
    let plain = Python::unpatched().run(&program.folder, &program.command);
    let untraced = Python::traced().run(&program.folder, &program.command);
    let traced = Python::traced().trace(&program.folder, &[], &program.arguments()).outcome;
    let values = Python::traced();
    let values = values.record(&program.folder, &["--values"], &program.arguments(), "t.flow");
    let all = [("untraced", untraced), ("traced", traced), ("with values", values.outcome)];
    for (which, outcome) in all {
        assert_eq!(plain.status, outcome.status, "{which}: {}", outcome.text());
        assert_same(&format!("{which}, output"), &plain.output, &outcome.output);
        assert_same(&format!("{which}, errors"), &errors(&plain), &errors(&outcome));
    }
}

/// Standard error, less the number in the interpreter's own complaint about an unknown opcode:
/// untraced it is that of the instruction before (README, "What a program can notice").
pub fn errors(outcome: &Outcome) -> Vec<u8> {
    let lines = outcome.errors.split_inclusive(|&byte| byte == b'\n');
    let masked = lines.map(|line| match line.starts_with(b"XXX lineno: ") {
        true => &b"XXX\n"[..],
        false => line,
    });
    masked.collect::<Vec<_>>().concat()
}

#[test]
fn the_corpus() {
    in_parallel(["", "ours_only", "settrace"].into_iter().flat_map(programs).collect(), same);
}

#[test]
fn real_programs_of_the_source_tree_run_to_their_end() {
    // What they print may be a measured time.
    in_parallel(real_programs(), |program| {
        let plain = Python::unpatched().run(&program.folder, &program.command);
        let traced = Python::traced().trace(&program.folder, &[], &program.arguments()).outcome;
        assert_eq!(plain.status, traced.status, "{}", traced.text());
    });
}

/// All that a program finds when it starts.
#[test]
fn surroundings() {
    let folder = tempfile::tempdir().unwrap();
    let program = "\
import os, sys
print sorted(sys.modules)
print sys.argv, sys.path[0], __name__, __file__, sys.flags
print sorted(globals())
print sorted(name for name in os.environ if 'TRACE' in name)
print sys._getframe().f_back, sys.gettrace(), sys.getprofile(), sys.getrecursionlimit()
print os.open(os.devnull, os.O_RDONLY)
print len(os.listdir('/proc/self/task'))
print open('/proc/self/cmdline').read().split('\\0')[1:]
import types
print types.CodeType.__basicsize__, types.FrameType.__basicsize__
print sys.version.split(',')[0], sys.subversion
";
    fs::write(folder.path().join("prog.py"), program).unwrap();
    let arguments = ["prog.py", "-r", "--blog", "a b", ""];
    let plain = Python::unpatched().run(folder.path(), arguments);
    assert_eq!(plain.status, 0, "{}", plain.text());
    let traced = Python::traced().trace(folder.path(), &["-r"], &arguments);
    assert_eq!(plain.text(), traced.outcome.text());
}

/// Values are recorded without their methods, and nothing is kept alive or made.
#[test]
fn recording_values_runs_no_method_and_takes_no_reference() {
    let folder = tempfile::tempdir().unwrap();
    let program = "\
import gc, sys
calls = []
def counting(name):
    def method(self, *rest):
        calls.append(name)
        raise TypeError(name)
    return method
SPECIAL = ('__repr__ __str__ __unicode__ __len__ __nonzero__ __iter__ __getitem__ __contains__ '
           '__getattr__ __hash__ __eq__ __cmp__ __int__ __float__ __index__ __coerce__').split()
spelled = dict((name, counting(name)) for name in SPECIAL)
New = type('New', (object,), dict(spelled))
class Old:
    pass
for name in SPECIAL:
    setattr(Old, name, counting('old ' + name))
BASES = int, long, float, str, unicode, list, tuple, dict, set, Exception
subclasses = [type('S' + base.__name__, (base,), dict(spelled)) for base in BASES]
class Dies(object):
    def __del__(self):
        calls.append('del')
def f(*arguments):
    held = list(arguments)
    return held
values = [New(), Old()] + [base.__new__(base) for base in subclasses]
f(*values)
f(values, tuple(values), [[values]])
dies = Dies()
f(dies)
count = sys.getrefcount(dies)
del dies
print calls, count
before = len(gc.get_objects())
for i in range(1000):
    f(i, str(i), [i, {i: (i,)}])
print len(gc.get_objects()) - before
";
    fs::write(folder.path().join("p.py"), program).unwrap();
    let plain = Python::unpatched().run(folder.path(), ["p.py"]);
    assert_eq!((plain.status, &plain.errors[..]), (0, &b""[..]), "{}", plain.text());
    let traced = Python::traced();
    let recorded = traced.record(folder.path(), &["--values"], &["p.py"], "t.flow");
    assert_eq!(plain.text(), recorded.outcome.text());
}

#[test]
fn the_interpreters_own_options_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("p.py"), "import sys\nprint sys.flags, sys.warnoptions\n")
        .unwrap();
    let options = ["-O", "-s", "-3", "-W", "ignore::UserWarning"];
    let plain = Python::unpatched().run(folder.path(), options.iter().chain(&["p.py"]));
    let traced = Python::traced();
    let tracer = integration::project().join("tracer.py");
    let tracer = tracer.to_str().unwrap();
    let run = traced.run(folder.path(), options.iter().chain(&[tracer, "p.py", "t.txt"]));
    assert_eq!(plain.text(), run.text());
    assert!(folder.path().join("t.txt").exists());
}

/// Without tracer.py it is a plain Python 2.7, and leaves nothing behind.
#[test]
fn without_tracer_py_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("p.py"), "print 'hello'\n").unwrap();
    let run = Python::traced().run(folder.path(), ["p.py"]);
    assert_eq!((run.status, &run.output[..]), (0, &b"hello\n"[..]));
    assert_eq!(names(folder.path()), ["p.py"]);
}

#[test]
fn a_forked_child_and_a_started_program_write_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let program = "\
import os, subprocess, sys
def child(): return 'child'
def parent(): return 'parent'
pid = os.fork()
if pid == 0:
    child()
    sys.exit(0)
os.waitpid(pid, 0)
parent()
print subprocess.call([sys.executable, '-c', 'def other(): pass\\nother()'])
";
    fs::write(folder.path().join("p.py"), program).unwrap();
    let run = Python::traced().trace(folder.path(), &[], &["p.py"]);
    assert_eq!(run.outcome.output, b"0\n", "{}", run.outcome.text());
    let text = String::from_utf8_lossy(run.text());
    assert!(text.contains("\nparent> 0 LOAD_CONST (1)\nparent> 3 RETURN_VALUE\n"), "{text}");
    assert!(!text.contains("\nchild> ") && !text.contains("\nother> "), "{text}");
}

/// Only the thread that starts the program is traced.
#[test]
fn other_threads_write_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let program = "\
import threading
def work(): return sum(xrange(1000))
thread = threading.Thread(target=work)
thread.start()
thread.join()
work()
";
    fs::write(folder.path().join("p.py"), program).unwrap();
    let run = Python::traced().trace(folder.path(), &[], &["p.py"]);
    let text = String::from_utf8_lossy(run.text());
    assert_eq!(text.matches("work> 0 LOAD_GLOBAL").count(), 1, "{}", run.outcome.text());
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
