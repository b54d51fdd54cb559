//! Ends that the interpreter does not see coming: the trace ends with the instruction that ran.
//!
//! Each program runs twice, once to its death and once with a call in the fatal one's place that
//! harms nothing; up to that call the two traces are the same.

use std::fs;
use std::io::{Read, Write};
use std::process::{Command, Stdio};

use integration::Python;

use super::{FORMATS, Scene, assert_begins, calls};

/// `end` makes the fatal call. The first argument chooses it; `harmless` is there in each.
pub const ENDS: &str = "\
import itertools, os, sys

def before():
    total = 0
    for number in xrange(500):
        try:
            if number % 7 == 3:
                raise ValueError
            total += number
        except ValueError:
            total -= 1
    return total

def end(act, arguments):
    return act(*arguments)

def faulty():
    return 0

deep = reduce(itertools.chain, itertools.repeat((), int(sys.argv[2])))
acts = {
    'harmless': ('{0}'.format, (1,)),
    '_exit': (os._exit, (3,)),
    'abort': (os.abort, ()),
    'kill': (os.kill, (os.getpid(), 9)),
    'term': (os.kill, (os.getpid(), 15)),
    'group': (os.killpg, (0, 1)),
    'segv': (os.kill, (os.getpid(), 11)),
    'deep': (next, (deep,)),
    'execv': (os.execv, ('/bin/true', ['true'])),
    'python': (os.execv, (sys.executable, [sys.executable, '-c', 'print 1'])),
}
os.setpgid(0, 0)
before()
end(*acts[sys.argv[1]])
";

/// Up to its last instruction the trace is that of the harmless run, whose `function` makes the
/// `nth` fatal call.
fn ends_with_the_call(program: &str, fatal: &[&str], harmless: &[&str], function: &str) {
    let scene = Scene::new(program);
    let whole = scene.trace(&[], "whole.txt", harmless);
    assert_eq!(whole.status, 0, "{}", whole.text());
    let whole = scene.text("whole.txt");
    let end = *calls(&whole, function).last().unwrap();
    for name in FORMATS {
        let outcome = scene.trace(&[], name, fatal);
        let text = scene.text(name);
        let what = format!("{fatal:?}, {name}: {}", outcome.text());
        assert_begins(&what, &whole[..end], &text);
        assert_eq!(text.len(), end, "{what}: {}", tail(&text));
        let untraced = scene.plain(fatal);
        assert_eq!(untraced.text(), outcome.text(), "{name}");
    }
}

fn tail(text: &[u8]) -> String {
    let lines: Vec<_> = text.split_inclusive(|&byte| byte == b'\n').collect();
    String::from_utf8_lossy(&lines[lines.len().saturating_sub(5)..].concat()).into_owned()
}

#[test]
fn deaths_by_a_call() {
    for (fatal, depth) in [
        ("_exit", "1"),
        ("abort", "1"),
        ("kill", "1"),
        ("segv", "1"),
        ("deep", "300000"),
        ("execv", "1"),
        ("python", "1"),
    ] {
        ends_with_the_call(ENDS, &[fatal, depth], &["harmless", "1"], "end");
    }
}

/// Another program takes the place and goes on for long: the trace does not wait for it, nor for a
/// child of the fork.
#[test]
fn a_program_in_the_place() {
    let program = "\
import os
def work(count): return [number for number in xrange(count) if number % 3]
def end(): os.execv('/bin/cat', ['cat'])
work(1000)
reading, writing = os.pipe()
if os.fork() == 0:
    os.close(writing)
    os.read(reading, 1)
    os._exit(0)
end()
";
    let scene = Scene::new(program);
    for name in FORMATS {
        let mut command = scene.tracing(&[], name, &[]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        // It answers once it is there; then only the writer is waited for.
        child.stdin.as_mut().unwrap().write_all(b"x").unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        let text = scene.text(name);
        assert!(child.try_wait().unwrap().is_none(), "{name}");
        let last = tail(&text);
        assert!(last.ends_with("end> 15 CALL_FUNCTION (2)\n"), "{last}");
        assert!(calls(&text, "end").len() == 1);
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success());
    }
}

/// ctypes has each instruction recorded individually.
#[test]
fn a_crash_in_ctypes() {
    let program = "\
import ctypes, sys
there = ctypes.create_string_buffer('there')
address = ctypes.addressof(there) * int(sys.argv[1])
def work(count):
    return [number for number in xrange(count) if number % 3]
work(1000)
ctypes.string_at(address)
";
    ends_with_the_call(program, &["0"], &["1"], "string_at");
}

/// Bytecode that takes the interpreter down, in the middle of a run and behind prefixes.
#[test]
fn faulty_bytecode() {
    let program = "\
import sys, types
def before():
    return sorted(range(100), key=lambda number: -number)
def code(bytes):
    return types.CodeType(0, 0, 9, 64, bytes, (None,), (), (), 'f', 'bad', 1, '')
nop, extended, load, store = '\\x09', '\\x91\\xff\\x7f', '\\x7c\\xff\\xff', '\\x7d\\xff\\xff'
bodies = {
    'load': nop * 3 + extended + load + 'S',
    'store': nop + 'd\\0\\0' + extended + store + 'S',
    'empty': nop + '\\x04' * 3 + '\\x01' * 60000 + 'S',
}
before()
eval(code(bodies[sys.argv[1]]))
";
    let scene = Scene::new(program);
    for (fatal, last) in [
        ("load", "bad> 2 NOP\nbad> 3 EXTENDED_ARG (32767)\nbad> 6 LOAD_FAST (2147483647)\n"),
        ("store", "bad> 4 EXTENDED_ARG (32767)\nbad> 7 STORE_FAST (2147483647)\n"),
    ] {
        for name in FORMATS {
            let outcome = scene.trace(&[], name, &[fatal]);
            assert_eq!(outcome.status, -11, "{}", outcome.text());
            let text = scene.text(name);
            assert!(text.ends_with(last.as_bytes()), "{fatal}, {name}: {}", tail(&text));
        }
    }
}

/// The stack overflows wherever its size lets it, in the interpreter or in the hook. The program
/// leaves the depth that it has reached in a file; the trace holds just as many rounds.
#[test]
fn recursion_without_a_limit() {
    let program = "\
import mmap, sys
from struct import pack
sys.setrecursionlimit(10 ** 9)
file = open('reached', 'r+b')
reached = mmap.mmap(file.fileno(), 8)
def deep(number):
    if number:
        reached[:] = pack('<q', number)
        return deep(number + 1)
deep(1)
";
    let round = "\
deep> 0 LOAD_FAST (0)
deep> 3 POP_JUMP_IF_FALSE (36)
deep> 6 LOAD_GLOBAL (0)
deep> 9 LOAD_CONST (1)
deep> 12 LOAD_FAST (0)
deep> 15 CALL_FUNCTION (2)
deep> 18 LOAD_GLOBAL (1)
deep> 21 STORE_SLICE+0
deep> 22 LOAD_GLOBAL (2)
deep> 25 LOAD_FAST (0)
deep> 28 LOAD_CONST (2)
deep> 31 BINARY_ADD
deep> 32 CALL_FUNCTION (1)
";
    let scene = Scene::new(program);
    // What the environment takes moves the place of the overflow inside a frame.
    let sizes = (0..20).map(|step| (1 << 20, 200 * step)).chain([(8 << 20, 0)]);
    for ((stack, padding), name) in sizes.flat_map(|size| FORMATS.map(|name| (size, name))) {
        let what = format!("{name}, a stack of {stack}, {padding} more in the environment");
        fs::write(scene.path("reached"), [0; 8]).unwrap();
        let command = scene.tracing(&[], name, &[]);
        let mut outer = Command::new("prlimit");
        outer.current_dir(scene.folder.path()).arg(format!("--stack={stack}"));
        outer.arg(command.get_program()).args(command.get_args());
        outer.env("PADDING", "x".repeat(padding));
        let outcome = Python::traced().finish(&mut outer);
        assert_eq!(outcome.status, -11, "{what}: {}", outcome.text());
        let text = scene.text(name);
        let start = text.windows(8).position(|window| window == b"deep> 0 ").unwrap();
        let rounds = round.repeat((text.len() - start) / round.len() + 1);
        assert_begins(&what, rounds.as_bytes(), &text[start..]);
        let reached = fs::read(scene.path("reached")).unwrap();
        let reached = u64::from_le_bytes(reached.try_into().unwrap());
        let stored = text.windows(15).filter(|window| window == b" STORE_SLICE+0\n").count() as u64;
        assert!(reached > 100, "{what}: {reached}");
        // The last one may not have run.
        assert!(stored == reached || stored == reached + 1, "{what}: {stored} and {reached}");
    }
}

/// An exception that ends a thread ends nothing else.
#[test]
fn an_exception_in_a_thread() {
    let program = "\
import threading
def work(): return [][1]
def after(): return 'after'
thread = threading.Thread(target=work, name='worker')
thread.start()
thread.join()
after()
";
    let scene = Scene::new(program);
    for (name, other) in
        [("trace.txt", "trace.thread-1.txt"), ("trace.flow", "trace.thread-1.flow")]
    {
        let outcome = scene.trace(&["--threads", "all"], name, &[]);
        assert_eq!(outcome.status, 0, "{}", outcome.text());
        assert_eq!(scene.plain(&[]).text(), outcome.text());
        let text = scene.text(name);
        let after = b"after> 0 LOAD_CONST (1)\nafter> 3 RETURN_VALUE\n";
        assert!(text.windows(after.len()).any(|window| window == after), "{}", tail(&text));
        let text = scene.text(other);
        let lines = super::lines_of(&text, &["work"]);
        let lines = String::from_utf8(lines).unwrap();
        assert!(lines.ends_with("work> 6 BINARY_SUBSCR\n"), "{lines}");
    }
}
