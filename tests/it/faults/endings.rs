//! Ends that the interpreter sees coming: the trace is complete when the process has ended, and
//! goes on when it has not.

use std::fs;
use std::process::Command;

use integration::{Outcome, Python, assert_same, trace27};

use super::crash::ENDS;
use super::{FORMATS, Scene, assert_begins, calls};

/// The two formats, as they are and compressed.
const ALL: [&str; 4] = ["trace.txt", "trace.flow", "trace.txt.zst", "trace.flow.zst"];

/// Runs a command, and when that has ended kills all processes that it has left, as the kernel
/// does when the first process of a container ends.
const CONTAINER: &str = "\
import ctypes, os, subprocess, sys
# PR_SET_CHILD_SUBREAPER: processes without a parent become ours.
assert ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) == 0
child = subprocess.Popen(sys.argv[1:])
status = child.wait()
def parent(pid): return int(open('/proc/%s/stat' % pid).read().rsplit(')', 1)[1].split()[1])
for pid in os.listdir('/proc'):
    try:
        if pid.isdigit() and parent(pid) == os.getpid():
            os.kill(int(pid), 9)
    except EnvironmentError:
        pass
try:
    while True: os.wait()
except OSError:
    pass
sys.stderr.write('status %d' % status)
";

/// Traces the program in what is like a container.
fn contained(scene: &Scene, options: &[&str], name: &str, arguments: &[&str]) -> Outcome {
    let command = scene.tracing(options, name, arguments);
    let mut outer = Python::unpatched().command(scene.folder.path());
    outer.arg("-c").arg(CONTAINER).arg(command.get_program()).args(command.get_args());
    Python::traced().finish(&mut outer)
}

/// A trace that nobody will go on writing.
fn complete(scene: &Scene, name: &str) -> Vec<u8> {
    let file = scene.path(name);
    let file = file.to_str().unwrap();
    let outcome = match name {
        _ if name.ends_with(".txt") => return fs::read(file).unwrap(),
        _ if name.ends_with(".txt.zst") => trace27(["convert", "--to", "blog", file, "-"]),
        _ => trace27(["expand", file]),
    };
    assert_eq!((outcome.status, &outcome.errors[..]), (0, &b""[..]), "{name}: {}", outcome.text());
    outcome.output
}

#[test]
fn complete_when_the_process_has_ended() {
    let scene = Scene::new(ENDS);
    assert_eq!(scene.trace(&[], "whole.txt", &["harmless", "1"]).status, 0);
    let whole = scene.text("whole.txt");
    let end = *calls(&whole, "end").last().unwrap();
    for (fatal, depth, status) in [
        ("_exit", "1", 3),
        ("abort", "1", -6),
        ("kill", "1", -9),
        ("term", "1", -15),
        ("group", "1", -1),
        ("segv", "1", -11),
        ("execv", "1", 0),
        ("python", "1", 0),
    ] {
        for name in ALL {
            let outcome = contained(&scene, &[], name, &[fatal, depth]);
            let errors = String::from_utf8_lossy(&outcome.errors);
            assert!(errors.ends_with(&format!("status {status}")), "{fatal}: {}", outcome.text());
            let text = complete(&scene, name);
            assert_same(&format!("{fatal}, {name}"), &whole[..end], &text);
        }
    }
}

/// The options of `unshare` that make a namespace here; `None`, said aloud, where nothing does.
fn namespace() -> Option<&'static [&'static str]> {
    let ways: [&[&str]; 2] = [&["-p", "-f", "--mount-proc"], &["-r", "-p", "-f", "--mount-proc"]];
    let works = |way: &&&[&str]| {
        Command::new("unshare").args(**way).arg("true").output().is_ok_and(|o| o.status.success())
    };
    let found = ways.iter().find(works).copied();
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "no namespace can be made, and CI skips nothing");
        eprintln!("skipped: this machine does not let tests make a namespace of processes");
    }
    found
}

/// The program is the first process of a container, or the child of a shell that is.
#[test]
fn complete_when_the_container_ends() {
    let Some(namespace) = namespace() else { return };
    let scene = Scene::new(ENDS);
    assert_eq!(scene.trace(&[], "whole.txt", &["harmless", "1"]).status, 0);
    let whole = scene.text("whole.txt");
    let end = *calls(&whole, "end").last().unwrap();
    for (fatal, depth, status) in [
        ("_exit", "1", 3),
        ("deep", "300000", -11),
        ("abort", "1", -6),
        ("execv", "1", 0),
        // What the first process of a container sends to itself is lost, and the program goes on.
        ("kill", "1", 0),
        ("segv", "1", 0),
    ] {
        for shell in [&[][..], &["sh", "-c", "\"$@\"; exit $?", "sh"]] {
            for name in ALL {
                let command = scene.tracing(&[], name, &[fatal, depth]);
                let mut outer = Command::new("unshare");
                outer.current_dir(scene.folder.path()).args(namespace).args(shell);
                outer.arg(command.get_program()).args(command.get_args());
                let outcome = Python::traced().finish(&mut outer);
                let what = format!("{fatal}, {name}, {shell:?}: {}", outcome.text());
                let text = complete(&scene, name);
                if shell.is_empty() && status == 0 && fatal != "execv" {
                    assert_same(&what, &whole, &text);
                } else {
                    assert_same(&what, &whole[..end], &text);
                }
                if shell.is_empty() && fatal != "abort" {
                    assert_eq!(outcome.status, status, "{what}");
                } else if status != 0 {
                    assert_ne!(outcome.status, 0, "{what}");
                }
            }
        }
    }
}

/// The calls that wait fail: what follows is in the trace, and nothing twice.
#[test]
fn what_fails_to_end_the_process() {
    let program = "\
import os, signal, sys
def work(count):
    return [number for number in xrange(count) if number % 3]
def attempt(act, *arguments):
    try:
        return act(*arguments)
    except (OSError, ValueError, TypeError):
        return work(3)
os.setpgid(0, 0)
open('no format', 'w').write('\\0')
os.chmod('no format', 0700)
signal.signal(signal.SIGUSR1, lambda *_: work(2))
signal.signal(signal.SIGUSR2, signal.SIG_IGN)
for number in range(20):
    attempt(os.execv, '/nowhere', ['a'])
    attempt(os.execv, 'no format', ['a'])
    attempt(os.execve, 'no format', ['a'], {})
    attempt(os.execv, sys.executable, ['x' * (1 << 21)])
    attempt(os.execvp, 'no such command', ['a'])
    attempt(os.execv, os.curdir, [])
    attempt(os.kill, os.getpid(), 0)
    attempt(os.kill, os.getpid(), signal.SIGUSR1)
    attempt(os.kill, 0, signal.SIGCONT)
    attempt(os.killpg, 0, signal.SIGUSR2)
    attempt(os.kill, os.getpid(), 12345)
    attempt(os.kill, -os.getpgrp() - 1000000, 9)
    work(number)
work(1000)
print 'end'
";
    let scene = Scene::new(program);
    let oracle = Python::oracle().trace(scene.folder.path(), &[], &["p.py"]);
    assert_eq!(oracle.outcome.output, b"end\n", "{}", oracle.outcome.text());
    for name in ALL {
        let outcome = scene.trace(&[], name, &[]);
        assert_eq!(outcome.text(), oracle.outcome.text(), "{name}");
        assert_same(name, oracle.text(), &complete(&scene, name));
    }
}

#[test]
fn signals_are_as_without_tracing() {
    let program = "\
import os, signal, subprocess, sys
names = 'SIGSEGV SIGBUS SIGFPE SIGILL SIGABRT'.split()
numbers = [getattr(signal, name) for name in names]
print [signal.getsignal(number) for number in numbers]
def signals():
    lines = open('/proc/self/status').read().splitlines()
    return [line for line in lines if line.startswith(('SigB', 'SigC', 'SigI', 'SigP'))]
print signals()
child = 'print [line for line in open(\"/proc/self/status\") if line[:4] in (\"SigB\", \"SigC\", \"SigI\")]'
subprocess.call([sys.executable, '-c', child])
print [signal.signal(number, lambda number, frame: sys.stdout.write('%d\\n' % number))
       for number in numbers]
for number in numbers:
    os.kill(os.getpid(), number)
for number in numbers:
    signal.signal(number, signal.SIG_IGN)
    os.kill(os.getpid(), number)
for number in numbers:
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        os._exit(7)
    print os.waitpid(pid, 0)[1] & 127
    pid = os.fork()
    if pid == 0:
        signals = [line for line in open('/proc/self/status') if line.startswith('SigCgt')]
        os.write(1, '%r\\n' % signals)
        os._exit(7)
    print os.waitpid(pid, 0)[1]
";
    let scene = Scene::new(program);
    let plain = scene.plain(&[]);
    assert_eq!(plain.status, 0, "{}", plain.text());
    for name in FORMATS {
        assert_eq!(scene.trace(&[], name, &[]).text(), plain.text(), "{name}");
    }
}

/// Whatever thread ends the process, and whatever the others do meanwhile.
#[test]
fn threads_that_end_the_process() {
    let program = "\
import os, sys, threading
def busy():
    while True:
        [number for number in xrange(100)]
def first(): return 'first'
def end(): os.execv('/bin/true', ['true']) if sys.argv[1] == 'execv' else os._exit(5)
for _ in range(3):
    thread = threading.Thread(target=busy)
    thread.daemon = True
    thread.start()
first()
if sys.argv[2] == 'main':
    end()
else:
    threading.Thread(target=end).start()
    busy()
";
    let scene = Scene::new(program);
    for end in ["execv", "_exit"] {
        for which in ["main", "other"] {
            for (threads, name) in ["one", "all"].into_iter().flat_map(|all| ALL.map(|n| (all, n)))
            {
                let outcome = contained(&scene, &["--threads", threads], name, &[end, which]);
                let status = if end == "execv" { "status 0" } else { "status 5" };
                let errors = String::from_utf8_lossy(&outcome.errors);
                assert_eq!(errors, status, "{}", outcome.text());
                let text = String::from_utf8(complete(&scene, name)).unwrap();
                assert!(text.contains("\nfirst> 3 RETURN_VALUE\n"), "{end}, {which}, {name}");
                if which == "main" {
                    assert!(text.lines().last().unwrap().starts_with("end> "), "{end}, {name}");
                }
            }
        }
    }
}

/// C code calls `exit` after it has released the GIL: `ctypes.CDLL` does. `abs` takes its place in the
/// runs that are compared with. A second thread calls it while the main one runs Python.
#[test]
fn exit_without_the_gil() {
    let program = "\
import ctypes, sys, thread
act, rounds = getattr(ctypes.CDLL(None), sys.argv[1]), int(sys.argv[2])
def work(count):
    return [number for number in xrange(count) if number % 3]
def end():
    return act(3)
def second(gate):
    gate.acquire()
    end()
def busy(rounds):
    while rounds:
        work(5)
        rounds -= 1
work(1000)
if rounds == 0:
    end()
else:
    gate = thread.allocate_lock()
    gate.acquire()
    thread.start_new_thread(second, (gate,))
    gate.release()
    busy(rounds)
";
    let scene = Scene::new(program);
    let whole = |rounds: &str| {
        assert_eq!(scene.trace(&[], "whole.txt", &["abs", rounds]).status, 0);
        scene.text("whole.txt")
    };
    let main = whole("0");
    let end = *calls(&main, "end").last().unwrap();
    for (threads, name) in ["one", "all"].into_iter().flat_map(|all| ALL.map(|name| (all, name))) {
        let options = ["--threads", threads];
        let what = format!("{name}, {threads}");
        let outcome = contained(&scene, &options, name, &["exit", "0"]);
        assert_eq!(String::from_utf8_lossy(&outcome.errors), "status 3", "{what}");
        assert_same(&what, &main[..end], &complete(&scene, name));

        for _ in 0..3 {
            let outcome = contained(&scene, &options, name, &["exit", "-1"]);
            assert_eq!(String::from_utf8_lossy(&outcome.errors), "status 3", "{what}");
            // Whatever the main thread has done by then is there, from the first round on.
            let text = complete(&scene, name);
            let rounds = calls(&text, "busy").len() + 1;
            assert_begins(&what, &whole(&rounds.to_string()), &text);
            if threads == "all" {
                let text = complete(&scene, &name.replace("trace.", "trace.thread-1."));
                assert_eq!(calls(&text, "end"), [text.len()], "{what}");
            }
        }
    }
}

/// A child that is not traced touches nothing of its parent's trace, whatever ends it.
#[test]
fn untraced_children() {
    let program = "\
import os, signal
def work(count):
    return [number for number in xrange(count) if number % 3]
acts = [(os._exit, 3), (os.abort,), (os.kill, 0, 0), (os.execv, '/bin/true', ['true']),
        (os.execv, '/nowhere', ['a'])]
for act in acts * 3:
    work(100)
    pid = os.fork()
    if pid == 0:
        try:
            act[0](*act[1:])
            os.kill(os.getpid(), 11)
        finally:
            os._exit(9)
    print os.waitpid(pid, 0)[1] & ~128
work(10)
";
    let scene = Scene::new(program);
    let oracle = Python::oracle().trace(scene.folder.path(), &[], &["p.py"]);
    for name in ALL {
        let outcome = scene.trace(&[], name, &[]);
        assert_eq!(outcome.text(), oracle.outcome.text(), "{name}");
        let wanted = super::lines_of(oracle.text(), &["work"]);
        assert_same(name, &wanted, &super::lines_of(&complete(&scene, name), &["work"]));
    }
    let program = program.replace("work(10)\n", "os._exit(4)\n");
    let scene = Scene::new(&program);
    let outcome = scene.trace(&["--follow-fork"], "trace.flow", &[]);
    assert_eq!(outcome.status, 4, "{}", outcome.text());
    assert_eq!(scene.names().len(), 16, "{:?}", scene.names());
    for name in scene.names() {
        let expanded = trace27(["expand", scene.path(&name).to_str().unwrap()]);
        assert_eq!(expanded.status, 0, "{name}: {}", expanded.text());
    }
}
