//! Forks and what becomes of the children: left alone, or traced each to a file of its own.

use std::fs;

use integration::Python;

use super::{FORMATS, Scene, assert_begins, calls, lines_of};

/// `act` is `os.fork` or, where the path of the child is wanted in one process, `int`.
const FORKS: &str = "\
import os, sys
act = {'fork': os.fork, 'child': int}[sys.argv[1]]

def work(count):
    return [number for number in xrange(count) if number % 3]

def child():
    work(2000)
    return 'child'

def parent():
    os.wait()
    work(10)

def split():
    before = work(10)
    pid = act()
    if pid:
        print pid
        return parent()
    return child()

split()
";

/// The trace of one process that goes the way of the child, and where the fork ends in it.
fn way_of_the_child(scene: &Scene) -> (Vec<u8>, usize) {
    let outcome = scene.trace(&[], "child.txt", &["child"]);
    assert_eq!(outcome.status, 0, "{}", outcome.text());
    let text = scene.text("child.txt");
    // The call of `work`, that of `act`, that of `child`.
    let fork = calls(&text, "split")[1];
    (text, fork)
}

#[test]
fn a_child_leaves_the_trace_alone() {
    let scene = Scene::new(FORKS);
    let (way, fork) = way_of_the_child(&scene);
    for name in FORMATS {
        let before = scene.names();
        let outcome = scene.trace(&[], name, &["fork"]);
        assert_eq!((outcome.status, &outcome.errors[..]), (0, &b""[..]), "{}", outcome.text());
        let text = scene.text(name);
        assert_begins(name, &text, &way[..fork]);
        let text = String::from_utf8(text).unwrap();
        assert!(text.contains("\nparent> 0 LOAD_GLOBAL") && !text.contains("\nchild> "), "{text}");
        assert_eq!(scene.names().len(), before.len() + 1, "{:?}", scene.names());
    }
}

/// A child's lines go on from inside the fork.
#[test]
fn each_child_has_a_file() {
    let scene = Scene::new(FORKS);
    let (way, fork) = way_of_the_child(&scene);
    for name in FORMATS {
        let outcome = scene.trace(&["--follow-fork"], name, &["fork"]);
        assert_eq!((outcome.status, &outcome.errors[..]), (0, &b""[..]), "{}", outcome.text());
        assert_begins(name, &scene.text(name), &way[..fork]);
        let child = format!("{name}.{}", String::from_utf8_lossy(&outcome.output).trim());
        assert_begins(&child, &way[fork..], &scene.text(&child));
        assert_eq!(way[fork..].len(), scene.text(&child).len(), "{child}");
    }
}

#[test]
fn children_of_children() {
    let program = "\
import os, sys
act = {'fork': os.fork, 'child': int}[sys.argv[1]]

def split():
    return act()

def generation(number):
    pid = split()
    if pid:
        os.waitpid(pid, 0)
        return 0
    os.write(1, '%d\\n' % os.getpid())
    return generation(number - 1) if number else 0

def twice(number):
    return number * 2

twice(generation(3))
";
    let scene = Scene::new(program);
    let whole = scene.trace(&[], "whole.txt", &["child"]);
    assert_eq!(whole.status, 0, "{}", whole.text());
    let whole = scene.text("whole.txt");
    let forks = calls(&whole, "split");
    for name in FORMATS {
        let outcome = scene.trace(&["--follow-fork"], name, &["fork"]);
        assert_eq!((outcome.status, &outcome.errors[..]), (0, &b""[..]), "{}", outcome.text());
        let children = String::from_utf8(outcome.output).unwrap();
        let children: Vec<&str> = children.lines().collect();
        assert_eq!(children.len(), 4);
        // The youngest went the whole way, each of the others up to its own fork.
        let text = scene.text(&format!("{name}.{}", children[3]));
        assert!(whole.ends_with(&text), "{}", String::from_utf8_lossy(&text));
        assert_eq!(whole.len() - forks[3], text.len());
        for (index, pair) in forks.windows(2).enumerate() {
            let text = scene.text(&format!("{name}.{}", children[index]));
            assert_begins("a child that forks", &text, &whole[pair[0]..pair[1]]);
            assert!(text.len() > pair[1] - pair[0]);
        }
    }
}

/// What a child starts in its own place is another program; its trace ends with the call.
#[test]
fn a_child_that_starts_another_program() {
    let program = "\
import os, subprocess, sys
subprocess.call(['/bin/true'])
subprocess.call([sys.executable, '-c', 'print 1'])
def child(): os.execv('/bin/true', ['true'])
pid = os.fork()
if not pid: child()
print pid, os.waitpid(pid, 0)[1]
";
    let scene = Scene::new(program);
    for name in FORMATS {
        let outcome = scene.trace(&["--follow-fork"], name, &[]);
        assert_eq!((outcome.status, &outcome.errors[..]), (0, &b""[..]), "{}", outcome.text());
        let output = String::from_utf8(outcome.output).unwrap();
        let pid = output.strip_prefix("1\n").and_then(|output| output.strip_suffix(" 0\n"));
        let child = format!("{name}.{}", pid.unwrap());
        let text = String::from_utf8(scene.text(&child)).unwrap();
        assert!(is_exec(&text), "{text}");
        let traces = scene.names().into_iter().filter(|file| file.starts_with(name));
        assert_eq!(traces.count(), 4);
    }
}

fn is_exec(text: &str) -> bool {
    let last = text.lines().last().unwrap();
    last.starts_with("child> ") && last.ends_with(" CALL_FUNCTION (2)")
}

/// Left in the environment, the wish reaches every Python that the program starts.
#[test]
fn programs_that_inherit_the_wish() {
    let program = "\
import os, subprocess, sys
def work(): return os.getpid()
print work()
sys.stdout.flush()
if len(sys.argv) < 4:
    subprocess.call([sys.executable] + sys.argv + ['again'])
";
    let scene = Scene::new(program);
    for (name, words) in [("a%p.txt", "inherit"), ("a%p.flow", "inherit,flow")] {
        let mut command = Python::traced().command(scene.folder.path());
        command.arg("p.py").arg("first").env("PYTHON27_TRACED_FILE", scene.path(name));
        command.env("PYTHON27_TRACED_OPTIONS", words);
        let outcome = Python::traced().finish(&mut command);
        assert_eq!((outcome.status, &outcome.errors[..]), (0, &b""[..]), "{}", outcome.text());
        let output = String::from_utf8(outcome.output).unwrap();
        assert_eq!(output.lines().count(), 3);
        for pid in output.lines() {
            let text = String::from_utf8(scene.text(&name.replace("%p", pid))).unwrap();
            assert_eq!(text.matches("\nwork> 0 LOAD_GLOBAL").count(), 1, "{text}");
            assert!(text.starts_with("<module>> 0 LOAD_CONST"), "{text}");
        }
    }
    assert_eq!(scene.names().len(), 6);
}

/// A program that replaces itself by `exec`: each has a file, or the second is refused.
#[test]
fn programs_that_follow_one_another_in_a_process() {
    let program = "\
import os, sys
def work(): return len(sys.argv)
print work(), os.getpid()
sys.stdout.flush()
if len(sys.argv) < 3:
    os.execv(sys.executable, [sys.executable] + sys.argv + ['again'])
";
    let scene = Scene::new(program);
    let run = |name: &str| {
        let mut command = Python::traced().command(scene.folder.path());
        command.arg("p.py").env("PYTHON27_TRACED_FILE", scene.path(name));
        Python::traced().finish(command.env("PYTHON27_TRACED_OPTIONS", "inherit"))
    };
    for name in ["a%p.txt", "a%p.flow"] {
        let outcome = run(name);
        assert_eq!((outcome.status, &outcome.errors[..]), (0, &b""[..]), "{}", outcome.text());
        let output = String::from_utf8(outcome.output).unwrap();
        let pid = output.split_whitespace().last().unwrap();
        assert_eq!(output, format!("1 {pid}\n2 {pid}\n3 {pid}\n"));
        for (id, last) in [
            (pid.to_owned(), "CALL_FUNCTION (2)\n"),
            (format!("{pid}.2"), "CALL_FUNCTION (2)\n"),
            (format!("{pid}.3"), "RETURN_VALUE\n"),
        ] {
            let text = String::from_utf8(scene.text(&name.replace("%p", &id))).unwrap();
            assert_eq!(text.matches("\nwork> 0 LOAD_GLOBAL").count(), 1, "{text}");
            assert!(text.starts_with("<module>> 0 LOAD_CONST") && text.ends_with(last), "{text}");
        }
    }
    assert_eq!(scene.names().len(), 6);
    let outcome = run("one.txt");
    assert_eq!(outcome.status, 2, "{}", outcome.text());
    let errors = String::from_utf8(outcome.errors).unwrap();
    assert!(errors.ends_with(" before; put `%p` into its name\n"), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert!(scene.text("one.txt").ends_with(b" CALL_FUNCTION (2)\n"));
}

/// Both go on for long after the fork, at the same time.
#[test]
fn parent_and_child_at_once() {
    let program = "\
import os
def work(count):
    total = 0
    for number in xrange(count):
        total += number if number % 3 else -number
    return total
pid = os.fork()
work(100000 if pid else 100001)
if pid:
    os.write(1, '%d' % pid)
    os.wait()
else:
    os._exit(0)
";
    let scene = Scene::new(program);
    for name in FORMATS {
        let outcome = scene.trace(&["--follow-fork"], name, &[]);
        assert_eq!((outcome.status, &outcome.errors[..]), (0, &b""[..]), "{}", outcome.text());
        let pid = String::from_utf8(outcome.output).unwrap();
        for (file, rounds) in [(name.to_owned(), 100_000), (format!("{name}.{pid}"), 100_001)] {
            let text = scene.text(&file);
            let text = String::from_utf8(text).unwrap();
            let found = text.lines().filter(|line| line.starts_with("work> 28 LOAD_FAST")).count();
            assert_eq!(found, rounds, "{file}");
        }
    }
    assert_eq!(fs::read_dir(scene.folder.path()).unwrap().count(), 5);
}

/// A child that is forked once the parent's trace has ended at its limit begins its own.
#[test]
fn after_the_limit_of_the_parent() {
    let scene = Scene::new(
        "import os\n\
         def work(n):\n    return n * 2\n\
         for i in range(500):\n    work(i)\n\
         pid = os.fork()\n\
         if pid == 0:\n    work(1)\n    os._exit(0)\n\
         os.waitpid(pid, 0)\n\
         print pid\n",
    );
    for name in FORMATS {
        // The writer says when the limit is reached, sooner or later: each way must be right.
        for _ in 0..20 {
            let outcome = scene.trace(&["--follow-fork", "--limit", "40"], name, &[]);
            assert_eq!((outcome.status, &outcome.errors[..]), (0, &b""[..]), "{}", outcome.text());
            let pid = String::from_utf8(outcome.output).unwrap();
            let child = scene.text(&format!("{name}.{}", pid.trim()));
            assert!(lines_of(&child, &["work"]).starts_with(b"work> 0 LOAD_FAST (0)\n"));
        }
    }
}
